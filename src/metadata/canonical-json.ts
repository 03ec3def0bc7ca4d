/**
 * The bytes that Notary signs: docker/go's canonical JSON of the decoded value.
 * Source: github.com/docker/go canonical/json; notary 0.7.0 tuf/data/types.go.
 *
 * It is not RFC 8785. Both agree but for control characters in strings (docker/go writes them raw), member names
 * beyond the Basic Multilingual Plane (docker/go sorts by UTF-8, RFC 8785 by UTF-16) and numbers that were written with
 * a fraction or exponent. The `canonicalize` library does the work where they agree; the rest is written here.
 */
import canonicalize from 'canonicalize'
import { utf8 } from '../bytes.js'
import { isJsonObject, JsonError, type JsonValue, NumberLiteral } from './json.js'

/** The canonical bytes. @throws JsonError for a number that is not an integer: nobody can have signed it. */
export function canonicalJson(value: JsonValue): Uint8Array {
  return utf8(agreesWithRfc8785(value) ? (canonicalize(value) ?? '') : dockerGoJson(value))
}

function agreesWithRfc8785(value: JsonValue): boolean {
  if (typeof value === 'string') return !/[\u0000-\u001f]/.test(value)
  if (typeof value === 'number') return !Object.is(value, -0)
  if (typeof value !== 'object' || value === null) return true
  if (value instanceof NumberLiteral) return false
  if (Array.isArray(value)) return value.every(agreesWithRfc8785)
  return Object.entries(value).every(([name, member]) => !/[\u0000-\u001f\ud800-\udfff]/.test(name) && agreesWithRfc8785(member))
}

/** The reference writer: slower, and right for everything that the scanner lets through. */
export function dockerGoJson(value: JsonValue): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return integer(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (value instanceof NumberLiteral) return integer(value.value)
  if (!isJsonObject(value)) return `[${value.map(dockerGoJson).join(',')}]`
  const members = Object.keys(value).sort(byUtf8)
  return `{${members.map((name) => `${quote(name)}:${dockerGoJson(value[name] ?? null)}`).join(',')}}`
}

/** Only the quote and the backslash are escaped. */
function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

function integer(value: number): string {
  if (!Number.isInteger(value)) throw new JsonError(`the number ${value} has no canonical form`)
  return String(value)
}

function byUtf8(a: string, b: string): number {
  return Buffer.compare(utf8(a), utf8(b))
}
