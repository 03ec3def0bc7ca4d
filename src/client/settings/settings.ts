/** Options and environment -> frozen settings: the only place that knows where a value may come from. */
import { createFileStore } from '../../cache/file-store.js'
import { createMemoryStore } from '../../cache/memory-store.js'
import type { MetadataStore } from '../../cache/metadata-store.js'
import { type CredentialSource, givenCredentials } from '../../credentials/credentials.js'
import { dockerCredentials } from '../../credentials/docker-config.js'
import { UsageError } from '../../errors.js'
import { NO_PINNING, type TrustPinning } from '../../trust/pinning.js'
import { parseServer, type TrustServer } from '../../trust-server/notary-url.js'
import type { Transport } from '../../trust-server/transport.js'
import { createTeller, type TrustEvent } from '../events.js'
import type { Warning } from '../results.js'
import { checkValues, hasMethods, ownOptions, withOwnServers } from './check-options.js'
import { type Environment, ownEnvironment } from './content-trust.js'
import type { TrustClientOptions } from './options.js'
import { readable } from './plain-object.js'
import {
  type Choice,
  chooseDockerConfig,
  chooseServer,
  chooseTrustDirectory,
  mappedServer,
  type ServerChoice,
} from './setting-sources.js'

/** What one client works with. */
export interface Settings {
  readonly env: Environment
  /** The trust server of a registry (`docker.io`, `host[:port]`). @throws UsageError ERR_SETTINGS_INVALID */
  readonly serverFor: (registry: string) => ServerChoice
  /** `servers` maps docker.io to this trust server: then it may have the credentials of docker.io. */
  readonly isMappedForDockerIo: (server: TrustServer) => boolean
  /** The folder of config.json; undefined when there is none. */
  readonly dockerConfig: string | undefined
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
  /** Belong to every answer. */
  readonly warnings: readonly Warning[]
}

const DEFAULT_TIMEOUT = 30_000

/** Reads options and environment, CA and pin files. @throws UsageError ERR_SETTINGS_INVALID */
export async function readSettings(given: TrustClientOptions): Promise<Settings> {
  const own = withOwnServers(ownOptions(given))
  checkValues(own)
  const env = ownEnvironment(own.env)
  const config = chooseDockerConfig(own, env)
  const dockerConfig = config.value
  const trustDirectory = chooseTrustDirectory(own, env).value
  return Object.freeze({
    env,
    serverFor: (registry: string) => chooseServer(registry, own, env),
    isMappedForDockerIo: ({ typed }: TrustServer) => {
      const mapped = own.server === undefined ? mappedServer(own.servers, 'docker.io') : undefined
      return mapped !== undefined && parseServer(mapped).typed === typed
    },
    dockerConfig,
    credentials: await readCredentials(own, dockerConfig, env),
    store: own.store ?? (trustDirectory === undefined ? createMemoryStore() : createFileStore(trustDirectory)),
    transport: own.transport,
    pinning: await readPins(own.pinning),
    digestReferences: own.digestReferences ?? 'require-signed',
    staleFallback: own.staleFallback ?? 'warn',
    offline: own.offline ?? false,
    ca: own.ca === undefined ? [] : [own.ca].flat(),
    timeout: own.timeout ?? DEFAULT_TIMEOUT,
    signal: own.signal,
    now: () => readClock(own.now),
    onEvent: createTeller(own.onEvent),
    warnings: homelessWarnings(own, config, trustDirectory),
  })
}

/** What it means that there is no folder. Said only where something would have been read or kept in it. */
function homelessWarnings(
  { store, transport, offline }: TrustClientOptions,
  config: Choice<string | undefined>,
  trustDirectory: string | undefined,
): Warning[] {
  if (config.value !== undefined) return []
  if (store === undefined && trustDirectory === undefined) {
    const message = `${config.why}: nothing is kept, so every run is a first use; set HOME or DOCKER_CONFIG, or name a cache with --trust-dir`
    return [{ code: 'WARN_CACHE_UNWRITABLE', message }]
  }
  if (transport !== undefined || offline === true) return []
  const message = `${config.why}: config.json and the CAs beside it are not read, only the cache (--trust-dir) is used; set HOME or DOCKER_CONFIG`
  return [{ code: 'WARN_NO_CONFIG_FOLDER', message }]
}

/**
 * A config.json that is no JSON object fails at once: whether a server asks for credentials must not decide it. Where no
 * server is asked it is not read.
 */
async function readCredentials(
  { credentials, offline, transport }: TrustClientOptions,
  dockerConfig: string | undefined,
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
  const time = readable('option now', () => {
    const date = now?.() ?? new Date()
    return hasMethods('getTime')(date) ? date.getTime() : Number.NaN
  })
  if (!Number.isFinite(time))
    throw new UsageError('ERR_SETTINGS_INVALID', 'option now: the clock gives no valid date', {
      hint: 'Give a function that answers with a valid Date: { now: () => new Date() }',
    })
  return time
}
