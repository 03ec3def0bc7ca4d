/** Converts integers to and from big-endian bytes. */

/** The number of big-endian bytes. */
export function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`)
}

/** The bytes of a number that is not negative: as few as possible, but at least `size`. */
export function bytesOf(value: bigint, size = 1): Buffer {
  const digits = value.toString(16)
  return Buffer.from(digits.padStart(Math.max(2 * size, digits.length + (digits.length % 2)), '0'), 'hex')
}

/** How many bits a positive number has. */
export function bitLength(value: bigint): number {
  return value.toString(2).length
}

/** The inverse modulo a number that is coprime to it, by Euclid's algorithm. */
export function inverse(value: bigint, modulus: bigint): bigint {
  let [rest, next, factor, nextFactor] = [value % modulus, modulus, 1n, 0n]
  while (rest !== 0n) {
    const quotient = next / rest
    ;[rest, next, factor, nextFactor] = [next - quotient * rest, rest, nextFactor - quotient * factor, factor]
  }
  return ((nextFactor % modulus) + modulus) % modulus
}
