/** Checks of single values that a caller gave. None of them throws, unless a getter or a proxy of the caller does. */
import { isPlainObject, membersOf } from './plain-object.js'

/** True for values that can be used. */
export type Check = (value: unknown) => boolean

export const isText: Check = (value) => typeof value === 'string' && value !== ''

export const isFunction: Check = (value) => typeof value === 'function'

export const isPem: Check = (value) => typeof value === 'string' && value.includes('-----BEGIN CERTIFICATE-----')

/** True for the listed values. */
export function isOneOf(...values: readonly unknown[]): Check {
  return (value) => values.includes(value)
}

/** True for an object that has all of the methods, its own or inherited. */
export function hasMethods(...names: readonly (string | symbol)[]): Check {
  return (value) => typeof value === 'object' && value !== null && names.every((name) => isFunction(Reflect.get(value, name)))
}

/** True for a plain object whose names and members all pass. */
export function isObjectOf(fits: Check, isName: (name: string) => boolean = () => true): Check {
  return (value) => isPlainObject(value) && [...membersOf(value, 'it')].every(([name, member]) => isName(name) && fits(member))
}
