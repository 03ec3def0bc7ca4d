/** Options as a caller gave them, checked by the table of settings. An unknown name is refused: a misspelt pin would be no pin. */
import { UsageError } from '../../errors.js'
import type { TrustClientOptions } from './options.js'
import { checkNames, isPlainObject, membersOf, readable } from './plain-object.js'
import { type OptionName, SETTINGS } from './settings-table.js'
import { isText } from './value-checks.js'

const NAMES: readonly string[] = Object.keys(SETTINGS)

/**
 * Copies the options into an object without a prototype, so that inherited members do not count.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when a name is unknown, or the options are no plain object
 */
export function ownOptions(given: unknown): TrustClientOptions {
  const members = membersOf(given, 'the options')
  checkNames(members.keys(), NAMES, 'an option')
  return Object.assign(Object.create(null), Object.fromEntries(members))
}

/**
 * Copies the map of servers too. It is read at every call: without a copy, a caller that changes its object later would
 * send a client to another server.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when it cannot be read
 */
export function withOwnServers(own: TrustClientOptions): TrustClientOptions {
  const given: unknown = own.servers
  if (!readable('option servers', () => isPlainObject(given))) return own
  return Object.assign(Object.create(null), own, { servers: Object.fromEntries(membersOf(given, 'option servers')) })
}

/** Checks the values of all options, or of those named. @throws UsageError ERR_SETTINGS_INVALID */
export function checkValues(own: TrustClientOptions, names?: readonly OptionName[]): void {
  for (const [name, { fits, expected }] of Object.entries(SETTINGS)) {
    const value: unknown = Reflect.get(own, name)
    if (value === undefined || names?.some((one) => one === name) === false) continue
    if (!readable(`option ${name}`, () => fits(value)))
      throw new UsageError('ERR_SETTINGS_INVALID', `option ${name}: expected ${expected}`, {
        hint: `Give ${expected} as ${name}, or leave it out.`,
      })
  }
}

/** The roles that a lookup asks for; undefined when the caller named none. @throws UsageError ERR_SETTINGS_INVALID */
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
