/** Checks a blob while it is passed on: it may be larger than memory. */
import { startSha256 } from '../crypto/hash.js'
import { UntrustedError } from '../errors.js'
import type { BodySink } from '../http/http-body.js'

/** Takes a piece. Resolves when the receiver has room for the next. */
export type WriteBytes = (piece: Uint8Array) => Promise<void>

/** What a blob must be. */
interface WantedBlob {
  /** The trust collection, for errors. */
  readonly gun: string
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string
  readonly size: number
}

/** Milliseconds for a blob of no length. */
const BASE_MS = 60_000

/** Bytes a millisecond: stops a registry that sends a byte now and then, and a client that reads as slowly. */
const SLOWEST = 50

/** The longest that a timer can wait. */
const MAX_MS = 2 ** 31 - 1

/** Milliseconds in which a blob must be passed on. */
export function millisecondsFor(size: number): number {
  return Math.min(MAX_MS, BASE_MS + size / SLOWEST)
}

/** Passes pieces on. Holds the last one back until length and digest are right: no client gets the whole of wrong bytes. */
export function checkedSink(wanted: WantedBlob, write: WriteBytes): BodySink {
  return async (body) => {
    const hash = startSha256()
    let length = 0
    let held: Uint8Array | undefined
    for await (const piece of body) {
      if (!(piece instanceof Uint8Array)) throw new TypeError('a body chunk that is not bytes')
      length += piece.length
      if (length > wanted.size) throw mismatch(wanted, `more than ${wanted.size} bytes`)
      hash.update(piece)
      if (held !== undefined) await write(held)
      held = piece
    }
    if (length !== wanted.size) throw mismatch(wanted, `${length} bytes in place of ${wanted.size}`)
    const found = `sha256:${hash.hex()}`
    if (found !== wanted.digest) throw mismatch(wanted, found)
    if (held !== undefined) await write(held)
  }
}

function mismatch({ gun, digest, size }: WantedBlob, found: string): UntrustedError {
  return new UntrustedError('ERR_HASH_MISMATCH', `the registry serves other bytes for the blob ${gun}@${digest}: ${found}`, {
    gun,
    evidence: { digest, size, found },
    hint: 'Do not use the image from this registry: tell its operator. A proxy that changes content on the way has the same effect.',
  })
}
