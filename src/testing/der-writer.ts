/** Writes DER elements, for keys from a seed and for invalid certificates that no library would write. */
import { bytesOf } from './numbers.js'

/** One element: tag, length, the parts as content. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  const size = content.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : size < 0x10000 ? [0x82, size >> 8, size & 0xff] : undefined
  if (length === undefined) throw new RangeError('more than 65,535 bytes in one DER element')
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag, ...length), content]))
}

/** SEQUENCE. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return tlv(0x30, ...parts)
}

/** INTEGER, not negative. */
export function integer(value: bigint): Uint8Array {
  const bytes = bytesOf(value)
  return tlv(0x02, ...((bytes[0] ?? 0) >= 0x80 ? [Uint8Array.of(0)] : []), bytes)
}

/** OBJECT IDENTIFIER from its dotted form. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const base128 = (arc: number): number[] => (arc < 0x80 ? [arc] : [...base128(arc >>> 7).map((byte) => byte | 0x80), arc & 0x7f])
  return tlv(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)))
}

/** BIT STRING of whole bytes. */
export function bitString(content: Uint8Array): Uint8Array {
  return tlv(0x03, Uint8Array.of(0), content)
}

/** UTCTime before 2050, GeneralizedTime from then on. */
export function time(date: Date): Uint8Array {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '')
  return date.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits))
}
