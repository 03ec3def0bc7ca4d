/** Decompresses bodies that a server compressed although the client asked for none. */
import { addAbortSignal } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { BodyTooLong, BodyUnreadable, collect } from './http-body.js'

/** Bytes of one chunk that zlib writes in its own thread. Copying a larger one would block the event loop. */
const CHUNK_BYTES: number = 256 * 1024

/** The last decompression. They run one at a time in this process, which bounds the memory that many compressed answers need. */
let last: Promise<unknown> = Promise.resolve()

/**
 * Decompresses a gzip file. Stops after `maxBytes` of output (decompression bomb).
 *
 * @throws BodyTooLong, BodyUnreadable, the signal's reason
 */
export function inflate(bytes: Uint8Array, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const inflated = last.then(() => inflateNow(bytes, maxBytes, signal))
  last = inflated.catch(() => undefined)
  return inflated
}

async function inflateNow(bytes: Uint8Array, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  signal.throwIfAborted()
  const gunzip = addAbortSignal(signal, createGunzip({ chunkSize: CHUNK_BYTES }))
  gunzip.end(bytes)
  try {
    const inflated = await collect(gunzip, maxBytes, `the server sent more than ${maxBytes} bytes when decompressed`)
    if (gunzip.bytesWritten === bytes.length) return inflated
  } catch (cause) {
    if (cause instanceof BodyTooLong) throw cause
    signal.throwIfAborted()
    throw new BodyUnreadable('the server sent a body that is not valid gzip', { cause })
  }
  throw new BodyUnreadable('the server sent data after the end of the gzip body')
}
