/**
 * Reads the own members of objects that callers give. Refuses inherited members and Maps: an ignored pin would not be checked,
 * and the caller would not know.
 */
import { describeCause, UsageError } from '../../errors.js'
import { nearestName } from '../../nearest-name.js'

/** True for an object without a prototype, or with the `Object.prototype` of any realm. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return true
  // Another realm (a vm context, as jest makes them) has an Object.prototype of its own.
  if (typeof prototype !== 'object' || Object.getPrototypeOf(prototype) !== null) return false
  return Object.getOwnPropertyDescriptor(prototype, 'isPrototypeOf')?.enumerable === false
}

/**
 * The members by name.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when it is no plain object, or has members that are symbols, hidden or unreadable
 */
export function membersOf(value: unknown, what: string): Map<string, unknown> {
  return readable(what, () => {
    if (!isPlainObject(value))
      throw invalid(
        `${what}: expected a plain object`,
        'Give an object literal: a Map, a list or an instance of a class has no members of its own.',
      )
    const members = new Map<string, unknown>()
    for (const name of Reflect.ownKeys(value)) {
      if (typeof name === 'symbol' || !Object.prototype.propertyIsEnumerable.call(value, name))
        throw invalid(`${what}: ${String(name)} is not an ordinary member`, 'Give an object literal with texts as names.')
      members.set(name, Reflect.get(value, name))
    }
    return members
  })
}

/** The result of reading an object of the caller, whose getters and proxies may throw anything. @throws UsageError ERR_SETTINGS_INVALID */
export function readable<Value>(what: string, read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    throw invalid(
      `${what} cannot be read: ${describeCause(cause)}`,
      'Reading it throws: give an object literal without getters.',
      cause,
    )
  }
}

/** @throws UsageError ERR_SETTINGS_INVALID that names the nearest known name, when one of the names is not known */
export function checkNames(names: Iterable<string>, known: readonly string[], what: string): void {
  for (const name of names) {
    if (known.includes(name)) continue
    const nearest = nearestName(name, known)
    const hint = nearest === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${nearest}?`
    throw invalid(`${JSON.stringify(name)} is not ${what}`, hint)
  }
}

function invalid(message: string, hint: string, cause?: unknown): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint, cause })
}
