/** Options as typed -> options of the library. Which flag sets which option is in the library's table of settings. */
import { readFile } from 'node:fs/promises'
import type { TrustEvent } from '../client/events.js'
import { type Environment, parseGoBoolean } from '../client/settings/environment.js'
import type { RequiredSignerOption, TrustClientOptions } from '../client/settings/options.js'
import { SETTINGS } from '../client/settings/settings-table.js'
import { describeCause, printable, UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import { describeEvent } from './events.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { OPTION_ENTRIES } from './options.js'
import { readPinningFile } from './pinning-file.js'

/** Options of the library that take another value than the text that is typed: the content of a file, a number, a date. */
const READERS = new Map<string, (text: string) => Promise<unknown>>([
  ['ca', readAuthority],
  ['acceptExpiredBundle', readDays],
  ['judgeAsOf', readTime],
  ['pinning', async (path) => readPinningFile(path, await readText('--pinning', path))],
])

/** The options for a client. Reads CA and pin files. @throws UsageError ERR_SETTINGS_INVALID */
export async function clientOptions(
  { values }: CommandLine,
  io: Io,
  listener?: (event: TrustEvent) => void,
): Promise<TrustClientOptions> {
  const { env, signal, now } = io
  const listeners = [
    ...(values.verbose === true && values.quiet !== true ? [printer(io)] : []),
    ...(listener === undefined ? [] : [listener]),
  ]
  const typed = new Map<string, string | boolean | readonly string[]>(Object.entries(values))
  const given: [string, unknown][] = []
  for (const [name, { flag = '' }] of Object.entries(SETTINGS)) {
    const value = typed.get(flag)
    if (value !== undefined) given.push([name, await readValue(name, flag, value)])
  }
  const options: TrustClientOptions = Object.fromEntries(given)
  return {
    env,
    signal,
    ...(now === undefined ? {} : { now }),
    ...(listeners.length === 0 ? {} : { onEvent: (event: TrustEvent) => listeners.forEach((listen) => void listen(event)) }),
    ...options,
  }
}

/** The value that the library takes. Its own check of the type follows. */
async function readValue(name: string, flag: string, value: string | boolean | readonly string[]): Promise<unknown> {
  if (name === 'firstUse') return 'refuse' // its flag says no more: --no-first-use
  if (name === 'requireSigners' && typeof value === 'object') return Promise.all(value.map(readSigner))
  if (typeof value !== 'string') return value
  const { kind, choices = [] } = OPTION_ENTRIES.get(flag) ?? {}
  if (kind === 'boolean') return goBoolean(flag, value)
  if (kind === 'seconds') return milliseconds(flag, value)
  if (kind === 'choice') return choice(flag, value, choices)
  return (await READERS.get(name)?.(value)) ?? value
}

/**
 * The switch of the command: content trust is on, unless the environment says off or the flag is given.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the flag's value is no Go boolean
 */
export function commandSwitch({ values }: CommandLine, env: Environment): Pick<TrustClientOptions, 'disableContentTrust'> {
  const flag = values['disable-content-trust']
  if (flag !== undefined) return { disableContentTrust: goBoolean('disable-content-trust', flag) }
  return parseGoBoolean(env['DOCKER_CONTENT_TRUST'] ?? '') === false ? {} : { disableContentTrust: false }
}

function printer({ err }: Io): (event: TrustEvent) => void {
  return (event) => {
    const text = describeEvent(event)
    if (text !== undefined) err(`dct: ${printable(text)}\n`)
  }
}

/** Reads a value that Go would read as a boolean. @throws UsageError ERR_SETTINGS_INVALID */
export function goBoolean(flag: string, text: string): boolean {
  const value = parseGoBoolean(text)
  if (value !== undefined) return value
  throw invalid(
    `invalid argument ${JSON.stringify(text)} for --${flag}: it takes true or false`,
    `Type --${flag}, --${flag}=false, or neither.`,
  )
}

/** One of the choices of an option. @throws UsageError ERR_SETTINGS_INVALID */
export function choice(flag: string, text: string, choices: readonly string[]): string {
  if (choices.includes(text)) return text
  throw invalid(
    `--${flag} takes ${choices.join(' or ')}, got ${JSON.stringify(text)}`,
    `Type one of: ${choices.map((one) => `--${flag} ${one}`).join(', ')}`,
  )
}

function milliseconds(flag: string, seconds: string): number {
  const value = /^[0-9]*\.?[0-9]+$/.test(seconds) ? Number(seconds) * 1000 : Number.NaN
  if (value > 0 && value < 2 ** 31) return value
  throw invalid(`--${flag} takes a number of seconds above 0, got ${JSON.stringify(seconds)}`, `For example: --${flag} 30`)
}

async function readDays(text: string): Promise<number> {
  if (/^[0-9]*\.?[0-9]+$/.test(text) && Number(text) > 0) return Number(text)
  const got = JSON.stringify(text)
  throw invalid(`--accept-expired-bundle takes a number of days above 0, got ${got}`, 'For example: --accept-expired-bundle 7')
}

/** A day (its first moment), or a time with its zone: a time without one would mean another moment on another machine. */
async function readTime(text: string): Promise<Date> {
  const isTime = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text)
  const date = new Date(isTime ? text : Number.NaN)
  if (Number.isFinite(date.getTime())) return date
  throw invalid(
    `--judge-as-of takes a date, or a time with its zone, got ${JSON.stringify(text)}`,
    'For example: --judge-as-of 2026-11-29 or --judge-as-of 2026-11-29T12:00:00Z',
  )
}

/** `alice`, or `alice=` and a canonical ID or the path of a PEM file. */
async function readSigner(text: string): Promise<RequiredSignerOption> {
  const at = text.indexOf('=')
  if (at === -1) return text
  const [name, key] = [text.slice(0, at), text.slice(at + 1)]
  const isId = /^[0-9a-fA-F]{64}$/.test(key)
  return { name, keys: [isId ? key : await readText(`--require-signer ${name}`, key)] }
}

/** Checks the certificates here, where the name of the file is known. */
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

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint })
}
