/** Options and environment -> frozen settings. */
import { createFileStore } from '../../cache/file-store.js'
import { createMemoryStore } from '../../cache/memory-store.js'
import type { MetadataStore } from '../../cache/metadata-store.js'
import { type CredentialSource, givenCredentials } from '../../credentials/credentials.js'
import { dockerCredentials } from '../../credentials/docker-config.js'
import { UsageError } from '../../errors.js'
import type { Mirror } from '../../policy/mirrors.js'
import { NO_PINNING, type TrustPinning } from '../../trust/pinning.js'
import type { TrustServer } from '../../trust-server/notary-url.js'
import type { Transport } from '../../trust-server/transport.js'
import { createTeller, type TrustEvent } from '../events.js'
import type { Warning } from '../results.js'
import type { BundleSettings } from './bundle-setting.js'
import { checkValues, ownOptions, withOwnServers } from './check-options.js'
import { type Environment, ownEnvironment } from './environment.js'
import type { Lock } from './lockfile-setting.js'
import type { TrustClientOptions } from './options.js'
import { readable } from './plain-object.js'
import type { PolicySettings } from './policy-settings.js'
import { type Choice, describeSource, type Reader, settingName } from './setting-source.js'
import {
  chooseDockerConfig,
  chooseLockfile,
  chooseServer,
  chooseTrustDirectory,
  isMappedForDockerIo,
  type PolicyServer,
  sourceOf,
} from './setting-sources.js'
import { SETTINGS } from './settings-table.js'
import { hasMethods } from './value-checks.js'

/** The settings of one client. */
export interface Settings {
  readonly env: Environment
  /** The trust server of a registry (`docker.io`, `host[:port]`), and of the mirror that the user named. @throws UsageError ERR_SETTINGS_INVALID */
  readonly serverFor: (registry: string, policy?: PolicyServer, mirror?: string) => Choice<TrustServer>
  /** Those of the option and of the policy. */
  readonly mirrors: readonly Mirror[]
  /** True when `servers` maps docker.io to this trust server: then the server may be sent the credentials of docker.io. */
  readonly isMappedForDockerIo: (server: TrustServer) => boolean
  /** The folder of config.json; undefined when there is none. */
  readonly dockerConfig: string | undefined
  readonly credentials: CredentialSource
  readonly store: MetadataStore
  /** Takes the place of https. */
  readonly transport: Transport | undefined
  readonly pinning: TrustPinning
  /** The lock of a collection at a server. @throws TrustError ERR_NOT_LOCKED, ERR_LOCK_MISMATCH, ERR_SETTINGS_INVALID */
  readonly lockFor: (gun: string, server: TrustServer) => Lock | undefined
  /** Undefined when the trust server is asked. */
  readonly bundle: BundleSettings | undefined
  readonly frozen: boolean
  readonly firstUse: 'accept' | 'refuse'
  /** Undefined when neither a policy nor required signers are given. */
  readonly policy: PolicySettings | undefined
  /** What the caller said, without defaults: a rule of a policy takes the place of a default. */
  readonly given: Pick<TrustClientOptions, 'digestReferences' | 'staleFallback' | 'maxAge'>
  readonly digestReferences: 'require-signed' | 'accept'
  readonly staleFallback: 'warn' | 'refuse'
  /** Milliseconds. */
  readonly maxAge: number
  readonly offline: boolean
  readonly ca: readonly string[]
  /** To one host. */
  readonly connections: number
  /** Milliseconds. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  /** Milliseconds since 1970. @throws UsageError when the clock is broken */
  readonly now: () => number
  /** Never throws. */
  readonly onEvent: (event: TrustEvent) => void
  /** Part of every answer. */
  readonly warnings: readonly Warning[]
  /** Who reads hints and warnings. */
  readonly reader: Reader
}

/** Reads options and environment, CA and pin files. @throws UsageError ERR_SETTINGS_INVALID */
export async function readSettings(given: TrustClientOptions, reader: Reader = 'library'): Promise<Settings> {
  const own = withOwnServers(ownOptions(given))
  checkValues(own)
  const env = ownEnvironment(own.env)
  const config = chooseDockerConfig(own, env)
  const dockerConfig = config.value
  const trustDirectory = chooseTrustDirectory(own, env).value
  const policy = await readRules(own, env)
  const clock = () => readClock(own.now)
  const bundle = await readBundle(own, clock, reader)
  return Object.freeze({
    env,
    serverFor: (registry: string, terms?: PolicyServer, mirror?: string) => chooseServer(registry, own, env, terms, mirror),
    mirrors: await readMirrorNames(own, policy),
    isMappedForDockerIo: (server: TrustServer) => isMappedForDockerIo(server, own),
    dockerConfig,
    credentials: await readCredentials(own, dockerConfig, env),
    store: own.store ?? (trustDirectory === undefined ? createMemoryStore() : createFileStore(trustDirectory)),
    transport: bundle?.bundle.transport ?? own.transport,
    pinning: await readPins(own.pinning),
    lockFor: await readLock(own, env, reader, bundle?.bundle.file),
    bundle,
    frozen: own.frozen ?? SETTINGS.frozen.default,
    firstUse: own.firstUse ?? SETTINGS.firstUse.default,
    policy,
    given: own,
    digestReferences: own.digestReferences ?? SETTINGS.digestReferences.default,
    staleFallback: own.staleFallback ?? SETTINGS.staleFallback.default,
    offline: own.offline ?? SETTINGS.offline.default,
    ca: own.ca === undefined ? [] : [own.ca].flat(),
    maxAge: own.maxAge ?? SETTINGS.maxAge.default,
    connections: own.connections ?? SETTINGS.connections.default,
    timeout: own.timeout ?? SETTINGS.timeout.default,
    signal: own.signal,
    now: () => bundle?.judgeAsOf ?? clock(),
    onEvent: createTeller(own.onEvent),
    warnings: homelessWarnings(own, config, trustDirectory, reader),
    reader,
  })
}

