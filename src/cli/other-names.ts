/** Names that people type before they read the help, and what to type instead. Each value is a part of a hint. */

export const OTHER_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['audit', 'A report of the signed tags: dct export --format csv REPOSITORY. Of a list: dct verify -o json - < images.txt'],
  ['bundle', 'Write a bundle: dct export --out FILE REPOSITORY'],
  ['check', 'Verify an image: dct verify REFERENCE. Check files: dct pin --check FILE. Check a lockfile: dct lock --check'],
  ['config', 'The settings that hold here, and why: dct env'],
  ['doctor', 'The settings that hold here, and why: dct env'],
  ['expiry', 'How long each role is good: dct tree REPOSITORY'],
  ['images', 'The signed tags: dct tags REPOSITORY. The cache: dct cache list'],
  [
    'import',
    'Verify from a bundle: dct verify --bundle FILE REFERENCE. Carry over the policy of another program: dct policy import',
  ],
  ['init', 'Start a lockfile: dct lock REFERENCE. Start a policy: dct policy init'],
  ['install', 'Run as docker dct: dct plugin install. Tell an engine of dct serve: dct serve hosts'],
  ['keys', 'Who may sign, and with which keys: dct tree REPOSITORY'],
  ['list', 'The signed tags: dct tags REPOSITORY. The cache: dct cache list'],
  ['ls', 'The signed tags: dct tags REPOSITORY. The cache: dct cache list'],
  ['login', "dct uses Docker's credentials: docker login SERVER. Which it finds: dct env"],
  ['man', 'The help: dct help'],
  ['push', 'dct signs nothing. Sign and push with DOCKER_CONTENT_TRUST=1 docker push of Docker 28'],
  ['report', 'A report: dct verify -o json=FILE REFERENCE. The signed tags as a table: dct export --format csv REPOSITORY'],
  ['run', 'Run an image that is verified: dct docker run, with DOCKER_CONTENT_TRUST=1'],
  ['sign', 'dct signs nothing. Sign with notary, or with docker trust sign of Docker 28'],
  ['signers', 'Who may sign: dct tree REPOSITORY. Who signed which tag: dct tags REPOSITORY'],
  ['status', 'The settings that hold here, and why: dct env'],
  ['trust', 'What docker trust inspect printed: dct inspect REFERENCE. Sign with docker trust sign of Docker 28'],
  ['unlock', 'Remove an entry of the lockfile: dct lock --remove REPOSITORY'],
  ['update', 'Follow new roots: dct lock --update. Write new digests: dct pin --update FILE'],
  ['version', 'The version: dct --version'],
])

/** By first and second word: the second word that is meant. */
export const OTHER_COMMANDS_BELOW: ReadonlyMap<string, string> = new Map([
  ['cache clear', 'forget'],
  ['cache delete', 'forget'],
  ['cache ls', 'list'],
  ['cache remove', 'forget'],
  ['cache rm', 'forget'],
  ['plugin delete', 'remove'],
  ['plugin rm', 'remove'],
  ['plugin uninstall', 'remove'],
  ['policy create', 'init'],
  ['policy lint', 'check'],
  ['policy new', 'init'],
  ['policy test', 'explain'],
  ['policy validate', 'check'],
])

/** By the option as it was typed. */
export const OTHER_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['-v', 'The version: dct --version'],
  ['-V', 'The version: dct --version'],
  ['-k', 'The certificate is always checked. A CA of your own: --tlscacert FILE'],
  ['--ca', 'A CA of your own: --tlscacert FILE'],
  ['--cacert', 'A CA of your own: --tlscacert FILE'],
  ['--insecure', 'The certificate is always checked. A CA of your own: --tlscacert FILE'],
  ['--dry-run', 'Show the changes and write nothing: --diff'],
  ['--fix', 'dct pin changes files unless --diff or --check is given: leave it out'],
  ['--from', 'References from a file: - < FILE'],
  ['--input', 'References from a file: - < FILE'],
  ['--junit', 'A report: --output junit=FILE'],
  ['--mirror', 'Mirrors are in a policy, under mirrors: --policy FILE'],
  ['--port', 'An address and a port: --listen 127.0.0.1:8443'],
  ['--report', 'A report: --output json=FILE'],
  ['--sarif', 'A report: --output sarif=FILE'],
  ['--signer', 'Who must have signed: --require-signer NAME'],
  [
    '--strict',
    'No first use: --no-first-use. Only what is locked: --lockfile FILE --frozen. No cache in place of the server: --stale-fallback refuse',
  ],
  ['--url', 'The trust server: --server URL'],
  ['--write', 'dct pin changes files unless --diff or --check is given: leave it out'],
])

/** By command and option: an option of other commands. */
export const FOREIGN_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['policy check --policy', 'Name the file without it: dct policy check FILE'],
  ['tags --format', 'JSON: --json. A table as CSV: dct export --format csv REPOSITORY'],
  ['verify --format', 'JSON: --json'],
])

/** By command: where a word that is too much belongs. */
export const OPTIONS_FOR_WORDS: ReadonlyMap<string, string> = new Map([
  ['build-policy', 'Name the Dockerfile with --file: dct build-policy --file FILE'],
  ['policy explain', 'Name the policy with --policy: dct policy explain --policy FILE REFERENCE'],
  ['serve hosts', 'Name the engine with --engine: dct serve hosts --engine containerd --registry registry.example'],
])
