/** Options and environment -> frozen settings: the only place that knows where a value may come from. */
import { createFileStore } from '../cache/file-store.js'
import type { MetadataStore } from '../cache/metadata-store.js'
import { type CredentialSource, givenCredentials } from '../credentials/credentials.js'
import { dockerCredentials } from '../credentials/docker-config.js'
import { UsageError } from '../errors.js'
import { parseServer, type TrustServer } from '../transport/notary-url.js'
import type { Transport } from '../transport/transport.js'
import { NO_PINNING, type TrustPinning } from '../trust/pinning.js'
import { chooseDockerConfig, chooseServer, chooseTrustDirectory } from './choices.js'
import type { Environment } from './content-trust.js'
import { createTeller, type TrustEvent } from './events.js'
import type { TrustClientOptions } from './options.js'

/** What one client works with. */
export interface Settings {
  readonly env: Environment
  /** The trust server of a registry (`docker.io`, `host[:port]`). @throws UsageError ERR_SETTINGS_INVALID */
  readonly serverFor: (registry: string) => TrustServer
  /** `servers` maps docker.io to this trust server: then it may have the credentials of docker.io. */
  readonly isMappedForDockerIo: (server: TrustServer) => boolean
  readonly dockerConfig: string
  readonly credentials: CredentialSource
  readonly store: MetadataStore
  /** Instead of https. */
  readonly transport: Transport | undefined
  readonly pinning: TrustPinning
  readonly digestReferences: 'require-signed' | 'accept'
  readonly staleFallback: 'warn' | 'refuse'
  readonly offline: boolean
  readonly ca: readonly string[]
  /** Milliseconds. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  /** Milliseconds since 1970. @throws UsageError when the clock is broken */
  readonly now: () => number
  /** Never throws. */
  readonly onEvent: (event: TrustEvent) => void
}

const DEFAULT_TIMEOUT = 30_000

/** What each option has to be. By hand: a schema library takes longer to load than all the rest of a call before it asks. */
const EXPECTED: Readonly<Record<string, readonly [fits: (value: unknown) => boolean, expected: string]>> = {
  env: [isObject, 'an object'],
  server: [isText, 'a text'],
  servers: [(value) => isPlainObject(value) && Object.values(value).every(isText), 'an object of texts'],
  trustDirectory: [isText, 'a text'],
  dockerConfig: [isText, 'a text'],
  store: [hasMethods('read', 'commit', 'forget', 'list'), 'a MetadataStore'],
  transport: [hasMethods('fetchMetadata'), 'a Transport'],
  digestReferences: [isOneOf('require-signed', 'accept'), 'require-signed or accept'],
  staleFallback: [isOneOf('warn', 'refuse'), 'warn or refuse'],
  offline: [isOneOf(true, false), 'true or false'],
  credentials: [(value) => isObject(value) || isFunction(value), 'an object or a function'],
  ca: [(value) => [value].flat().every(isPem), 'PEM text with a certificate'],
  timeout: [(value) => typeof value === 'number' && value > 0 && value < 2 ** 31, 'milliseconds above 0 and below 2^31'],
  signal: [(value) => value instanceof AbortSignal, 'an AbortSignal'],
  now: [isFunction, 'a function'],
  onEvent: [isFunction, 'a function'],
}

/** @throws UsageError ERR_SETTINGS_INVALID */
function checkOptions(options: TrustClientOptions): void {
  if (!isObject(options)) throw new UsageError('ERR_SETTINGS_INVALID', 'the options must be an object')
  for (const [name, [fits, expected]] of Object.entries(EXPECTED)) {
    const value: unknown = Reflect.get(options, name)
    if (value !== undefined && !fits(value)) throw new UsageError('ERR_SETTINGS_INVALID', `option ${name}: expected ${expected}`)
  }
}

/** Reads options and environment, CA and pin files. @throws UsageError ERR_SETTINGS_INVALID */
export async function readSettings(given: TrustClientOptions): Promise<Settings> {
  checkOptions(given)
  const env = given.env ?? process.env
  const dockerConfig = chooseDockerConfig(given, env).value
  return Object.freeze({
    env,
    serverFor: (registry: string) => chooseServer(registry, given, env).value,
    isMappedForDockerIo: ({ typed }: TrustServer) => {
      const mapped = given.server === undefined ? given.servers?.['docker.io'] : undefined
      return mapped !== undefined && parseServer(mapped).typed === typed
    },
    dockerConfig,
    credentials: await readCredentials(given, dockerConfig, env),
    store: given.store ?? createFileStore(chooseTrustDirectory(given, env).value),
    transport: given.transport,
    pinning: await readPins(given.pinning),
    digestReferences: given.digestReferences ?? 'require-signed',
    staleFallback: given.staleFallback ?? 'warn',
    offline: given.offline ?? false,
    ca: given.ca === undefined ? [] : [given.ca].flat(),
    timeout: given.timeout ?? DEFAULT_TIMEOUT,
    signal: given.signal,
    now: () => readClock(given.now),
    onEvent: createTeller(given.onEvent),
  })
}

/**
 * A config.json that is no JSON object fails at once: whether a server asks for credentials must not decide it. Where no
 * server is asked it is not read.
 */
async function readCredentials(
  { credentials, offline, transport }: TrustClientOptions,
  dockerConfig: string,
  env: Environment,
): Promise<CredentialSource> {
  if (credentials !== undefined) return givenCredentials(credentials)
  const source = dockerCredentials({ dockerConfig, env })
  if (offline !== true && transport === undefined) await source.check()
  return source
}

/** Few have pins, and certificates take their time to load. */
async function readPins(option: unknown): Promise<TrustPinning> {
  if (option === undefined) return NO_PINNING
  const { readPinning } = await import('./pinning-settings.js')
  return readPinning(option)
}

function readClock(now: (() => Date) | undefined): number {
  const date = now?.() ?? new Date()
  const time = hasMethods('getTime')(date) ? date.getTime() : Number.NaN
  if (!Number.isFinite(time)) throw new UsageError('ERR_SETTINGS_INVALID', 'option now: the clock gives no valid date')
  return time
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isPem(value: unknown): boolean {
  return typeof value === 'string' && value.includes('-----BEGIN CERTIFICATE-----')
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** What is in a Map or a list would go unseen. */
function isPlainObject(value: unknown): value is object {
  return isObject(value) && !(Symbol.iterator in value)
}

function isOneOf(...values: unknown[]): (value: unknown) => boolean {
  return (value) => values.includes(value)
}

function hasMethods(...names: string[]): (value: unknown) => boolean {
  return (value) => isObject(value) && names.every((name) => isFunction(Reflect.get(value, name)))
}
