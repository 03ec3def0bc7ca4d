/**
 * Parses JSON as Go's encoding/json does, for files of Docker and answers of credential helpers: only the first value is read,
 * member names are matched regardless of case, and repeated members are applied in turn.
 *
 * Objects are lists of members, so that no name is special (`__proto__`). Errors hold nothing of the text.
 */

/** A value. */
export type GoJson = string | number | boolean | null | readonly GoJson[] | GoObject

/** An object: its members in the order of the text. */
export class GoObject {
  readonly members: readonly (readonly [name: string, value: GoJson])[]
  constructor(members: GoObject['members']) {
    this.members = members
  }
}

/** The text does not begin with a JSON value. */
export class NotJson extends Error {
  override readonly name = 'NotJson'
}

/** Nesting deeper than this is refused: a recursive reader would overflow its stack. Docker's config.json nests four levels. */
const MAX_NESTING = 500

const SCALAR = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y

/** The first value (undefined when there is only white space), and the text after it. @throws NotJson */
export function readFirstValue(text: string): { readonly value: GoJson | undefined; readonly rest: string } {
  const reader = new Reader(text)
  return { value: reader.isAtEnd() ? undefined : reader.value(0), rest: reader.rest() }
}

/**
 * The values of a member, in the order in which they are applied. Go also matches names that differ in case, by Unicode's
 * simple folding (`ſ` is an `s`). Values of the exact name come last here, so that they win.
 */
function membersNamed(object: GoObject, name: string): GoJson[] {
  const found = object.members.filter(([one]) => isNamed(one, name))
  return [...found.filter(([one]) => one !== name), ...found.filter(([one]) => one === name)].map(([, value]) => value)
}

/** True for a name that Go takes for this one. Simple folding does not change the length. */
export function isNamed(one: string, name: string): boolean {
  return one === name || (one.length === name.length && new RegExp(`^${name}$`, 'iu').test(one))
}

/** The last value that is not null: null leaves a Go string unchanged. */
export function lastNamed(object: GoObject, name: string): GoJson | undefined {
  return membersNamed(object, name)
    .filter((value) => value !== null)
    .at(-1)
}

/** A member that is a map: repeated maps are merged, null empties the map, and an entry that is null is left out. */
export function mapNamed(
  object: GoObject,
  name: string,
): { readonly entries: ReadonlyMap<string, GoJson>; readonly isMap: boolean } {
  const entries = new Map<string, GoJson>()
  let isMap = true
  for (const value of membersNamed(object, name)) {
    if (value === null) entries.clear()
    else if (!(value instanceof GoObject)) isMap = false
    else {
      for (const [key, entry] of value.members) {
        if (entry === null) entries.delete(key)
        else entries.set(key, entry)
      }
    }
  }
  return { entries, isMap }
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  isAtEnd(): boolean {
    return this.#next() === undefined
  }

  rest(): string {
    return this.#text.slice(this.#at)
  }

  value(depth: number): GoJson {
    if (depth > MAX_NESTING) throw new NotJson(`nested deeper than ${MAX_NESTING}`)
    switch (this.#next()) {
      case '{':
        return new GoObject(this.#list('}', () => this.#member(depth)))
      case '[':
        return this.#list(']', () => this.value(depth + 1))
      case '"':
        return this.#string()
      default:
        return this.#scalar()
    }
  }

  #member(depth: number): readonly [string, GoJson] {
    if (this.#next() !== '"') throw this.#error()
    const name = this.#string()
    if (this.#next() !== ':') throw this.#error()
    this.#at++
    return [name, this.value(depth + 1)]
  }

  #list<Item>(end: string, read: () => Item): Item[] {
    const items: Item[] = []
    this.#at++
    if (this.#next() !== end) {
      for (;;) {
        items.push(read())
        if (this.#next() !== ',') break
        this.#at++
      }
    }
    if (this.#next() !== end) throw this.#error()
    this.#at++
    return items
  }

  #string(): string {
    let end = this.#at + 1
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1
    const literal = this.#text.slice(this.#at, end + 1)
    try {
      const value: unknown = JSON.parse(literal)
      if (typeof value !== 'string') throw this.#error()
      this.#at = end + 1
      return value
    } catch (cause) {
      if (cause instanceof SyntaxError) throw this.#error() // without the cause: Node's message quotes the text
      throw cause
    }
  }

  #scalar(): number | boolean | null {
    SCALAR.lastIndex = this.#at
    const [literal] = SCALAR.exec(this.#text) ?? []
    if (literal === undefined) throw this.#error()
    this.#at += literal.length
    if (literal === 'null') return null
    return literal === 'true' || literal === 'false' ? literal === 'true' : Number(literal)
  }

  /** The next character that is not white space. */
  #next(): string | undefined {
    for (;;) {
      const next = this.#text[this.#at]
      if (next !== ' ' && next !== '\n' && next !== '\r' && next !== '\t') return next
      this.#at++
    }
  }

  #error(): NotJson {
    return new NotJson(`not JSON (at character ${this.#at})`)
  }
}
