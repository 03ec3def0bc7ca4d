/** Decompresses what a server compressed without being asked. */
import { addAbortSignal } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { BodyTooLong, BodyUnreadable, collect } from './http-body.js'

/** Bytes that zlib gives at a time, beside the event loop; small enough that copying them does not hold it up. */
const CHUNK_BYTES: number = 256 * 1024

/** One at a time in this process: many compressed answers at once must not need the memory of all of them while they are decompressed. */
let last: Promise<unknown> = Promise.resolve()

/**
 * What a gzip file holds, at most `maxBytes`: a decompression bomb is left where it passes them.
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
    throw new BodyUnreadable('the server sent a body that is not the gzip it says', { cause })
  }
  throw new BodyUnreadable('the server sent more behind the end of its gzip')
}
