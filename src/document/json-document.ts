/** A JSON file as a tree with places. Strict as for signed documents: duplicate names, deep nesting and bad UTF-8 are faults. */

import { utf8Text } from '../bytes.js'
import { type JsonPlaces, scanPlaces } from '../metadata/json.js'
import { isJsonObject, JsonError, type JsonValue, NumberLiteral } from '../metadata/json-value.js'
import { type DocumentNode, itemPath, LineIndex, MAX_VALUES, type Member, memberPath } from './document.js'
import type { Faults } from './faults.js'
import { isTooLarge } from './size.js'

/** The tree, or undefined when the file is no JSON: the fault says where. `maxBytes`: longer files are not looked at. */
export function readJsonDocument(bytes: Uint8Array, maxBytes: number, faults: Faults): DocumentNode | undefined {
  if (isTooLarge(bytes, maxBytes, faults)) return undefined
  try {
    return nodesOf(scanPlaces(bytes, MAX_VALUES))
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause
    const place = new LineIndex(utf8Text(bytes) ?? '').placeOf(cause.at)
    faults.add({ path: '', place }, cause.problem, `Correct the JSON at this place, or write the ${faults.what} anew.`)
    return undefined
  }
}

function nodesOf({ text, value, start, members, items }: JsonPlaces): DocumentNode {
  const lines = new LineIndex(text)
  const node = (at: JsonValue, path: string, offset: number): DocumentNode => {
    const place = lines.placeOf(offset)
    if (Array.isArray(at)) {
      const offsets = items.get(at) ?? []
      return { kind: 'list', path, place, items: at.map((item, i) => node(item, itemPath(path, i), offsets[i] ?? offset)) }
    }
    if (isJsonObject(at)) {
      const found = [...(members.get(at) ?? [])].map(([name, [nameAt, valueAt]]): [string, Member] => [
        name,
        { place: lines.placeOf(nameAt), value: node(at[name] ?? null, memberPath(path, name), valueAt) },
      ])
      return { kind: 'object', path, place, members: new Map(found) }
    }
    return { kind: 'scalar', path, place, value: at instanceof NumberLiteral ? at.value : scalar(at) }
  }
  return node(value, '', start)
}

/** Narrows what is left. */
function scalar(value: JsonValue): string | number | boolean | null {
  return typeof value === 'object' ? null : value
}
