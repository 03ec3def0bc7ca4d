/**
 * A strict JSON scanner (RFC 8259) for signed documents.
 *
 * It refuses what JSON.parse refuses, and also what two parsers could read differently: duplicate member names, bytes that are
 * not UTF-8, a byte-order mark, lone surrogates, numbers beyond +-(2^53-1), deep nesting. Objects have no prototype, so that
 * `__proto__` is an ordinary name.
 *
 * A number that is not written as an integer (`1.0`, `1e0`, `1.5`) becomes a NumberLiteral: Go accepts it where any value is
 * allowed, and refuses it where an integer is required.
 */
import { utf8, utf8Text } from '../bytes.js'
import { JsonError, type JsonObject, type JsonValue, NumberLiteral } from './json-value.js'

/** Nesting deeper than this is refused: a recursive reader would overflow its stack. Trust metadata nests about seven levels. */
export const MAX_NESTING = 64

/** More members and items than this in one document are refused (denial of service: each costs some 200 bytes). 100,000 tags have 500,000. */
const MAX_VALUES = 600_000

/** Parses a JSON document. @throws JsonError */
export function parseJson(bytes: Uint8Array): JsonValue {
  return scannerFor(bytes).document()
}

/** A document, and those of its top-level members that are in docker/go's canonical form already. */
export interface ScannedDocument {
  readonly value: JsonValue
  /** Member name to its bytes. Notary signs these bytes, and most files hold them unchanged. */
  readonly canonical: ReadonlyMap<string, Uint8Array>
  /** Members and items in all. */
  readonly values: number
}

/** The same, for documents that are signed. @throws JsonError */
export function scanDocument(bytes: Uint8Array): ScannedDocument {
  const scanner = scannerFor(bytes)
  const value = scanner.document()
  const isAscii = scanner.text.length === bytes.length
  const bytesOf = ([start, end]: Span): Uint8Array =>
    isAscii ? bytes.subarray(start, end) : utf8(scanner.text.slice(start, end))
  const canonical = new Map([...scanner.canonicalMembers].map(([name, span]) => [name, bytesOf(span)]))
  return { value, canonical, values: scanner.values }
}

/** Where the members and items of a document begin, in UTF-16 code units from its start. */
export interface JsonPlaces {
  /** The text that was read. */
  readonly text: string
  readonly value: JsonValue
  /** Where the value begins. */
  readonly start: number
  /** Name and value of each member, by the object that holds them. */
  readonly members: ReadonlyMap<JsonValue, ReadonlyMap<string, readonly [name: number, value: number]>>
  /** Each item, by the list that holds it. */
  readonly items: ReadonlyMap<JsonValue, readonly number[]>
}

/** The same, for files that people write: an error in them is shown at its line. `maxValues`: members and items. @throws JsonError */
export function scanPlaces(bytes: Uint8Array, maxValues: number): JsonPlaces {
  const places = { members: new Map(), items: new Map() }
  const scanner = scannerFor(bytes, places, maxValues)
  const value = scanner.document()
  return { text: scanner.text, value, start: /[^ \t\r\n]/.exec(scanner.text)?.index ?? 0, ...places }
}

/** From the first character to the one after the last. */
type Span = readonly [start: number, end: number]

/** Filled while a document is read. */
interface PlacesInMaking {
  readonly members: Map<JsonValue, Map<string, readonly [name: number, value: number]>>
  readonly items: Map<JsonValue, number[]>
}

