/**
 * A strict JSON scanner (RFC 8259) for signed documents.
 *
 * Beside what JSON.parse refuses it refuses what two readers could understand differently: duplicate member names,
 * bytes that are not UTF-8, a byte-order mark, lone surrogates, numbers beyond +-(2^53-1), deep nesting. Objects have
 * no prototype, so `__proto__` is a name like any other.
 *
 * A number that is not written as an integer (`1.0`, `1e0`, `1.5`) comes as a NumberLiteral: Go reads it as a number
 * where anything goes and refuses it where an integer is due.
 */
import { utf8, utf8Text } from '../bytes.js'

export type JsonValue = string | number | boolean | null | NumberLiteral | readonly JsonValue[] | JsonObject

/** Members by name; no prototype. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** A number written with a fraction or an exponent. */
export class NumberLiteral {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** Nesting deeper than this is refused: a recursive reader would overflow its stack. Trust metadata nests about seven levels. */
export const MAX_NESTING = 64

/** More members and items than this in one document are refused (denial of service: each costs some 200 bytes). 100,000 tags have 500,000. */
const MAX_VALUES = 600_000

/** Why a text is not acceptable JSON. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
  /** What is wrong, without the place. */
  readonly problem: string
  /** UTF-16 code units before the place. */
  readonly at: number

  constructor(problem: string, at?: number) {
    super(at === undefined ? problem : `${problem} (at character ${at})`)
    this.problem = problem
    this.at = at ?? 0
  }
}

/** The value that the bytes spell. @throws JsonError */
export function parseJson(bytes: Uint8Array): JsonValue {
  return scannerFor(bytes).document()
}

/** A document, and which of its top-level members are written in docker/go's canonical form already. */
export interface ScannedDocument {
  readonly value: JsonValue
  /** Member name to its bytes. Notary signs those bytes, and most files hold them as they were signed. */
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

/** From the first character to behind the last. */
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

/** True for an object, not for an array or a NumberLiteral. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberLiteral)
}

/** The value as JSON.parse would give it; a member called `__proto__` stays a member. */
export function plainJson(value: JsonValue): unknown {
  if (value instanceof NumberLiteral) return value.value
  if (Array.isArray(value)) return value.map(plainJson)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plainJson(member)]))
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
 * Objects that inherit nothing: above them is one empty object without a prototype. `Object.create(null)` would do too,
 * at twice the time and memory, because V8 keeps such objects as hash tables.
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
  /** How often the text so far was not what docker/go's canonical writer writes. */
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

  /** Where the run of characters ends that stand for themselves inside a string. By hand: most of a large file is such runs. */
  #endOfPlain(): number {
    const { text } = this
    for (let at = this.#at; ; at++) {
      const code = text.charCodeAt(at)
      // Not a number behind the end: that is not above 0x1f either.
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

  /** Steps over white space and then over `mark`, if it stands there. */
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
