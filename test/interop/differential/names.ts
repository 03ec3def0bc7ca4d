/** What a server calls a file with these bytes. */
import { createHash } from 'node:crypto'

export function nameHashed(role: string, file: Uint8Array): string {
  return `${role}.${createHash('sha256').update(file).digest('hex')}`
}
