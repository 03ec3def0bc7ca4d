/**
 * What each option has to be. By hand: a schema library takes longer to load than all the rest of a call before it asks
 * (docs/decisions/0010). A name that is not known is refused: a misspelt pin would be no pin.
 */
import { UsageError } from '../../errors.js'
import type { TrustClientOptions } from './options.js'
import { checkNames, isPlainObject, membersOf, readable } from './plain-object.js'

type Expectation = readonly [fits: (value: unknown) => boolean, expected: string]

const OPTIONS: ReadonlyMap<string, Expectation> = new Map(
  Object.entries<Expectation>({
    env: [
      (value) => value === process.env || isObjectOf(value, (one) => one === undefined || typeof one === 'string'),
      'an object of texts',
    ],
    disableContentTrust: [isOneOf(true, false), 'true or false'],
    server: [isText, 'a text'],
    servers: [
      (value) => isObjectOf(value, isText) && Object.keys(value).every(isRegistry),
      'an object of texts by docker.io or host[:port]',
    ],
    trustDirectory: [isText, 'a text'],
    dockerConfig: [isText, 'a text'],
    store: [hasMethods('read', 'commit', 'forget', 'list'), 'a MetadataStore'],
    transport: [hasMethods('fetchMetadata'), 'a Transport'],
    pinning: [isPlainObject, 'a plain object'],
    digestReferences: [isOneOf('require-signed', 'accept'), 'require-signed or accept'],
    staleFallback: [isOneOf('warn', 'refuse'), 'warn or refuse'],
    offline: [isOneOf(true, false), 'true or false'],
    credentials: [(value) => isPlainObject(value) || isFunction(value), 'a plain object or a function'],
    ca: [(value) => [value].flat().every(isPem), 'PEM text with a certificate'],
    timeout: [(value) => typeof value === 'number' && value > 0 && value < 2 ** 31, 'milliseconds above 0 and below 2^31'],
    signal: [(value) => value instanceof AbortSignal, 'an AbortSignal'],
    now: [isFunction, 'a function'],
    onEvent: [isFunction, 'a function'],
  } satisfies Record<keyof TrustClientOptions, Expectation>),
)

/**
 * The options by themselves: a copy without a prototype, so that nothing inherited counts.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when a name is not known, or the options are no plain object
 */
export function ownOptions(given: unknown): TrustClientOptions {
  const members = membersOf(given, 'the options')
  checkNames(members.keys(), [...OPTIONS.keys()], 'an option')
  return Object.assign(Object.create(null), Object.fromEntries(members))
}

/**
 * The same with a map of servers of their own, which is asked with every call: what the caller does to the given one meanwhile
 * must not send anybody to another server.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when it cannot be read
 */
export function withOwnServers(own: TrustClientOptions): TrustClientOptions {
  const given: unknown = own.servers
  if (!readable('option servers', () => isPlainObject(given))) return own
  return Object.assign(Object.create(null), own, { servers: Object.fromEntries(membersOf(given, 'option servers')) })
}

/** Checks values; of all options, or of those named. @throws UsageError ERR_SETTINGS_INVALID */
export function checkValues(own: TrustClientOptions, names: Iterable<string> = OPTIONS.keys()): void {
  for (const name of names) {
    const value: unknown = Reflect.get(own, name)
    const [fits, expected] = OPTIONS.get(name) ?? [() => false, 'nothing']
    if (value !== undefined && !readable(`option ${name}`, () => fits(value)))
      throw new UsageError('ERR_SETTINGS_INVALID', `option ${name}: expected ${expected}`, {
        hint: `Give ${expected} as ${name}, or leave it out.`,
      })
  }
}

/** Options of a lookup. @throws UsageError ERR_SETTINGS_INVALID */
export function lookupRoles(options: { readonly roles?: readonly string[] }): readonly string[] | undefined {
  const members = membersOf(options, 'the options of a lookup')
  checkNames(members.keys(), ['roles'], 'an option of a lookup')
  const roles = members.get('roles')
  if (roles === undefined) return undefined
  const isList = (value: unknown): value is string[] => Array.isArray(value) && value.length > 0 && value.every(isText)
  const list = readable('option roles', () => (isList(roles) ? [...roles] : undefined))
  if (list !== undefined) return list
  throw new UsageError('ERR_SETTINGS_INVALID', 'option roles: expected a list of at least one role', {
    hint: "For example: { roles: ['targets/releases', 'targets'] }",
  })
}

/** True for an object that has all of the methods, its own or inherited. */
export function hasMethods(...names: (string | symbol)[]): (value: unknown) => boolean {
  return (value) => typeof value === 'object' && value !== null && names.every((name) => isFunction(Reflect.get(value, name)))
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** The first component of a GUN. An address, say, would never match, and the map would go unnoticed. */
function isRegistry(key: string): boolean {
  return /^[A-Za-z0-9._:[\]-]+$/.test(key)
}

function isPem(value: unknown): boolean {
  return typeof value === 'string' && value.includes('-----BEGIN CERTIFICATE-----')
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isObjectOf(value: unknown, fits: (member: unknown) => boolean): value is object {
  return isPlainObject(value) && [...membersOf(value, 'it').values()].every(fits)
}

function isOneOf(...values: unknown[]): (value: unknown) => boolean {
  return (value) => values.includes(value)
}
