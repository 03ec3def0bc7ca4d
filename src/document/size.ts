import type { Faults } from './faults.js'

/** True for a file that is longer than `maxBytes` (denial of service: such a file is not looked at); the fault says so. */
export function isTooLarge(bytes: Uint8Array, maxBytes: number, faults: Faults): boolean {
  if (bytes.length <= maxBytes) return false
  const problem = `${bytes.length} bytes; at most ${maxBytes} are read`
  faults.add({ path: '', place: { line: 1, column: 1 } }, problem, `Is this the ${faults.what}? Look at its first lines.`)
  return true
}
