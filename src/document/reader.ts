/** Reads values out of a document by their shape. What does not fit is a fault at its place; reading goes on with the rest. */
import { UsageError } from '../errors.js'
import { nearestName } from '../nearest-name.js'
import { parseServer } from '../reference/server-address.js'
import type { DocumentNode, Member, ObjectNode, Place } from './document.js'
import type { Faults } from './faults.js'

/** Something that has a place in the file. */
type Spot = { readonly path: string; readonly place: Place }

/** The members of an object whose names the format defines. */
export interface Fields {
  readonly node: ObjectNode
  readonly get: (name: string) => DocumentNode | undefined
}

export class DocumentReader {
  readonly faults: Faults

  constructor(faults: Faults) {
    this.faults = faults
  }

  /** Always undefined, so that a rule can end in it. */
  refuse(at: Spot, problem: string, hint: string): undefined {
    return this.faults.add(at, problem, hint)
  }

  /** An object with these names and no other; the nearest of them is told for one that is unknown. */
  fields(node: DocumentNode, known: readonly string[], required: readonly string[] = []): Fields | undefined {
    const members = this.members(node, `an object with ${known.join(', ')}`)
    if (members === undefined || node.kind !== 'object') return undefined
    for (const [name, { place }] of members) {
      if (known.includes(name)) continue
      const nearest = nearestName(name, known)
      const hint = nearest === undefined ? `Known here are ${known.join(', ')}.` : `Did you mean ${nearest}?`
      this.refuse({ path: node.path, place }, `unknown name ${JSON.stringify(name.slice(0, 100))}`, hint)
    }
    const missing = required.filter((name) => !members.has(name))
    for (const name of missing) this.refuse(node, `${name} is missing`, `Write ${name} here.`)
    return missing.length > 0 ? undefined : { node, get: (name) => members.get(name)?.value }
  }

  /** An object whose names the file chose. */
  members(node: DocumentNode, expected: string): ReadonlyMap<string, Member> | undefined {
    return node.kind === 'object' ? node.members : this.#expected(node, expected)
  }

  /** A list; `min`: how many items it must have. */
  items(node: DocumentNode, expected: string, min = 0): readonly DocumentNode[] | undefined {
    return node.kind === 'list' && node.items.length >= min ? node.items : this.#expected(node, expected)
  }

  /** A text. */
  text(node: DocumentNode, expected: string, fits: (text: string) => boolean = () => true): string | undefined {
    return node.kind === 'scalar' && typeof node.value === 'string' && fits(node.value)
      ? node.value
      : this.#expected(node, expected)
  }

  /** The address of a trust server, as written. */
  trustServer(node: DocumentNode): string | undefined {
    const text = this.text(node, 'the https address of a trust server')
    if (text === undefined) return undefined
    try {
      parseServer(text)
      return text
    } catch (cause) {
      if (!(cause instanceof UsageError)) throw cause
      return this.refuse(node, cause.message, cause.hint)
    }
  }

  /** A whole number of at least `min`. */
  integer(node: DocumentNode, min: number, max: number = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = node.kind === 'scalar' && typeof node.value === 'number' ? node.value : Number.NaN
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value
    return this.#expected(
      node,
      max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`,
    )
  }

  boolean(node: DocumentNode): boolean | undefined {
    return node.kind === 'scalar' && typeof node.value === 'boolean' ? node.value : this.#expected(node, 'true or false')
  }

  /** One of a few words. */
  word<Word extends string>(node: DocumentNode, words: readonly Word[]): Word | undefined {
    const value = node.kind === 'scalar' ? node.value : undefined
    const found = words.find((word) => word === value)
    if (found !== undefined) return found
    const nearest = typeof value === 'string' ? nearestName(value, words) : undefined
    const hint = nearest === undefined ? `Write one of ${words.join(', ')}.` : `Did you mean ${nearest}?`
    return this.refuse(node, `expected ${words.join(', ')}, got ${shown(node)}`, hint)
  }

  #expected(node: DocumentNode, expected: string): undefined {
    return this.refuse(node, `expected ${expected}, got ${shown(node)}`, `Write ${expected} here.`)
  }
}

/** The value that was found, shortened: a value may be a secret that was put into the wrong member, so long texts are only described. */
function shown(node: DocumentNode): string {
  if (node.kind === 'list') return `a list of ${node.items.length}`
  if (node.kind === 'object') return 'an object'
  if (typeof node.value !== 'string') return String(node.value)
  return node.value.length > 100 ? `a text of ${node.value.length} characters` : JSON.stringify(node.value)
}
