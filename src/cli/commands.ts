/**
 * Every command: its words, the options that it takes, its help, and how its code is loaded. The dispatcher, the help, the
 * reference page and "did you mean" read this table.
 *
 * A new command is one file with its code and one entry here. The table loads no command.
 */

import type { Io } from './io.js'
import type { CommandLine, OptionName } from './options.js'

/** Shells for which there is a completion. */
const SHELLS = ['bash', 'zsh', 'fish'] as const

/** Runs a command and gives its exit status. */
type Run = (line: CommandLine, io: Io) => Promise<number>

/** A word behind the command. */
interface Operand {
  /** As help shows it. */
  readonly name: string
  /** What it names, for completing it: an image, any trust collection, a collection in the cache, a target, a command, a file or folder, a choice, words of docker. */
  readonly kind: 'reference' | 'gun' | 'cached-gun' | 'target' | 'command' | 'file' | 'choice' | 'docker'
  /** The words of a choice. */
  readonly choices?: readonly string[]
  readonly isOptional?: boolean
  /** The option that takes its place: then there are no words. */
  readonly replacedBy?: OptionName
  /** The last one may be repeated. */
  readonly isRepeated?: boolean
}

/** One command. */
export interface Command {
  /** The words that name it, with one space between: `cache verify`. */
  readonly name: string
  /** What it does, for the list of commands. */
  readonly summary: string
  readonly operands: readonly Operand[]
  /** Options that it takes, beside `--help` and `--version`. Others are refused. */
  readonly options: readonly OptionName[]
  /** Options that it accepts without an effect, so that one set of options serves several commands. */
  readonly withoutEffect?: readonly OptionName[]
  /**
   * Words of docker, which are given to it as they were typed. `all`: whatever follows its name, `--help` and `--` too; it has no
   * options of ours. `behind --`: when there is a `--`, what stands before it are options of ours; without one, none are.
   */
  readonly passThrough?: 'all' | 'behind --'
  /** For programs alone: the help, the reference and the completions leave it out. */
  readonly isInternal?: true
  /** It runs until it is stopped. */
  readonly isEndless?: true
  /** It runs a container engine that is set up for it. */
  readonly needsEngine?: true
  /** Paragraphs of the help. */
  readonly about: readonly string[]
  readonly exitStatus: string
  /** Command lines that work as they stand. */
  readonly examples: readonly [string, ...string[]]
  readonly load: () => Promise<Run>
}

const REFERENCES: Operand = { name: 'REFERENCE', kind: 'reference', isRepeated: true }
const CACHED_GUNS: Operand = { name: 'GUN', kind: 'cached-gun', isRepeated: true }

/** Options of everything that may ask a trust server. */
const ASKING: readonly OptionName[] = [
  ...(['server', 'trust-dir', 'config', 'pinning', 'lockfile', 'frozen', 'no-first-use', 'policy'] as const),
  ...(['tlscacert', 'offline', 'stale-fallback', 'timeout'] as const),
  ...(['json', 'quiet', 'verbose'] as const),
]

/** The same for commands whose output has a shape of its own. */
const ASKING_QUIETLY = ASKING.filter((name) => name !== 'json')

/** Options of the switch, for commands that read trust data and verify whether content trust is on or off. */
const ALWAYS_VERIFYING: readonly OptionName[] = ['disable-content-trust', 'digest-references']

/** Options that every verification takes: commands on the cache and the settings accept them, so that one set of options serves all. */
const COMMON: readonly OptionName[] = [
  'server',
  'lockfile',
  'frozen',
  'no-first-use',
  'tlscacert',
  'timeout',
  'offline',
  'verbose',
]