function scannerFor(bytes: Uint8Array, places?: PlacesInMaking, maxValues: number = MAX_VALUES): Scanner {
  const text = utf8Text(bytes)
  if (text === undefined) throw new JsonError('not UTF-8')
  return new Scanner(text, places, maxValues)
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }),
)
const LITERALS: readonly (readonly [string, boolean | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

/**
 * Objects that inherit nothing: their prototype is an empty object without a prototype. `Object.create(null)` would need twice
 * the time and memory, because V8 keeps such objects as hash tables.
 */
class Members {
  [name: string]: JsonValue
}
Reflect.deleteProperty(Members.prototype, 'constructor')
Object.freeze(Object.setPrototypeOf(Members.prototype, null))

class Scanner {
  readonly canonicalMembers: Map<string, Span> = new Map()
  readonly text: string
  /** Members and items so far. */
  values = 0
  #at = 0
  /** How many parts of the text so far are not in docker/go's canonical form. */
  #deviations = 0
  /** A surrogate pair was read. */
  #hasPairs = false
  readonly #places: PlacesInMaking | undefined
  readonly #maxValues: number

  constructor(text: string, places: PlacesInMaking | undefined, maxValues: number) {
    this.text = text
    this.#places = places
    this.#maxValues = maxValues
  }

  document(): JsonValue {
    const value = this.#value(0)
    this.#space()
    if (this.#at < this.text.length) this.#fail('data after the document')
    return value
  }

  #value(depth: number): JsonValue {
    this.#space()
    const first = this.text[this.#at]
    if (depth >= MAX_NESTING && (first === '{' || first === '[')) this.#fail(`nested deeper than ${MAX_NESTING}`)
    switch (first) {
      case '{':
        return this.#object(depth)
      case '[':
        return this.#array(depth)
      case '"':
        return this.#string()
      case 't':
      case 'f':
      case 'n':
        return this.#literal()
      default:
        return this.#number()
    }
  }

  #object(depth: number): JsonObject {
    const members = new Members()
    const places = this.#places === undefined ? undefined : new Map<string, readonly [number, number]>()
    if (places !== undefined) this.#places?.members.set(members, places)
    this.#at++
    if (this.#skip('}')) return members
    let before = ''
    do {
      this.#space()
      if (this.text[this.#at] !== '"') this.#fail('a member name must be a string')
      const nameStart = this.#at
      const name = this.#string()
      this.#count()
      if (members[name] !== undefined) this.#fail(`duplicate member name ${JSON.stringify(name.slice(0, 100))}`)
      if (!this.#skip(':')) this.#fail('a colon must follow a member name')
      // Names are sorted by UTF-8; below the surrogates that is the order of strings.
      if (name < before || (this.#hasPairs && /[\ud800-\udfff]/.test(name))) this.#deviations++
      before = name
      this.#space()
      const start = this.#at
      places?.set(name, [nameStart, start])
      const deviations = this.#deviations
      members[name] = this.#value(depth + 1)
      if (depth === 0 && deviations === this.#deviations) this.canonicalMembers.set(name, [start, this.#at])
    } while (this.#skip(','))
    if (!this.#skip('}')) this.#fail('an object must end with }')
    return members
  }

  #array(depth: number): readonly JsonValue[] {
    const items: JsonValue[] = []
    const places: number[] | undefined = this.#places === undefined ? undefined : []
    if (places !== undefined) this.#places?.items.set(items, places)
    this.#at++
    if (this.#skip(']')) return items
    do {
      this.#count()
      this.#space()
      places?.push(this.#at)
      items.push(this.#value(depth + 1))
    } while (this.#skip(','))
    if (!this.#skip(']')) this.#fail('an array must end with ]')
    return items
  }

  #string(): string {
    let text = ''
    this.#at++
    for (;;) {
      const end = this.#endOfPlain()
      text += this.text.slice(this.#at, end)
      this.#at = end
      const next = this.text[this.#at]
      if (next === '"') break
      if (next === '\\') text += this.#escape()
      else if (next !== undefined && next >= '\ud800') {
        text += this.text.slice(this.#at, this.#at + 2) // decoded from UTF-8: a whole pair
        this.#at += 2
        this.#hasPairs = true
      } else this.#fail(next === undefined ? 'a string without end' : 'a control character in a string')
    }
    this.#at++
    return text
  }

  /** The end of a run of unescaped characters in a string. A loop, for speed: most of a large file is such runs. */
  #endOfPlain(): number {
    const { text } = this
    for (let at = this.#at; ; at++) {
      const code = text.charCodeAt(at)
      // NaN after the end of the text, which is not above 0x1f either.
      if (code === 0x22 || code === 0x5c || !(code > 0x1f) || (code >= 0xd800 && code <= 0xdfff)) return at
    }
  }

  #escape(): string {
    const letter = this.text[this.#at + 1] ?? ''
    if (letter !== 'u') {
      const meant = ESCAPES.get(letter) ?? this.#fail('an unknown escape in a string')
      if (letter !== '"' && letter !== '\\') this.#deviations++
      this.#at += 2
      return meant
    }
    this.#deviations++
    const unit = this.#codeUnit()
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit)
    const low = unit < 0xdc00 && this.text.startsWith('\\u', this.#at) ? this.#codeUnit() : 0
    if (low < 0xdc00 || low > 0xdfff) this.#fail('a lone surrogate in a string')
    return String.fromCharCode(unit, low)
  }

  #codeUnit(): number {
    const digits = this.text.slice(this.#at + 2, this.#at + 6)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail('an escape without four hexadecimal digits')
    this.#at += 6
    return Number.parseInt(digits, 16)
  }

  #number(): number | NumberLiteral {
    NUMBER.lastIndex = this.#at
    if (!NUMBER.test(this.text)) this.#fail(this.#at < this.text.length ? 'not a JSON value' : 'the document ends early')
    const literal = this.text.slice(this.#at, NUMBER.lastIndex)
    const value = Number(literal)
    if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) this.#fail('a number beyond 2^53-1')
    this.#at += literal.length
    if (literal === String(value) && Number.isInteger(value)) return value
    this.#deviations++
    return /[.eE]/.test(literal) ? new NumberLiteral(value) : value
  }

  #literal(): boolean | null {
    for (const [word, value] of LITERALS) {
      if (!this.text.startsWith(word, this.#at)) continue
      this.#at += word.length
      return value
    }
    return this.#fail('not a JSON value')
  }

  #count(): void {
    if (++this.values > this.#maxValues) this.#fail(`more than ${this.#maxValues} members and items`)
  }

  /** Skips white space and then `mark`; false when another character follows. */
  #skip(mark: string): boolean {
    this.#space()
    if (this.text[this.#at] !== mark) return false
    this.#at++
    return true
  }

  #space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#deviations++
      this.#at++
    }
  }

  #fail(problem: string): never {
    throw new JsonError(problem, this.#at)
  }
}
