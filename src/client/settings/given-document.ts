/** An option that holds a document as an object -> the tree that files of that kind are read into. */
import { type DocumentNode, itemPath, MAX_VALUES, type Member, memberPath } from '../../document/document.js'
import type { Faults } from '../../document/faults.js'
import { MAX_NESTING } from '../../metadata/json.js'
import { membersOf } from './plain-object.js'

/** An object has no lines: messages then name paths alone. */
const NOWHERE = { line: 0, column: 0 }

/**
 * The tree of a value. What JSON could not hold is a fault: a Map would lose its entries, and an inherited member would not count.
 *
 * @throws UsageError ERR_SETTINGS_INVALID for an object that is not plain
 */
export function givenDocument(given: unknown, what: string, faults: Faults): DocumentNode {
  let values = 0
  const read = (value: unknown, path: string, depth: number): DocumentNode => {
    const at = { path, place: NOWHERE }
    if (++values > MAX_VALUES || depth > MAX_NESTING) {
      if (!faults.any) faults.add(at, 'too many or too deeply nested values', `Give a smaller ${faults.what}.`)
      return { kind: 'scalar', value: null, ...at }
    }
    if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' || value === null)
      return { kind: 'scalar', value, ...at }
    if (Array.isArray(value))
      return { kind: 'list', items: Array.from(value, (item, i) => read(item, itemPath(path, i), depth + 1)), ...at }
    const members = new Map<string, Member>()
    for (const [name, member] of membersOf(value, path === '' ? what : `${what}: ${path}`))
      if (member !== undefined) members.set(name, { place: NOWHERE, value: read(member, memberPath(path, name), depth + 1) })
    return { kind: 'object', members, ...at }
  }
  return read(given, '', 0)
}
