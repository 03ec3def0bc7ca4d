/**
 * Every option of the command: the parser, the help, the reference page and "did you mean" read this table. Which command takes
 * which options is said in `commands.ts`.
 *
 * `type`, `short` and `multiple` are those of Node's `parseArgs`.
 */

/** What a value is, for reading it and for completing it. */
type ValueKind = 'text' | 'file' | 'folder' | 'choice' | 'boolean' | 'seconds'

/** One option. */
export interface OptionEntry {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  /** May be given again. */
  readonly multiple?: boolean
  /** How its value is called in help. */
  readonly value?: string
  readonly kind?: ValueKind
  /** The values of a choice. */
  readonly choices?: readonly string[]
  /** What it does, in words that fit every command that takes it. */
  readonly help: string
}

/** In the order of the help. */
export const OPTIONS = {
  'disable-content-trust': {
    type: 'string',
    value: 'BOOL',
    kind: 'boolean',
    help: 'switch content trust off (true, the default) or on (false); wins over DOCKER_CONTENT_TRUST',
  },
  'digest-references': {
    type: 'string',
    kind: 'choice',
    choices: ['require-signed', 'accept'],
    help: 'name@sha256:...: look for signed tags with the digest (default), or check nothing',
  },
  'all-tags': { type: 'boolean', short: 'a', help: 'pull every released tag of the repository' },
  platform: {
    type: 'string',
    value: 'P',
    kind: 'text',
    help: "platform, such as linux/arm64: passed to the engine's client (pull), or the value of TARGETPLATFORM and the like in a Dockerfile",
  },
  engine: {
    type: 'string',
    value: 'PROGRAM',
    kind: 'text',
    help: "pull: the engine's client, docker (default), podman, nerdctl, or a path, run without a shell; serve: the engine, containerd, docker, podman or crio",
  },
  pretty: { type: 'boolean', help: 'print tables for people instead of JSON' },
  color: {
    type: 'string',
    kind: 'choice',
    choices: ['auto', 'always', 'never'],
    help: 'colours: on a terminal only (auto, the default), always or never; auto obeys FORCE_COLOR and NO_COLOR',
  },
  role: {
    type: 'string',
    multiple: true,
    value: 'ROLE',
    kind: 'text',
    help: 'search this role only; may be given again (default: targets, then its delegations)',
  },
  server: {
    type: 'string',
    value: 'URL',
    kind: 'text',
    help: 'trust server for every registry (default: DOCKER_CONTENT_TRUST_SERVER, else the one known for the registry, else that of Docker)',
  },
  'trust-dir': {
    type: 'string',
    value: 'DIR',
    kind: 'folder',
    help: 'cache of trust data; docker and notary can share it (default: trust in the folder of --config)',
  },
  config: {
    type: 'string',
    value: 'DIR',
    kind: 'folder',
    help: "folder of Docker's config.json (default: DOCKER_CONFIG, else ~/.docker)",
  },
  pinning: {
    type: 'string',
    value: 'FILE',
    kind: 'file',
    help: "JSON file with Notary's trust_pinning object: certs, ca, disable_tofu; bare, or in Notary's own config.json; its paths are relative to the file",
  },
  lockfile: {
    type: 'string',
    value: 'FILE',
    kind: 'file',
    help: 'lockfile: a collection with an entry must follow from its locked root (default: DCT_LOCKFILE, else none; for dct lock: content-trust.lock.json)',
  },
  frozen: { type: 'boolean', help: 'refuse a collection that has no entry in the lockfile' },
  'no-first-use': { type: 'boolean', help: 'refuse a collection that neither cache, pin nor lock knows' },
  merge: { type: 'boolean', help: 'join OURS and THEIRS, which grew from BASE, and write OURS: a merge driver of git' },
  list: { type: 'boolean', help: 'print what is recorded: collections, servers, root keys; asks no server' },
  remove: { type: 'boolean', help: 'remove the entries of these collections; asks no server' },
  floors: { type: 'boolean', help: 'record the versions of all roles too, as the lowest that are accepted' },
  'embed-root': {
    type: 'string',
    value: 'BOOL',
    kind: 'boolean',
    help: 'record the bytes of root.json (true, the default), or its hash alone (false)',
  },
  'accept-new-roots': { type: 'boolean', help: 'record new roots without a question' },
  expect: {
    type: 'string',
    multiple: true,
    value: 'SHA256:...',
    kind: 'text',
    help: 'record a new root when it is signed by the key with this fingerprint or canonical ID; may be given again',
  },
  policy: {
    type: 'string',
    value: 'FILE',
    kind: 'file',
    help: 'JSON or YAML file that says what is asked of which images (default: DCT_POLICY, else none)',
  },
  'require-signer': {
    type: 'string',
    multiple: true,
    value: 'NAME[=KEY]',
    kind: 'text',
    help: 'NAME must have signed the digest, with KEY, a PEM file or a canonical ID, if given; may be given again, and all are required, whatever the policy says',
  },
  tlscacert: {
    type: 'string',
    value: 'FILE',
    kind: 'file',
    help: "PEM file of the trust server's CA, of an intermediate CA, or of the server's own certificate",
  },
  offline: { type: 'boolean', help: 'ask no server, answer from the cache' },
  'stale-fallback': {
    type: 'string',
    kind: 'choice',
    choices: ['warn', 'refuse'],
    help: 'when the server gives no usable answer: use the cache and warn (default), or fail',
  },
  timeout: {
    type: 'string',
    value: 'SECONDS',
    kind: 'seconds',
    help: 'time for the network work of each reference; fractions are allowed (default: 30)',
  },
  file: {
    type: 'string',
    short: 'f',
    multiple: true,
    value: 'PATH',
    kind: 'file',
    help: 'file that names images, or a folder of such files; may be given again',
  },
  check: {
    type: 'boolean',
    help: 'write nothing; fail unless every image is pinned to what is signed (pin), every entry still holds (lock)',
  },
  diff: { type: 'boolean', help: 'print what would change, as a unified diff, and write nothing' },
  update: {
    type: 'boolean',
    help: 'also replace digests that are no longer signed for their tag (pin); follow verified rotations of roots (lock)',
  },
  partial: { type: 'boolean', help: 'write the digests of a file although other images of it fail' },
  frontend: {
    type: 'string',
    kind: 'choice',
    choices: ['pin', 'allow', 'deny'],
    help: 'the frontend of a Dockerfile (# syntax=): take it as other images, leave it unverified, or refuse it',
  },
  'build-arg': {
    type: 'string',
    multiple: true,
    value: 'K=V',
    kind: 'text',
    help: 'value of an ARG, as given to the build; may be given again',
  },
  'build-context': {
    type: 'string',
    multiple: true,
    value: 'NAME',
    kind: 'text',
    help: 'name in a Dockerfile that the build takes from elsewhere (docker build --build-context NAME=...), so that it is no image; may be given again',
  },
  path: {
    type: 'string',
    multiple: true,
    value: 'PATH',
    kind: 'text',
    help: "further place of images in Kubernetes manifests, such as '$.spec.imageName' or '$.spec.items[*].image'; may be given again",
  },
  also: {
    type: 'string',
    multiple: true,
    value: 'REFERENCE',
    kind: 'text',
    help: 'one more image that the build may use, verified as the others; may be given again',
  },
  'allow-local': {
    type: 'string',
    multiple: true,
    value: 'REFERENCE',
    kind: 'text',
    help: 'image that exists on this machine alone, allowed without a digest; may be given again',
  },
  target: {
    type: 'string',
    multiple: true,
    value: 'NAME',
    kind: 'text',
    help: 'target of the bake file, or service of the Compose file, that gets the digests; may be given again (default: default)',
  },
  format: {
    type: 'string',
    kind: 'choice',
    value: 'FORMAT',
    choices: ['source-policy', 'build-contexts', 'bake', 'compose', 'rego', 'bundle', 'csv', 'ndjson', 'static'],
    help: 'what is written: source-policy (default), build-contexts, bake, compose, rego (build-policy); bundle (default), csv, ndjson, static (export)',
  },
  out: {
    type: 'string',
    value: 'FILE',
    kind: 'file',
    help: "write to this file instead of standard output; a folder for --format rego and static; serve: the folder of the engine's configuration",
  },
  bundle: {
    type: 'string',
    value: 'FILE',
    kind: 'file',
    help: 'verify from this bundle of dct export, and ask no server; the root of a collection must be known from a lock, a pin or the cache',
  },
  'accept-bundle-root': {
    type: 'boolean',
    help: 'trust the root that the bundle holds: for a bundle that came in a way that you trust',
  },
  'accept-expired-bundle': {
    type: 'string',
    value: 'DAYS',
    kind: 'text',
    help: 'accept a bundle whose metadata expired less than DAYS days ago, and warn',
  },
  'judge-as-of': {
    type: 'string',
    value: 'TIME',
    kind: 'text',
    help: 'judge the bundle for a moment that has passed, such as 2026-11-29T12:00:00Z; the status is then trusted-as-of',
  },
  output: {
    type: 'string',
    short: 'o',
    multiple: true,
    value: 'FORMAT[=FILE]',
    kind: 'text',
    help: 'report as text, json, junit or sarif, to a file or to standard output; may be given again',
  },
  force: { type: 'boolean', help: 'replace or remove a file that dct did not write, and ask nothing' },
  listen: {
    type: 'string',
    value: 'HOST:PORT',
    kind: 'text',
    help: 'address of the service; one that is not loopback needs TLS (default: 127.0.0.1:8443)',
  },
  'tls-cert': { type: 'string', value: 'FILE', kind: 'file', help: 'PEM file of the certificate of the service, with its chain' },
  'tls-key': { type: 'string', value: 'FILE', kind: 'file', help: 'PEM file of its key' },
  'client-ca': {
    type: 'string',
    value: 'FILE',
    kind: 'file',
    help: 'PEM file of CAs: clients with a certificate of one may use the credentials of the service at registries',
  },
  'metrics-listen': {
    type: 'string',
    value: 'HOST:PORT',
    kind: 'text',
    help: 'address of /metrics, for Prometheus (default: none)',
  },
  registry: {
    type: 'string',
    multiple: true,
    value: 'REGISTRY',
    kind: 'text',
    help: 'resolve tags of this registry (docker.io, host[:port]); may be given again',
  },
  resolver: {
    type: 'string',
    value: 'URL',
    kind: 'text',
    help: 'address at which the engine reaches dct serve (default: https://127.0.0.1:8443)',
  },
  'resolver-ca': {
    type: 'string',
    value: 'FILE',
    kind: 'file',
    help: 'PEM file of the CA of the certificate of dct serve, when the machine does not trust it',
  },
  'registry-ca': {
    type: 'string',
    value: 'FILE',
    kind: 'file',
    help: "PEM file of the CA of the registry's certificate, when the machine does not trust it",
  },
  unsigned: {
    type: 'string',
    value: 'REFERENCE',
    kind: 'text',
    help: 'tag that is in the registry and not signed: it must be refused',
  },
  signed: { type: 'string', value: 'REFERENCE', kind: 'text', help: 'tag that is signed: it must be pulled' },
  'credentials-for': {
    type: 'string',
    multiple: true,
    value: 'REGISTRY',
    kind: 'text',
    help: 'let every client use the credentials of the service at this registry; may be given again',
  },
  'pass-through': {
    type: 'boolean',
    help: 'pass manifests by digest and blobs on too, for podman, skopeo, buildah and CRI-O',
  },
  json: { type: 'boolean', help: 'print one JSON object a line' },
  quiet: {
    type: 'boolean',
    short: 'q',
    help: 'print errors only, without hints; a cache that cannot be written is still reported, since every later run would be a first use',
  },
  verbose: { type: 'boolean', help: 'report every request, answer, retry and file' },
  help: { type: 'boolean', short: 'h', help: 'print the help of the command' },
  version: { type: 'boolean', help: 'print the version' },
} as const

