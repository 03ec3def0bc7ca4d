/**
 * Docker's order of tags: numbers by value, everything else by bytes.
 * Source: github.com/fvbommel/sortorder v1.1.0 natsort.go NaturalLess, as docker/cli 28 uses it.
 */
import { utf8 } from '../bytes.js'

/** Below 0 when `one` comes first. */
export function compareNaturally(one: string, other: string): number {
  const [left, right] = [utf8(one), utf8(other)]
  let [at, to] = [0, 0]
  while (at < left.length && to < right.length) {
    const [a = 0, b = 0] = [left[at], right[to]]
    if (isDigit(a) !== isDigit(b)) return isDigit(a) ? -1 : 1
    if (!isDigit(a)) {
      if (a !== b) return a - b
      at++
      to++
      continue
    }
    const [first, second] = [numberAt(left, at), numberAt(right, to)]
    const difference = compareNumbers(first, second) || first.start - at - (second.start - to)
    if (difference !== 0) return difference
    at = first.end
    to = second.end
  }
  return left.length - right.length
}

/** By bytes, as Go compares texts. Below 0 when `one` comes first. */
export function compareBytes(one: string, other: string): number {
  const [left, right] = [utf8(one), utf8(other)]
  const at = left.findIndex((byte, index) => byte !== right[index])
  return at < 0 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1)
}

/** A number in a text, its zeros in front left out. */
interface NumberInText {
  readonly start: number
  readonly end: number
  readonly digits: Uint8Array
}

function numberAt(text: Uint8Array, from: number): NumberInText {
  let start = from
  while (text[start] === ZERO) start++
  let end = start
  while (isDigit(text[end])) end++
  return { start, end, digits: text.subarray(start, end) }
}

function compareNumbers({ digits: one }: NumberInText, { digits: other }: NumberInText): number {
  if (one.length !== other.length) return one.length - other.length
  const at = one.findIndex((digit, index) => digit !== other[index])
  return at < 0 ? 0 : (one[at] ?? 0) - (other[at] ?? 0)
}

const ZERO = 48
const NINE = 57

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}
