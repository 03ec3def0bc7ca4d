/** Options and environment -> frozen settings: the only place that knows where a value may come from. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { createFileStore } from '../cache/file-store.js'
import type { MetadataStore } from '../cache/metadata-store.js'
import { type CredentialSource, type CredentialsOption, givenCredentials } from '../credentials/credentials.js'
import { dockerCredentials } from '../credentials/docker-config.js'
import { UsageError } from '../errors.js'
import { parseServer, type TrustServer } from '../transport/notary-url.js'
import type { Transport } from '../transport/transport.js'
import type { TrustPinning } from '../trust/pinning.js'
import type { Environment } from './content-trust.js'
import type { TrustClientOptions, TrustEvent } from './options.js'
import { readPinning } from './pinning-settings.js'

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

const text = z.string().min(1)
const pem = text.includes('-----BEGIN CERTIFICATE-----', 'expected PEM text with a certificate')

const optionsSchema = z.object({
  env: z.custom<Environment>((value) => typeof value === 'object' && value !== null).optional(),
  server: text.optional(),
  servers: z.record(text, text).optional(),
  trustDirectory: text.optional(),
  dockerConfig: text.optional(),
  store: z.custom<MetadataStore>(hasMethods('read', 'commit', 'forget', 'list'), 'expected a MetadataStore').optional(),
  transport: z.custom<Transport>(hasMethods('fetchMetadata'), 'expected a Transport').optional(),
  digestReferences: z.enum(['require-signed', 'accept']).optional(),
  staleFallback: z.enum(['warn', 'refuse']).optional(),
  offline: z.boolean().optional(),
  credentials: z.custom<CredentialsOption>(isObjectOrFunction, 'expected an object or a function').optional(),
  ca: z.union([pem.transform((one) => [one]), z.array(pem)]).optional(),
  timeout: z
    .number()
    .positive()
    .max(2 ** 31 - 1)
    .optional(),
  signal: z.custom<AbortSignal>((value) => value instanceof AbortSignal, 'expected an AbortSignal').optional(),
  now: z.custom<() => Date>(isFunction, 'expected a function').optional(),
  onEvent: z.custom<(event: TrustEvent) => void>(isFunction, 'expected a function').optional(),
})

/** Reads options and environment, CA and pin files. @throws UsageError ERR_SETTINGS_INVALID */
export async function readSettings(options: TrustClientOptions): Promise<Settings> {
  const checked = optionsSchema.safeParse(options)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new UsageError('ERR_SETTINGS_INVALID', `option ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
  }
  const given = checked.data
  const env = given.env ?? process.env
  const dockerConfig = resolve(given.dockerConfig ?? (env['DOCKER_CONFIG'] || join(home(env), '.docker')))
  return Object.freeze({
    env,
    serverFor: (registry: string) => chooseServer(registry, given, env),
    isMappedForDockerIo: ({ typed }: TrustServer) => {
      const mapped = given.server === undefined ? given.servers?.['docker.io'] : undefined
      return mapped !== undefined && parseServer(mapped).typed === typed
    },
    dockerConfig,
    credentials: await readCredentials(given.credentials, dockerConfig, env),
    store: given.store ?? createFileStore(resolve(given.trustDirectory ?? join(dockerConfig, 'trust'))),
    transport: given.transport,
    pinning: await readPinning(options.pinning),
    digestReferences: given.digestReferences ?? 'require-signed',
    staleFallback: given.staleFallback ?? 'warn',
    offline: given.offline ?? false,
    ca: given.ca ?? [],
    timeout: given.timeout ?? DEFAULT_TIMEOUT,
    signal: given.signal,
    now: () => readClock(given.now),
    onEvent: (event: TrustEvent) => tell(given.onEvent, event),
  })
}

interface GivenServers {
  readonly server?: string | undefined
  readonly servers?: Readonly<Record<string, string>> | undefined
}

/** The option, else the map, else the environment, else Docker's default. */
function chooseServer(registry: string, { server, servers }: GivenServers, env: Environment): TrustServer {
  const mapped = servers !== undefined && Object.hasOwn(servers, registry) ? servers[registry] : undefined
  const typed = server ?? mapped ?? (env['DOCKER_CONTENT_TRUST_SERVER'] || undefined)
  return parseServer(typed ?? (registry === 'docker.io' ? 'https://notary.docker.io' : `https://${registry}`))
}

/** A malformed config.json fails at once: whether a server asks for credentials must not decide it. */
async function readCredentials(
  option: CredentialsOption | undefined,
  dockerConfig: string,
  env: Environment,
): Promise<CredentialSource> {
  if (option !== undefined) return givenCredentials(option)
  const source = dockerCredentials({ dockerConfig, env })
  await source.check()
  return source
}

/** Whoever listens must not be able to change a verdict. */
function tell(listener: ((event: TrustEvent) => void) | undefined, event: TrustEvent): void {
  try {
    listener?.(event)
  } catch {
    // deliberately nothing: the listener is not ours
  }
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isObjectOrFunction(value: unknown): boolean {
  return isFunction(value) || (typeof value === 'object' && value !== null)
}

function home(env: Environment): string {
  return (process.platform === 'win32' ? env['USERPROFILE'] : env['HOME']) || homedir()
}

function readClock(now: (() => Date) | undefined): number {
  const time = (now?.() ?? new Date()).getTime()
  if (Number.isNaN(time)) throw new UsageError('ERR_SETTINGS_INVALID', 'option now: the clock gives no valid date')
  return time
}

function hasMethods(...names: string[]): (value: unknown) => boolean {
  return (value) =>
    typeof value === 'object' && value !== null && names.every((name) => typeof Reflect.get(value, name) === 'function')
}
