/** Reads the content of an answer within its limit. */
import { describeCause } from '../errors.js'
import { isHttpFault } from './http-faults.js'

/** More came, or was announced, than is wanted: endless data. */
export class BodyTooLong extends Error {}

/** The content is in a form that was not asked for, or is not what it says: an answer came, and it cannot be decoded. */
export class BodyUnreadable extends Error {}

/** What undici gives for a body, as far as it is used here. */
export type BodyStream = AsyncIterable<unknown> & { destroy(): unknown }

/** What an answer's headers say of its content. */
export interface BodyHeaders {
  readonly contentLength: string | undefined
  /** Every value, in order. */
  readonly contentEncoding: readonly string[]
}

/**
 * The bytes, at most `maxBytes`, before and after decoding.
 *
 * @throws BodyTooLong, BodyUnreadable, the signal's reason, or what the connection failed with
 */
export async function readBody(
  stream: BodyStream,
  headers: BodyHeaders,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const encodings = namesIn(headers.contentEncoding)
  const [encoding, ...more] = encodings
  const isGzip = encoding === 'gzip' || encoding === 'x-gzip'
  if ((encoding !== undefined && !isGzip) || more.length > 0) {
    stream.destroy()
    throw new BodyUnreadable(`the server sent content-encoding ${encodings.join(', ')} although identity was asked for`)
  }
  if (Number(headers.contentLength) > maxBytes) {
    stream.destroy()
    throw new BodyTooLong(`the server announced ${headers.contentLength} bytes`)
  }
  const bytes = await collect(stream, maxBytes, `the server sent more than ${maxBytes} bytes`).catch(unreadableIfNoHttp)
  if (!isGzip) return bytes
  const { inflate } = await import('./inflate.js') // few servers compress
  return inflate(bytes, maxBytes, signal)
}

/**
 * Gathers a stream. Leaving it early destroys it, and with it the connection that it came over.
 *
 * @throws BodyTooLong with the message given, or what the stream failed with
 */
export async function collect(stream: AsyncIterable<unknown>, maxBytes: number, tooLong: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a body chunk that is not bytes')
    size += chunk.length
    if (!(size <= maxBytes)) throw new BodyTooLong(tooLong)
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** The encodings of a list in one header or in several; `identity` is none. */
function namesIn(values: readonly string[]): string[] {
  const names = values.flatMap((value) => value.toLowerCase().split(','))
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
}

/** A transfer coding that is broken after the status came. */
function unreadableIfNoHttp(cause: unknown): never {
  if (isHttpFault(cause)) throw new BodyUnreadable(`the server sent a body that is no HTTP (${describeCause(cause)})`)
  throw cause
}