/** The name of an option, without dashes. */
export type OptionName = keyof typeof OPTIONS

type ValueOf<Entry extends OptionEntry> = Entry extends { readonly type: 'boolean' }
  ? boolean
  : Entry extends { readonly multiple: true }
    ? readonly string[]
    : string

/** Options as typed. */
type OptionValues = { readonly [Name in OptionName]?: ValueOf<(typeof OPTIONS)[Name]> }

/** The same table for code that goes through all options. */
export const OPTION_ENTRIES: ReadonlyMap<string, OptionEntry> = new Map(Object.entries<OptionEntry>(OPTIONS))

/** `--quiet, -q`, `--server URL`, `--output FORMAT[=FILE], -o`, `--stale-fallback warn|refuse`. */
export function optionUsage(name: string): string {
  const { value, kind, choices, short } = OPTION_ENTRIES.get(name) ?? {}
  const shown = value ?? choices?.join('|')
  const ending = short === undefined ? '' : `, -${short}`
  if (shown === undefined) return `--${name}${ending}`
  // The value of a boolean follows "=" only.
  return kind === 'boolean' ? `--${name}[=${shown}]` : `--${name} ${shown}${ending}`
}

/** Words and options. */
export interface CommandLine {
  readonly words: readonly string[]
  readonly values: OptionValues
}