/** What a missing folder means for this client. There is no warning about a folder that the client would not use. */
function homelessWarnings(
  { store, transport, offline, bundle }: TrustClientOptions,
  { value, source }: Choice<string | undefined>,
  trustDirectory: string | undefined,
  reader: Reader,
): Warning[] {
  if (value !== undefined || bundle !== undefined) return []
  const why = describeSource(source, reader)
  const cache = settingName('trustDirectory', reader)
  if (store === undefined && trustDirectory === undefined) {
    const message = `${why}: nothing is kept, so every run is a first use; set HOME or DOCKER_CONFIG, or name a cache with ${cache}`
    return [{ code: 'WARN_CACHE_UNWRITABLE', message }]
  }
  if (transport !== undefined || offline === true) return []
  const message = `${why}: config.json and the CAs beside it are not read, only the cache (${cache}) is used; set HOME or DOCKER_CONFIG`
  return [{ code: 'WARN_NO_CONFIG_FOLDER', message }]
}

/**
 * Reads config.json at once, so that a file that is no JSON object is refused whether or not a server asks for credentials.
 * Without a server to ask it is not read.
 */
async function readCredentials(
  { credentials, offline, transport, bundle }: TrustClientOptions,
  dockerConfig: string | undefined,
  env: Environment,
): Promise<CredentialSource> {
  if (credentials !== undefined) return givenCredentials(credentials)
  const source = dockerCredentials({ dockerConfig, env })
  if (offline !== true && transport === undefined && bundle === undefined) await source.check()
  return source
}

/** Loads the code for pins only when there are pins: the library for certificates takes time to load. */
async function readPins(option: unknown): Promise<TrustPinning> {
  if (option === undefined) return NO_PINNING
  const { readPinning } = await import('./pinning-settings.js')
  return readPinning(option)
}

/** Loads the code for policies only when something is asked of it. */
async function readRules(own: TrustClientOptions, env: Environment): Promise<PolicySettings | undefined> {
  if (sourceOf('policy', own, env).kind === 'default' && own.requireSigners === undefined) return undefined
  return (await import('./policy-settings.js')).readPolicySettings(own, env)
}

/** Loads the code for mirrors only when the option is given. */
async function readMirrorNames({ mirrors }: TrustClientOptions, policy: PolicySettings | undefined): Promise<readonly Mirror[]> {
  const ofPolicy = policy?.index?.policy.mirrors ?? []
  return mirrors === undefined ? ofPolicy : (await import('./mirror-settings.js')).readMirrors(mirrors, ofPolicy)
}

/** Loads the code for bundles only when one of their options is given. */
async function readBundle(own: TrustClientOptions, clock: () => number, reader: Reader): Promise<BundleSettings | undefined> {
  const { bundle, acceptBundleRoot, acceptExpiredBundle, judgeAsOf } = own
  if ([bundle, acceptBundleRoot, acceptExpiredBundle, judgeAsOf].every((one) => one === undefined)) return undefined
  return (await import('./bundle-setting.js')).readBundleSettings(own, clock, reader)
}

/** Loads the code for lockfiles only when there is one. */
async function readLock(
  own: TrustClientOptions,
  env: Environment,
  reader: Reader,
  bundle: string | undefined,
): Promise<Settings['lockFor']> {
  const { value } = chooseLockfile(own, env)
  if (value !== undefined) {
    const { notLocked, readLockfile } = await import('./lockfile-setting.js')
    const read = await readLockfile(value)
    return (gun, server) => {
      const lock = read.lockOf(gun, server, bundle)
      if (lock === undefined && own.frozen === true) throw notLocked({ gun, file: read.file })
      return lock
    }
  }
  if (own.frozen === true)
    throw new UsageError('ERR_SETTINGS_INVALID', `${settingName('frozen', reader)} needs a lockfile, and none is named`, {
      hint: `Name it with ${settingName('lockfile', reader)} or DCT_LOCKFILE. Make one with: dct lock <REFERENCE>`,
    })
  return () => undefined
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