const VERIFIED =
  '0 all verified, 1 untrusted, 2 usage, 3 unsigned, 4 expired, 5 no answer, 130 on Ctrl-C. With several, the most severe counts, in the order 2, 1, 4, 3, 5.'

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'verify',
    summary: 'print the trusted digests of image references',
    operands: [{ ...REFERENCES, replacedBy: 'file' }],
    options: [
      'disable-content-trust',
      'digest-references',
      'require-signer',
      'file',
      'frontend',
      'build-arg',
      'build-context',
      'platform',
      'path',
      'output',
      'bundle',
      'accept-bundle-root',
      'accept-expired-bundle',
      'judge-as-of',
      ...ASKING,
    ],
    about: [
      'Prints the canonical reference (name@sha256:...) of each image reference whose tag is signed, one a line, in the order of the references. Prints nothing for a reference that fails.',
      'The reference "-" stands for references on standard input: one a line, at most 100,000. "#" begins a comment, at the start of a line or after white space. When you type the list on a terminal, Ctrl-D ends it and Ctrl-C stops the command.',
      'With --file, verifies every image that a Dockerfile, Compose file, Kubernetes manifest, kustomization or CI file names, or all such files of a folder; "-" stands for YAML or JSON on standard input. Prints one canonical reference for each image; errors name file, line and column. What does not tell which image is meant fails with status 3, a file that cannot be read with status 2. A comment dct:ignore on the line or the line above takes an image out.',
      'In folders .git and node_modules are not searched, and links are not followed: a link to a file that was not read fails. A file that programs read in two ways is refused, since it may hide an image.',
      'On a terminal, work that takes long is shown while it runs, and the failures of several references are repeated at the end. --quiet turns both off.',
      'With a policy (--policy, DCT_POLICY), the rule that matches an image most specifically says what is asked of it. An image that a rule with action warn or skip lets pass unverified prints nothing on standard output, is named on standard error, and counts as 0.',
      'With --bundle, verifies from a bundle of dct export alone: no server is asked, and nothing is written to the cache. A bundle anchors nothing by itself: a lock, a pin or the cache must know the root of the collection, or --accept-bundle-root is given. Locks, pins and the floors of the cache hold as always: a bundle that is older than what was accepted here before is refused.',
      'Content trust is on, unless DOCKER_CONTENT_TRUST is 0, f, F, false, False or FALSE, or --disable-content-trust is given.',
    ],
    exitStatus: VERIFIED,
    examples: [
      'dct verify container-registry.oracle.com/os/oraclelinux:9',
      'dct verify --json registry.example/team/app:1.0 registry.example/team/app:1.1',
      'dct verify -o junit=dct.xml registry.example/team/app:1.0',
      'dct verify -f Dockerfile -f deploy -o sarif=dct.sarif -o junit=dct.xml',
    ],
    load: async () => (await import('./verify.js')).verify,
  },
  {
    name: 'lookup',
    summary: 'the same for target names of any Notary collection',
    operands: [
      { name: 'GUN', kind: 'gun' },
      { name: 'TARGET', kind: 'target', isRepeated: true },
    ],
    options: ['role', 'require-signer', ...ASKING],
    withoutEffect: ALWAYS_VERIFYING,
    about: [
      'Prints "TARGET sha256:HEX SIZE" for each target name of a Notary collection, image or not. GUN is the full name of the collection, with its registry. A lookup always verifies, whether content trust is on or off.',
    ],
    exitStatus: VERIFIED,
    examples: [
      'dct lookup container-registry.oracle.com/os/oraclelinux 9',
      'dct lookup --role targets/releases registry.example/team/app 1.0',
    ],
    load: async () => (await import('./lookup.js')).lookup,
  },
  {
    name: 'pull',
    summary: 'verify an image, pull it by its digest, tag it',
    operands: [{ name: 'REFERENCE', kind: 'reference' }],
    options: [
      'all-tags',
      'platform',
      'engine',
      'disable-content-trust',
      'digest-references',
      'require-signer',
      ...ASKING_QUIETLY,
    ],
    about: [
      "Verifies the tag, runs the engine's client to pull the signed digest, and then to tag it with the name that you typed. Prints what docker pull printed with DOCKER_CONTENT_TRUST=1. When the verification or the pull fails, nothing is tagged.",
      'An image that a rule of the policy lets pass unverified is pulled as you typed it, and dct says so; with --all-tags it is an error.',
      'name@sha256:... is pulled when a signed tag carries the digest; it gets no tag, as with docker. With --all-tags every released tag is verified before the first is pulled, in natural order.',
      "--quiet hides the progress of the engine, as docker pull -q does, and dct's own warnings and hints.",
      'Content trust is on, unless DOCKER_CONTENT_TRUST is 0, f, F, false, False or FALSE, or --disable-content-trust is given: then the engine pulls what you typed, and dct says that it was not verified.',
    ],
    exitStatus:
      "0 pulled and tagged, 1 untrusted, 2 usage, 3 unsigned, 4 expired, 5 no answer, 130 on Ctrl-C; when the engine's client fails, its own status.",
    examples: ['dct pull registry.example/team/app:1.0', 'dct pull --platform linux/arm64 registry.example/team/app:1.0'],
    load: async () => (await import('./pull.js')).pull,
  },
  {
    name: 'inspect',
    summary: 'print what docker trust inspect printed',
    operands: [REFERENCES],
    options: ['pretty', 'require-signer', ...ASKING_QUIETLY],
    withoutEffect: ALWAYS_VERIFYING,
    about: [
      'Prints the signed tags, the signers and the keys of each image, as docker trust inspect of Docker 28 did: a JSON array, or with --pretty tables. A reference with a tag shows that tag, any other all tags.',
      'A reference with a digest shows the tags that carry the digest; docker showed all of them. Errors and exit statuses are those of dct: a collection that cannot be verified is not shown.',
      'Under a policy or --require-signer, a tag that is refused is left out, and standard error says why; when you name that tag, the command fails.',
    ],
    exitStatus: VERIFIED,
    examples: ['dct inspect registry.example/team/app', 'dct inspect --pretty registry.example/team/app:1.0'],
    load: async () => (await import('./inspect.js')).inspect,
  },
  {
    name: 'tags',
    summary: 'list the signed tags of image repositories',
    operands: [{ name: 'REPOSITORY', kind: 'reference', isRepeated: true }],
    options: ['color', 'require-signer', ...ASKING],
    withoutEffect: ALWAYS_VERIFYING,
    about: [
      'Prints a table of the released tags of each repository: digest, size of the manifest, the role that answers, and the signers. On a terminal, digests are cut to its width. With --json one object a line, with the whole digest and the earliest expiry.',
      'Under a policy or --require-signer, the column POLICY (with --json: policy and error) says which tags are refused, permitted by a rule with action warn, or skipped. The list is no verdict: the exit status says only that the collection is verified.',
    ],
    exitStatus: VERIFIED,
    examples: ['dct tags registry.example/team/app', 'dct tags --json registry.example/team/app'],
    load: async () => (await import('./tags.js')).tags,
  },
  {
    name: 'tree',
    summary: 'show who may sign what, and until when',
    operands: [{ name: 'REPOSITORY', kind: 'reference' }],
    options: ['color', ...ASKING],
    withoutEffect: ['require-signer', ...ALWAYS_VERIFYING],
    about: [
      'Prints the roles of the collection as a tree: version, time left, threshold, keys with both IDs and their algorithm, the end of their certificate, and the names that a delegation may sign. A tick marks each key that signed. The bar is full when a role is good for as long as Notary usually signs it.',
      'With --json one object: gun, root, roles.',
    ],
    exitStatus: VERIFIED,
    examples: ['dct tree registry.example/team/app'],
    load: async () => (await import('./tree.js')).tree,
  },
  {
    name: 'lock',
    summary: 'record whom you trust, in a lockfile',
    operands: [{ ...REFERENCES, isOptional: true }],
    options: [
      ...(['update', 'check', 'list', 'remove', 'merge', 'floors', 'embed-root', 'accept-new-roots', 'expect'] as const),
      ...([
        'lockfile',
        'policy',
        'server',
        'trust-dir',
        'config',
        'pinning',
        'tlscacert',
        'timeout',
        'json',
        'quiet',
        'verbose',
      ] as const),
    ],
    about: [
      'Verifies each collection and records its root, root keys and server in the lockfile (content-trust.lock.json, when neither --lockfile nor DCT_LOCKFILE names one). A root that the lockfile does not have is shown with the fingerprints of its keys. On a terminal dct asks whether it is the right one; elsewhere it wants --expect or --accept-new-roots. An image at a mirror of the policy is recorded under its signed name. Never writes the cache of trust data.',
      'With --update, records what a verified rotation leads to. A root that does not follow from the recorded one is refused, unless --expect names a key that signed it.',
      'With --check, compares each entry, or those of the references, with the server: root keys by their public key, threshold, server and floors. A publication, or another certificate of the same key, changes nothing.',
      'With --list, prints each entry: collection, server, root version and root keys. With --remove, removes the entries of the references, all or none.',
      'With --merge BASE OURS THEIRS, joins three versions of a lockfile for git. What cannot be joined is told, and OURS stays as it is.',
    ],
    exitStatus:
      '0 recorded, 1 untrusted or not accepted, 2 usage, 3 unsigned, or nothing to remove, 4 expired, 5 no answer. With --check: 0 every entry holds, 1 one does not, 5 the server could not be asked. With --merge: 1 conflict.',
    examples: [
      'dct lock --accept-new-roots registry.example/team/app',
      'dct lock --check',
      'dct lock --update registry.example/team/app',
      'dct lock --list',
    ],
    load: async () => (await import('./lock.js')).lock,
  },
  {
    name: 'pin',
    summary: 'write the signed digests into files',
    operands: [{ name: 'FILE|FOLDER', kind: 'file', isRepeated: true }],
    options: [
      'check',
      'diff',
      'update',
      'partial',
      'frontend',
      'build-arg',
      'build-context',
      'platform',
      'path',
      'output',
      'require-signer',
      ...ASKING_QUIETLY,
    ],
    about: [
      'Writes the signed digest behind each image of Dockerfiles, Compose files, Kubernetes manifests, kustomizations and CI files: alpine:3.19 becomes alpine:3.19@sha256:... Nothing else of a file changes. Prints the names of the changed files.',
      'A file is written whole or not at all, and only if all its images are signed; --partial writes those that are. A digest that is no longer signed for its tag is replaced with --update alone. The frontend of a Dockerfile is left as it is, unless --frontend says otherwise.',
      'With --check nothing is written: each image that is not pinned to what is signed now is an error with file, line and column.',
      'Verifies always, whether content trust is on or off.',
    ],
    exitStatus:
      '0 all pinned and current, 1 untrusted, 2 usage or a file that cannot be read or written, 3 an image is not signed, not known or (--check) not pinned, 4 expired, 5 no answer, 130 on Ctrl-C. With several, the most severe counts, in the order 2, 1, 4, 3, 5.',
    examples: ['dct pin --diff Dockerfile', 'dct pin Dockerfile deploy', 'dct pin --check Dockerfile deploy'],
    load: async () => (await import('./pin.js')).pin,
  },
  {
    name: 'build-policy',
    summary: 'let a build use verified images only, by a policy',
    operands: [],
    options: [
      'file',
      'frontend',
      'build-arg',
      'build-context',
      'platform',
      'also',
      'allow-local',
      'format',
      'target',
      'out',
      'require-signer',
      ...ASKING_QUIETLY,
    ],
    about: [
      'Verifies all images of Dockerfiles (./Dockerfile, when --file names none) and writes a policy for BuildKit: every image is refused, except the verified ones with their digests. An image that a Dockerfile hides, such as one in ONBUILD of a base image, is refused by the builder; --also adds it.',
      'Use it with: EXPERIMENTAL_BUILDKIT_SOURCE_POLICY=FILE docker buildx build. With --sbom the builder pulls a scanner image too: name it with --also.',
      'build-contexts, bake and compose replace images only, and refuse nothing. rego writes two files into the folder --out.',
      'Verifies always, whether content trust is on or off. When an image is not verified, nothing is written.',
    ],
    exitStatus: VERIFIED,
    examples: ['dct build-policy -f Dockerfile --out policy.json'],
    load: async () => (await import('./build-policy.js')).buildPolicy,
  },
  {
    name: 'build',
    summary: 'run docker build with verified images only',
    operands: [{ name: 'ARGUMENT', kind: 'docker', isRepeated: true }],
    options: ['also', 'allow-local', 'allow-unsigned-cache', 'frontend', 'require-signer', ...ASKING_QUIETLY],
    passThrough: 'behind --',
    about: [
      'Verifies the images of the Dockerfile, of all its stages, and runs docker buildx build with the arguments and a policy, as dct build-policy writes it: BuildKit refuses every other image. Arguments are those of docker buildx build. Options of dct stand before them, followed by "--".',
      'Before the first build with a builder, dct has it build something that the policy denies, and refuses a builder that does not deny it. It remembers builder and version in dct-builders.json in the trust directory.',
      "Without buildx, or with DOCKER_BUILDKIT=0, docker's classic builder builds from a copy of the Dockerfile that has the digests; dct says so.",
      'Images that --build-context, --sbom and --attest name are verified too. Refused are contexts that docker would fetch, archives on standard input, images in folders (oci-layout), remote caches (--cache-from, unless --allow-unsigned-cache names their type), and a policy of your own in EXPERIMENTAL_BUILDKIT_SOURCE_POLICY. A comment dct:ignore has no effect here.',
      'Content trust is on, unless DOCKER_CONTENT_TRUST is 0, f, F, false, False or FALSE, or --disable-content-trust is among the arguments.',
    ],
    exitStatus:
      "docker's own once the images are verified. Before that 1 untrusted, 2 usage, 3 unsigned, 4 expired, 5 no answer, 130 on Ctrl-C. With several, the most severe counts, in the order 2, 1, 4, 3, 5.",
    examples: ['dct build -t team/app .', 'dct build --also registry.example/team/app:1.1 -- -t team/app .'],
    load: async () => (await import('./build.js')).build,
  },
  {
    name: 'export',
    summary: 'take collections down, to verify them elsewhere',
    operands: [{ name: 'REPOSITORY', kind: 'reference', isRepeated: true }],
    options: ['out', 'format', ...ASKING_QUIETLY],
    about: [
      'Verifies the collections, and writes the metadata by which they were verified, as it was served, with every earlier root that the server has. When one is not verified, nothing is written.',
      '--format bundle (the default) writes one file for dct verify --bundle: lines of JSON, one for each collection. The same metadata gives the same bytes; their SHA-256 is printed on standard error. A bundle that stays valid is no better than its timestamp, which most servers sign for two weeks.',
      '--format static writes a tree into the folder --out, which any web server can serve to every Notary client over https: docker, notary and dct. A later export into the same folder adds the newer files; timestamp.json comes last.',
      '--format csv and ndjson write one row for each released tag: digest, size, role, signers, the keys that signed by both IDs, custom data, and the expiry of each role.',
      'Verifies always, whether content trust is on or off. With --offline, or when the server gives no answer, takes what the cache holds; the earlier roots are not among it.',
    ],
    exitStatus: VERIFIED,
    examples: [
      'dct export --out trust.bundle registry.example/team/app',
      'dct export --format static --out mirror registry.example/team/app',
      'dct export --format csv registry.example/team/app',
    ],
    load: async () => (await import('./export.js')).exportCollections,
  },
  {
    name: 'cache list',
    summary: 'list the collections in the cache',
    operands: [],
    options: ['trust-dir', 'config', 'json', 'quiet'],
    withoutEffect: COMMON,
    about: ['Prints the GUN of each collection in the cache, one a line; with --json {"gun": ...}.'],
    exitStatus: '0, 2 usage, 5 when the cache cannot be read.',
    examples: ['dct cache list'],
    load: async () => (await import('./cache.js')).cacheList,
  },
  {
    name: 'cache verify',
    summary: 'verify what is in the cache, without asking a server',
    operands: [{ ...CACHED_GUNS, isOptional: true }],
    options: ['server', 'trust-dir', 'config', 'pinning', 'lockfile', 'frozen', 'policy', 'json', 'quiet', 'verbose'],
    withoutEffect: ['no-first-use', 'tlscacert', 'timeout', 'offline'],
    about: [
      'Verifies the cached metadata of the collections, of all of them when none is named, without asking a server. Prints the versions of the roles and the earliest expiry; the root keys, by both IDs, go to standard error. With --json prints what inspect of the library answers, or the failure with its GUN.',
      'The cached metadata of a collection counts for the trust server that it came from. Name that server as you do for dct verify.',
    ],
    exitStatus: VERIFIED,
    examples: ['dct cache verify'],
    load: async () => (await import('./cache.js')).cacheVerify,
  },
  {
    name: 'cache forget',
    summary: 'remove a collection from the cache',
    operands: [CACHED_GUNS],
    options: ['trust-dir', 'config', 'json', 'quiet'],
    withoutEffect: COMMON,
    about: [
      'Removes metadata, root and version floors of the collections. With --json prints {"gun": ..., "forgotten": true}, or false when nothing was cached.',
      'The cached root is how a collection is recognized. Without it, the next root that a server offers is trusted on first use, unless a pin says otherwise. Before you do this because of an error, compare the root key with the publisher: dct cache verify shows it.',
    ],
    exitStatus: '0, 2 usage, 5 when the cache cannot be written.',
    examples: ['dct cache forget registry.example/team/app'],
    load: async () => (await import('./cache.js')).cacheForget,
  },
  {
    name: 'env',
    summary: 'show what a verification would use here, and why',
    operands: [{ name: 'REFERENCE', kind: 'reference', isOptional: true }],
    options: [
      'disable-content-trust',
      'server',
      'trust-dir',
      'config',
      'pinning',
      'lockfile',
      'policy',
      'tlscacert',
      'json',
      'quiet',
    ],
    withoutEffect: [
      'frozen',
      'no-first-use',
      'timeout',
      'offline',
      'stale-fallback',
      'digest-references',
      'require-signer',
      'verbose',
    ],
    about: [
      'Shows what the verification of an image (alpine, when none is named) would use on this machine, and why: the switch, the trust server, the proxy, CA and client certificates, where credentials come from (never the secrets), the cache, the pins and the policy. Asks no server.',
    ],
    exitStatus: '0, or that of the most severe problem with what is shown.',
    examples: ['dct env container-registry.oracle.com/os/oraclelinux:9'],
    load: async () => (await import('./env.js')).env,
  },
  {
    name: 'serve',
    summary: 'answer container engines with signed digests',
    operands: [],
    options: [
      ...(['policy', 'listen', 'tls-cert', 'tls-key', 'client-ca', 'metrics-listen', 'registry', 'credentials-for'] as const),
      ...([
        'pass-through',
        'server',
        'trust-dir',
        'config',
        'pinning',
        'lockfile',
        'frozen',
        'no-first-use',
        'require-signer',
      ] as const),
      ...(['tlscacert', 'stale-fallback', 'timeout', 'quiet', 'verbose'] as const),
    ],
    about: [
      'Answers GET and HEAD /v2/NAME/manifests/TAG?ns=REGISTRY as a registry does, with the digest that is signed: containerd and Docker Engine ask it for tags and take the images from the registry. The manifest is fetched from the registry by its signed digest and checked. A tag that is not signed is refused with 403; 503 means that there is no verdict now.',
      'POST /verify with {"references": [...]} answers {"results": [...]}, each as dct verify --json prints it. /livez and /readyz say that the service runs.',
      'With --pass-through, manifests by digest and blobs come through the service too: podman, skopeo, buildah and CRI-O name it as the location of the registry, and write REGISTRY_PORT/NAME for REGISTRY:PORT/NAME. By digest it serves what is signed, and what manifests name that it let through.',
      'The policy must have a default. A collection that is not in the cache and has neither pin nor lock is refused, unless its rule says firstUse: accept. The service contacts only hosts that its configuration names: --server, servers of rules, known registries, and those of --registry.',
      'Prints one JSON object a line for each decision. Policy, lockfile and certificates are read again when they change and on SIGHUP; broken ones leave the old in use. SIGTERM and Ctrl-C let running requests end.',
    ],
    exitStatus: '0 after it was stopped, 2 usage.',
    isEndless: true,
    examples: ['dct serve --policy policy.yaml --registry registry.example'],
    load: async () => (await import('./serve.js')).serve,
  },
  {
    name: 'serve hosts',
    summary: 'tell a container engine to ask dct serve',
    operands: [],
    options: [
      ...(['engine', 'registry', 'resolver', 'resolver-ca', 'registry-ca', 'out'] as const),
      ...(['diff', 'force', 'quiet', 'verbose'] as const),
    ],
    about: [
      "Writes the files that make an engine ask dct serve for the digests of a registry's tags, in the one form that leaves no way round it: certs.d/HOST/hosts.toml for containerd and Docker Engine 29, where the registry gives the bytes and resolves no tag; registries.conf.d/zz-dct-HOST.conf for podman and CRI-O, where all requests go to dct serve. Prints the names of the files that it wrote.",
      'The folder is that of the engine: /etc/containerd, /etc/docker, /etc/containers, or --out DIR. The changes are shown first, as a diff; on a terminal the command asks. A file that dct did not write is replaced when you say yes, or with --force. It is not merged: what you need of it must go into the options, or stay in files of other registries.',
      'Entries of registries.conf that would win over the written one are refused.',
    ],
    exitStatus: '0, 2 usage, or a file that is not replaced or cannot be written.',
    examples: [
      'dct serve hosts --engine containerd --registry registry.example --diff',
      'dct serve hosts --engine podman --registry registry.example --out containers',
    ],
    load: async () => (await import('./serve-hosts.js')).serveHosts,
  },
  {
    name: 'serve self-test',
    summary: 'prove that a container engine refuses unsigned tags',
    operands: [],
    options: [...(['engine', 'unsigned', 'signed', 'resolver', 'out', 'quiet', 'verbose'] as const)],
    about: [
      "Judges the engine's files, then lets the engine's own client pull a tag that is not signed: ctr (and crictl, where it is installed), docker, podman, or crictl for CRI-O. It must fail with a refusal of dct serve. With --signed, another tag must be pulled.",
      'Removes what was pulled. An image that the engine has already is not tried, since it would be lost. ctr works in a namespace of its own.',
      'Says what the files cannot reach: digests, images that the engine has already, other names of the registry.',
    ],
    exitStatus:
      '0 refused as it must be, 1 the engine pulled it or its files leave a way round dct serve, 2 usage, 5 the engine could not be asked.',
    needsEngine: true,
    examples: ['dct serve self-test --engine containerd --unsigned registry.example/app:no'],
    load: async () => (await import('./serve-self-test.js')).serveSelfTest,
  },
  {
    name: 'policy init',
    summary: 'print a policy to start with',
    operands: [{ ...REFERENCES, isOptional: true }],
    options: ['quiet'],
    about: [
      'Prints a policy in YAML, to be written to a file: a rule for the repository of each reference, which must be signed, and the action warn for all other images. Comments show further rules. Asks no server.',
    ],
    exitStatus: '0, 2 usage.',
    examples: ['dct policy init registry.example/team/app'],
    load: async () => (await import('./policy.js')).policyInit,
  },
  {
    name: 'policy explain',
    summary: 'show which rule decides over an image, and why',
    operands: [{ name: 'REFERENCE', kind: 'reference' }],
    options: ['policy', 'json', 'quiet'],
    about: [
      'Prints the names under which the image is judged, the rule that decides, what it asks, the less specific rules that match too, and the rules that nearly match. Asks no server.',
    ],
    exitStatus: '0, 2 usage.',
    examples: ['dct policy explain --policy policy.yaml registry.example/team/app:1.0'],
    load: async () => (await import('./policy.js')).policyExplain,
  },
  {
    name: 'policy check',
    summary: 'check a policy',
    operands: [
      { name: 'FILE', kind: 'file' },
      { name: 'REFERENCE', kind: 'reference', isOptional: true, isRepeated: true },
    ],
    options: ['json', 'quiet'],
    about: [
      'Reads a policy and the names of its fields, patterns, keys and signers. Every fault is an error with line and column; a rule that can never decide, or a demand without effect, is a warning. Images that are named are explained as dct policy explain does. Does not read the CA files that the policy names, and asks no server.',
    ],
    exitStatus: '0, 2 when something is wrong in the file.',
    examples: ['dct policy check policy.yaml registry.example/team/app:1.0'],
    load: async () => (await import('./policy.js')).policyCheck,
  },
  {
    name: 'policy import',
    summary: 'make a policy from that of another program',
    operands: [
      { name: 'KIND', kind: 'choice', choices: ['connaisseur', 'portieris', 'opa-notary', 'notary'] },
      { name: 'FILE', kind: 'file' },
    ],
    options: ['quiet'],
    about: [
      'Prints a policy, as JSON, made from the configuration of connaisseur, portieris, opa-notary or notary: KIND is one of these words. Each meaning that changes is a warning with line and column. What a policy cannot say is denied, and the exit status is 1.',
    ],
    exitStatus: '0, 1 when something could not be carried over, 2 usage.',
    examples: ['dct policy import notary config.json'],
    load: async () => (await import('./policy.js')).policyImport,
  },
  {
    name: 'demo',
    summary: 'see it work, without a network or any configuration',
    operands: [],
    options: [],
    about: [
      'Starts a trust server on this machine, with a collection that the real notary signed, and verifies against it: a signed tag, a tag without a signature, a tampered file, and a server that is gone. Needs no network and leaves nothing behind.',
      'Uses a temporary folder for a moment: below TMPDIR or the default of the system, else the first other folder that can be written to.',
    ],
    exitStatus: '0, or 70 when the demo did not go as it should.',
    examples: ['dct demo'],
    load: async () => (await import('./demo.js')).demo,
  },
  {
    name: 'docker',
    summary: 'run docker with content trust, as Docker 28 had it',
    operands: [{ name: 'ARGUMENT', kind: 'docker', isOptional: true, isRepeated: true }],
    options: [],
    passThrough: 'all',
    about: [
      "Runs docker with the words that follow, so that alias docker='dct docker' changes no habit. Content trust is on when DOCKER_CONTENT_TRUST is set and none of 0, f, F, false, False, FALSE; --disable-content-trust behind pull, run, create or build wins. When it is off, dct changes nothing.",
      'When it is on, dct verifies the image of pull, run and create (docker image pull, docker container run and docker container create too), pulls it by its digest when it is missing, tags it, and gives docker the name with the digest. What it prints and its exit statuses are those of Docker 28.',
      'docker build is run as dct build runs it, under each of its names: docker image build, docker builder build, docker buildx build.',
      'DCT_POLICY and DCT_LOCKFILE hold. An image that a rule with action warn or skip lets pass is given to docker as typed, with a warning.',
      'Other commands are given to docker. For push, trust sign, compose, service, stack and plugin install a warning says that content trust does not reach them.',
      'The program is the first docker in PATH; DCT_DOCKER names another one.',
    ],
    exitStatus: "docker's own; when an image is refused, 125 for run and 1 for others, as with Docker 28.",
    examples: ['dct docker pull registry.example/team/app:1.0', 'dct docker run --rm registry.example/team/app:1.0'],
    load: async () => (await import('./docker.js')).docker,
  },
  {
    name: 'plugin install',
    summary: 'let docker dct COMMAND run this program',
    operands: [],
    options: ['config', 'force', 'quiet'],
    about: [
      "Writes the file cli-plugins/docker-dct in Docker's folder: a script that runs this program with this Node.js. After that docker dct verify does what dct verify does. Plugins cannot replace docker pull: that is what dct docker is for.",
      'When another file is there, the command asks on a terminal before it replaces it; elsewhere it is refused without --force.',
    ],
    exitStatus: '0, 2 usage, or a file that is not replaced.',
    examples: ['dct plugin install'],
    load: async () => (await import('./plugin.js')).pluginInstall,
  },
  {
    name: 'plugin remove',
    summary: 'undo dct plugin install',
    operands: [],
    options: ['config', 'force', 'quiet'],
    about: [
      "Removes the file cli-plugins/docker-dct from Docker's folder. A file that dct did not write is kept, unless you agree on a terminal or give --force.",
    ],
    exitStatus: '0, 2 usage, or a file that is not removed.',
    examples: ['dct plugin remove'],
    load: async () => (await import('./plugin.js')).pluginRemove,
  },
  {
    name: 'plugin run',
    summary: 'what the script of the plugin runs',
    operands: [{ name: 'ARGUMENT', kind: 'docker', isOptional: true, isRepeated: true }],
    options: [],
    passThrough: 'all',
    isInternal: true,
    about: ["Takes the words that docker gives a plugin. docker's --config, --context and --host hold for what runs."],
    exitStatus: 'that of the command.',
    examples: ['dct plugin run docker-cli-plugin-metadata'],
    load: async () => (await import('./plugin-run.js')).pluginRun,
  },
  {
    name: 'completion',
    summary: 'print a script that completes commands in a shell',
    operands: [{ name: 'SHELL', kind: 'choice', choices: SHELLS }],
    options: [],
    about: [
      'Prints a script for bash, zsh or fish. It completes commands, options, their values, and the collections in the cache.',
      'bash: put eval "$(dct completion bash)" into ~/.bashrc. zsh: dct completion zsh > FOLDER/_dct, where FOLDER is in fpath, or source <(dct completion zsh) behind compinit. fish: dct completion fish > ~/.config/fish/completions/dct.fish',
    ],
    exitStatus: '0, 2 usage.',
    examples: ['dct completion bash', 'dct completion zsh', 'dct completion fish'],
    load: async () => (await import('./completion.js')).completion,
  },
  {
    name: 'help',
    summary: 'print the help of a command',
    operands: [{ name: 'COMMAND', kind: 'command', isOptional: true, isRepeated: true }],
    options: [],
    about: ['Prints the help of a command, as dct COMMAND --help does; without a command, the list of commands.'],
    exitStatus: '0, 2 usage.',
    examples: ['dct help cache verify'],
    load: async () => (await import('./help.js')).help,
  },
]

/** The commands that people type. */
export const SHOWN_COMMANDS: readonly Command[] = COMMANDS.filter(({ isInternal }) => isInternal !== true)

/** The options that a command accepts, in the order of the help. */
export function acceptedOptions({ options, withoutEffect = [], passThrough }: Command): readonly OptionName[] {
  return passThrough === 'all' ? [] : [...options, ...withoutEffect, 'help', 'version']
}

/** `dct verify [OPTIONS] REFERENCE...` */
export function commandUsage(command: Command): string {
  const options = { all: '', 'behind --': '[[OPTIONS] --]', none: '[OPTIONS]' }[command.passThrough ?? 'none']
  return ['dct', command.name, options, operandUsage(command)].filter((part) => part !== '').join(' ')
}

/** `GUN TARGET...`, `[REFERENCE]`. */
export function operandUsage({ operands }: Pick<Command, 'operands'>): string {
  return operands
    .map(({ name, isOptional, isRepeated }) => {
      const shown = `${name}${isRepeated === true ? '...' : ''}`
      return isOptional === true ? `[${shown}]` : shown
    })
    .join(' ')
}
