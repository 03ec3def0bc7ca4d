/** Reads the body of an answer, up to a limit. */
import { describeCause } from '../errors.js'
import { isHttpFault } from './http-faults.js'

/** The server sent or announced more bytes than allowed: endless data. */
export class BodyTooLong extends Error {}

/** The server answered, but the body cannot be decoded: its encoding is not supported, or it does not have that encoding. */
export class BodyUnreadable extends Error {}

/** The part of undici's body type that is used here. */
export type BodyStream = AsyncIterable<unknown> & { destroy(): unknown }

/** The headers that describe the body. */
export interface BodyHeaders {
  readonly contentLength: string | undefined
  /** Every value, in order. */
  readonly contentEncoding: readonly string[]
}

/** Takes a body piece by piece. It reads no faster than it can pass on, and throws for a body that it does not want. */
export type BodySink = (body: AsyncIterable<unknown>) => Promise<void>

/** Reads the body of an answer, or hands it to the sink of the request: then the result is empty. @throws what `readBody` throws, or the sink */
export async function takeBody(
  stream: BodyStream,
  header: (name: string) => readonly string[],
  { maxBytes, sink }: { readonly maxBytes: number; readonly sink?: BodySink },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const [contentLength] = header('content-length')
  const contentEncoding = header('content-encoding')
  if (sink === undefined) return readBody(stream, { contentLength, contentEncoding }, maxBytes, signal)
  try {
    if (namesIn(contentEncoding).length > 0) throw unasked(namesIn(contentEncoding))
    await sink(stream)
  } finally {
    stream.destroy()
  }
  return new Uint8Array()
}

/**
 * Reads and decodes a body. It may have at most `maxBytes` bytes before and after decoding.
 *
 * @throws BodyTooLong, BodyUnreadable, the signal's reason, or the error of the connection
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
    throw unasked(encodings)
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
 * Collects the chunks of a stream. An error destroys the stream and its connection.
 *
 * @throws BodyTooLong with the message `tooLong`, or the error of the stream
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

function unasked(encodings: readonly string[]): BodyUnreadable {
  return new BodyUnreadable(`the server sent content-encoding ${encodings.join(', ')} although identity was asked for`)
}

/** The encodings that one or several headers list, without `identity`. */
function namesIn(values: readonly string[]): string[] {
  const names = values.flatMap((value) => value.toLowerCase().split(','))
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity')
}

/** Turns undici's error for a broken transfer coding into BodyUnreadable. */
function unreadableIfNoHttp(cause: unknown): never {
  if (isHttpFault(cause)) throw new BodyUnreadable(`the server sent a body that is not valid HTTP (${describeCause(cause)})`)
  throw cause
}
