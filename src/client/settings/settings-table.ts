/**
 * Every option of the library: what its value has to be, where else the value may come from, and its default.
 *
 * The checks are written by hand: a schema library takes longer to load than the rest of a call before its first request
 * (docs/decisions/0010).
 */
import { CONNECTIONS, MAX_CONNECTIONS } from '../../http/connections.js'
import type { TrustClientOptions } from './options.js'
import { isPlainObject } from './plain-object.js'
import { type Check, hasMethods, isFunction, isObjectOf, isOneOf, isPem, isText } from './value-checks.js'

/** The name of an option of the library. */
export type OptionName = keyof TrustClientOptions

/** One option. */
interface Setting {
  readonly fits: Check
  /** What `fits` accepts, in words. */
  readonly expected: string
  /** The option of the command that sets it, without dashes. */
  readonly flag?: string
  /** Environment variables that are read when the option is not given; those of `ca` are read in any case. An empty one counts as unset. */
  readonly environment?: readonly string[]
  /** What is used when nothing sets it, in words; for a default that depends on something else. */
  readonly otherwise?: string
}

/** Options whose default is one value. */
type WithDefault = 'firstUse' | 'frozen' | 'digestReferences' | 'staleFallback' | 'maxAge' | 'offline' | 'connections' | 'timeout'

type Value<Name extends OptionName> = Exclude<TrustClientOptions[Name], undefined>

export type SettingsTable = { readonly [Name in Exclude<OptionName, WithDefault>]: Setting } & {
  readonly [Name in WithDefault]: Setting & { readonly default: Value<Name> }
}

/** The most days since a bundle expired: a larger number is more likely milliseconds. */
const MAX_EXPIRED_DAYS = 36_525

/** Milliseconds: some 24 days, as in a policy. A collection that is not asked for longer is a mistake in the unit. */
const MAX_MAX_AGE = 2 ** 31 - 1

/** The first component of a GUN. A key of another form, such as an address, matches no collection: its server would be ignored. */
const isRegistry = (key: string): boolean => /^[A-Za-z0-9._:[\]-]+$/.test(key)

export const SETTINGS: SettingsTable = {
  env: {
    fits: (value) =>
      value === process.env || isObjectOf((variable) => variable === undefined || typeof variable === 'string')(value),
    expected: 'an object of texts',
    otherwise: 'process.env',
  },
  disableContentTrust: {
    fits: isOneOf(true, false),
    expected: 'true or false',
    flag: 'disable-content-trust',
    environment: ['DOCKER_CONTENT_TRUST'],
  },
  server: {
    fits: isText,
    expected: 'a text',
    flag: 'server',
    environment: ['DOCKER_CONTENT_TRUST_SERVER'],
    otherwise: "Docker's default",
  },
  servers: { fits: isObjectOf(isText, isRegistry), expected: 'an object of texts by docker.io or host[:port]' },
  mirrors: { fits: isPlainObject, expected: 'a plain object: mirror to signed name' },
  trustDirectory: {
    fits: isText,
    expected: 'a text',
    flag: 'trust-dir',
    otherwise: 'beside config.json, as docker and notary have it',
  },
  dockerConfig: {
    fits: isText,
    expected: 'a text',
    flag: 'config',
    environment: ['DOCKER_CONFIG'],
    otherwise: "Docker's default",
  },
  store: { fits: hasMethods('read', 'commit', 'forget', 'list'), expected: 'a MetadataStore' },
  transport: { fits: hasMethods('fetchMetadata'), expected: 'a Transport' },
  pinning: {
    fits: isPlainObject,
    expected: 'a plain object',
    flag: 'pinning',
    otherwise: 'an unknown collection is trusted on first use',
  },
  lockfile: {
    fits: (value) => isText(value) || isPlainObject(value),
    expected: 'the path of a lockfile, or its content as a plain object',
    flag: 'lockfile',
    environment: ['DCT_LOCKFILE'],
    otherwise: 'no collection is locked',
  },
  frozen: { fits: isOneOf(true, false), expected: 'true or false', flag: 'frozen', default: false },
  firstUse: { fits: isOneOf('accept', 'refuse'), expected: 'accept or refuse', flag: 'no-first-use', default: 'accept' },
  policy: {
    fits: (value) => isText(value) || isPlainObject(value),
    expected: 'a path or a plain object',
    flag: 'policy',
    environment: ['DCT_POLICY'],
    otherwise: 'every image is verified',
  },
  requireSigners: {
    fits: (value) => Array.isArray(value) || isPlainObject(value),
    expected: 'a list of signers, or an object with all, any, or atLeast and of',
    flag: 'require-signer',
  },
  bundle: {
    fits: (value) => isText(value) || value instanceof Uint8Array,
    expected: 'the path of a bundle, or its bytes',
    flag: 'bundle',
    otherwise: 'the trust server is asked',
  },
  acceptBundleRoot: { fits: isOneOf(true, false), expected: 'true or false', flag: 'accept-bundle-root' },
  acceptExpiredBundle: {
    fits: (value) => typeof value === 'number' && value > 0 && value <= MAX_EXPIRED_DAYS,
    expected: `a number of days above 0, at most ${MAX_EXPIRED_DAYS}`,
    flag: 'accept-expired-bundle',
  },
  judgeAsOf: {
    fits: (value) => value instanceof Date && Number.isFinite(value.getTime()),
    expected: 'a valid Date',
    flag: 'judge-as-of',
  },
  digestReferences: {
    fits: isOneOf('require-signed', 'accept'),
    expected: 'require-signed or accept',
    flag: 'digest-references',
    default: 'require-signed',
  },
  staleFallback: { fits: isOneOf('warn', 'refuse'), expected: 'warn or refuse', flag: 'stale-fallback', default: 'warn' },
  maxAge: {
    fits: (value) => typeof value === 'number' && value >= 0 && value <= MAX_MAX_AGE,
    expected: 'milliseconds from 0 to 2^31 - 1',
    default: 0,
  },
  offline: { fits: isOneOf(true, false), expected: 'true or false', flag: 'offline', default: false },
  credentials: {
    fits: (value) => isPlainObject(value) || isFunction(value),
    expected: 'a plain object or a function',
    environment: ['DOCKER_AUTH_CONFIG'],
    otherwise: "those in Docker's config.json",
  },
  ca: {
    fits: (value) => [value].flat().every(isPem),
    expected: 'PEM text with a certificate',
    flag: 'tlscacert',
    environment: ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
    otherwise: "Node's own and this machine's",
  },
  connections: {
    fits: (value) => Number.isInteger(value) && typeof value === 'number' && value >= 1 && value <= MAX_CONNECTIONS,
    expected: `a whole number from 1 to ${MAX_CONNECTIONS}`,
    default: CONNECTIONS,
  },
  timeout: {
    fits: (value) => typeof value === 'number' && value > 0 && value < 2 ** 31,
    expected: 'milliseconds above 0 and below 2^31',
    flag: 'timeout',
    default: 30_000,
  },
  signal: { fits: (value) => value instanceof AbortSignal, expected: 'an AbortSignal' },
  now: { fits: isFunction, expected: 'a function', otherwise: 'the system clock' },
  onEvent: { fits: isFunction, expected: 'a function' },
}
