/** Names that people type before they read the help, and what to type instead. Each value is a part of a hint. */

export const OTHER_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['bundle', 'Write a bundle: dct export --out FILE REPOSITORY'],
  ['list', 'The signed tags: dct tags REPOSITORY. The cache: dct cache list'],
  ['ls', 'The signed tags: dct tags REPOSITORY. The cache: dct cache list'],
  ['man', 'The help: dct help'],
  ['sign', 'dct signs nothing. Sign with notary, or with docker trust sign of Docker 28'],
  ['version', 'The version: dct --version'],
])

/** By the option as it was typed. */
export const OTHER_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['-v', 'The version: dct --version'],
  ['-V', 'The version: dct --version'],
  ['--ca', 'A CA of your own: --tlscacert FILE'],
  ['--cacert', 'A CA of your own: --tlscacert FILE'],
  ['--insecure', 'The certificate is always checked. A CA of your own: --tlscacert FILE'],
  ['--dry-run', 'Show the changes and write nothing: --diff'],
  ['--junit', 'A report: --output junit=FILE'],
  ['--sarif', 'A report: --output sarif=FILE'],
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
