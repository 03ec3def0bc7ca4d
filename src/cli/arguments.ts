/** The command line -> options. The parser is Node's; only Go's way with `--disable-content-trust[=BOOL]` is added. */
import { readFile } from 'node:fs/promises'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { TrustEvent } from '../client/events.js'
import { parseGoBoolean } from '../client/settings/content-trust.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { describeCause, printable, UsageError } from '../errors.js'
import { nearestName } from '../nearest-name.js'
import { shellWord } from '../shell-word.js'
import { describeEvent } from './events.js'
import type { Io } from './io.js'
import { readPinningFile } from './pinning-file.js'

const OPTIONS = {
  server: { type: 'string' },
  'trust-dir': { type: 'string' },
  config: { type: 'string' },
  'disable-content-trust': { type: 'string' },
  pinning: { type: 'string' },
  tlscacert: { type: 'string' },
  offline: { type: 'boolean' },
  'stale-fallback': { type: 'string' },
  'digest-references': { type: 'string' },
  timeout: { type: 'string' },
  role: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options']

/** Options as typed. */
interface OptionValues {
  readonly server?: string
  readonly 'trust-dir'?: string
  readonly config?: string
  readonly 'disable-content-trust'?: string
  readonly pinning?: string
  readonly tlscacert?: string
  readonly offline?: boolean
  readonly 'stale-fallback'?: string
  readonly 'digest-references'?: string
  readonly timeout?: string
  readonly role?: readonly string[]
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly help?: boolean
  readonly version?: boolean
}

/** Options, and the words that are none. */
export interface CommandLine {
  readonly words: readonly string[]
  readonly values: OptionValues
}

/** @throws UsageError ERR_SETTINGS_INVALID */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const end = argv.indexOf('--')
  const options = end < 0 ? argv : argv.slice(0, end)
  const rest = end < 0 ? [] : argv.slice(end)
  // Docker's flag takes a value only after "=": a following word is a reference.
  const spelled = options.map((word) => (word === '--disable-content-trust' ? '--disable-content-trust=true' : word))
  try {
    const { positionals, values } = parseArgs({
      args: [...spelled, ...rest],
      options: OPTIONS,
      allowPositionals: true,
      strict: true,
    })
    return { words: positionals, values }
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    const message = cause.message.split('. ')[0] ?? cause.message
    throw new UsageError('ERR_SETTINGS_INVALID', message, { hint: hintFor(message) })
  }
}

/** `Unknown option '--pinnig'` is all that Node's parser tells. */
function hintFor(message: string): string {
  const unknown = /^Unknown option '--(?<name>[^']+)'/.exec(message)?.groups?.['name']
  const nearest = unknown === undefined ? undefined : nearestName(unknown, Object.keys(OPTIONS))
  return nearest === undefined ? 'See: dct verify --help' : `Did you mean --${nearest}? See: dct verify --help`
}

/** What of the command line concerns the library. CA and pin files are read. @throws UsageError ERR_SETTINGS_INVALID */
export async function clientOptions(
  { values }: CommandLine,
  io: Io,
  listener?: (event: TrustEvent) => void,
): Promise<TrustClientOptions> {
  const { env, signal, now } = io
  const print = values.verbose === true && values.quiet !== true ? printer(io) : undefined
  return {
    env,
    signal,
    ...given('onEvent', both(print, listener)),
    ...(now === undefined ? {} : { now }),
    ...given('server', values.server),
    ...given('trustDirectory', values['trust-dir']),
    ...given('dockerConfig', values.config),
    ...given('offline', values.offline),
    ...given('staleFallback', choice('stale-fallback', values['stale-fallback'], ['warn', 'refuse'] as const)),
    ...given('digestReferences', choice('digest-references', values['digest-references'], ['require-signed', 'accept'] as const)),
    ...given('timeout', milliseconds(values.timeout)),
    ...given('ca', values.tlscacert === undefined ? undefined : await readAuthority(values.tlscacert)),
    ...given(
      'pinning',
      values.pinning === undefined
        ? undefined
        : await readPinningFile(values.pinning, await readText('--pinning', values.pinning)),
    ),
  }
}

function both<Value>(
  first: ((value: Value) => void) | undefined,
  second: ((value: Value) => void) | undefined,
): ((value: Value) => void) | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return (value) => {
    first(value)
    second(value)
  }
}

function printer({ err }: Io): (event: TrustEvent) => void {
  return (event) => {
    const text = describeEvent(event)
    if (text !== undefined) err(`dct: ${printable(text)}\n`)
  }
}

/**
 * The switch as the command has it: on, unless the environment says off or the flag is given.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the flag's value is no Go boolean
 */
export function commandSwitch({ values }: CommandLine, { env }: Io): Pick<TrustClientOptions, 'disableContentTrust'> {
  const flag = values['disable-content-trust']
  if (flag !== undefined) {
    const disable = parseGoBoolean(flag)
    if (disable !== undefined) return { disableContentTrust: disable }
    throw new UsageError(
      'ERR_SETTINGS_INVALID',
      `invalid argument ${JSON.stringify(flag)} for --disable-content-trust: it takes true or false`,
      { hint: 'Type --disable-content-trust, --disable-content-trust=false, or neither.' },
    )
  }
  return parseGoBoolean(env['DOCKER_CONTENT_TRUST'] ?? '') === false ? {} : { disableContentTrust: false }
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): { [key in Name]?: Value } {
  const one: { [key in Name]?: Value } = {}
  if (value !== undefined) one[name] = value
  return one
}

function choice<Word extends string>(option: string, word: string | undefined, words: readonly Word[]): Word | undefined {
  const chosen = words.find((one) => one === word)
  if (word !== undefined && chosen === undefined)
    throw new UsageError('ERR_SETTINGS_INVALID', `--${option} takes ${words.join(' or ')}, got ${JSON.stringify(word)}`, {
      hint: `Type one of: ${words.map((one) => `--${option} ${one}`).join(', ')}`,
    })
  return chosen
}

function milliseconds(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined
  const value = /^[0-9]*\.?[0-9]+$/.test(seconds) ? Number(seconds) * 1000 : Number.NaN
  if (!(value > 0 && value < 2 ** 31))
    throw new UsageError('ERR_SETTINGS_INVALID', `--timeout takes a number of seconds above 0, got ${JSON.stringify(seconds)}`, {
      hint: 'For example: --timeout 30',
    })
  return value
}

/** Checked here, where the file's name is known. */
async function readAuthority(path: string): Promise<string> {
  const { readBytes, usableCertificates } = await import('../http/tls/pem-files.js')
  const content = await readBytes(path, 'the CA file of --tlscacert')
  usableCertificates(content, path)
  return content.toString()
}

async function readText(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new UsageError('ERR_SETTINGS_INVALID', `${option}: cannot read ${path}: ${describeCause(cause)}`, {
      hint: `Look whether it is there and may be read: ls -l ${shellWord(path)}`,
      cause,
    })
  }
}
