/**
 * The journal of a commit of several files. A writer writes it before it replaces the files. When the writer is killed in
 * between, readers read the journal instead of the files, and the next writer completes the commit. The files themselves keep
 * Docker's layout.
 */
import { base64, fromBase64, utf8, utf8Text } from '../bytes.js'
import { isRole } from './names.js'

/** The files of a commit. */
export interface Journal {
  readonly metadata: ReadonlyMap<string, Uint8Array>
  readonly floors: Uint8Array
}

/** The bytes of a journal file. */
export function encodeJournal(gun: string, { metadata, floors }: Journal): Uint8Array {
  const files = [...metadata].map(([role, bytes]) => [role, base64(bytes)])
  return utf8(JSON.stringify({ format: 1, gun, floors: base64(floors), files }))
}

/** Parses a journal file; undefined when it is not a journal of this collection. */
export function decodeJournal(file: Uint8Array, gun: string): Journal | undefined {
  try {
    const { format, gun: whose, floors, files }: Record<string, unknown> = JSON.parse(utf8Text(file) ?? 'null') ?? {}
    const decodedFloors = bytesOf(floors)
    if (format !== 1 || whose !== gun || decodedFloors === undefined || !Array.isArray(files)) return undefined
    const metadata = new Map<string, Uint8Array>()
    for (const [role, text] of files) {
      const bytes = bytesOf(text)
      if (typeof role !== 'string' || !isRole(role) || bytes === undefined) return undefined
      metadata.set(role, bytes)
    }
    return { metadata, floors: decodedFloors }
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof TypeError) return undefined
    throw cause
  }
}

function bytesOf(text: unknown): Uint8Array | undefined {
  return typeof text === 'string' ? fromBase64(text) : undefined
}
