/** JSON values as the scanner gives them (see json.ts). */

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
