/**
 * The bytes that Notary signs: docker/go's canonical JSON of the decoded value.
 * Source: github.com/docker/go canonical/json; notary 0.7.0 tuf/data/types.go.
 *
 * There are three ways to these bytes, and tests check that they agree:
 *
 * 1. Most files hold `signed` in canonical form already: the scanner finds that out (`scanDocument` in json.ts), and nothing is
 *    written again.
 * 2. Other values go to the `canonicalize` library (RFC 8785), the faster writer, where RFC 8785 and docker/go agree.
 * 3. `dockerGoJson` writes the rest. The two forms differ in control characters in strings (docker/go writes them raw), member
 *    names beyond the Basic Multilingual Plane (docker/go sorts by UTF-8, RFC 8785 by UTF-16), and numbers that were written as
 *    -0 or with a fraction or exponent.
 */
import canonicalize from 'canonicalize'
import { utf8 } from '../bytes.js'
import { isJsonObject, JsonError, type JsonValue, NumberLiteral } from './json-value.js'

/** The canonical bytes. @throws JsonError for a number that is not an integer, which Notary cannot sign */
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

/** Writes any value that the scanner accepts; slower than `canonicalize`. */
export function dockerGoJson(value: JsonValue): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return integer(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (value instanceof NumberLiteral) return integer(value.value)
  if (!isJsonObject(value)) return `[${value.map(dockerGoJson).join(',')}]`
  const members = Object.keys(value).sort(byUtf8)
  return `{${members.map((name) => `${quote(name)}:${dockerGoJson(value[name] ?? null)}`).join(',')}}`
}

/** Escapes only the quote and the backslash. */
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
