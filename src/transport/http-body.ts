/** Reads an answer's body within its limit. */
import { promisify } from 'node:util'
import { systemCode } from '../errors.js'

/** More came, or was announced, than is wanted: endless data. */
export class BodyTooLong extends Error {}

/** The body is in a form that was not asked for, or is not what it says. */
export class BodyEncodingRefused extends Error {}

/** What undici gives for a body, as far as it is used here. */
export type BodyStream = AsyncIterable<unknown> & { destroy(): unknown }

/**
 * The bytes, at most `maxBytes`, before and after decoding.
 *
 * @throws BodyTooLong, BodyEncodingRefused, or what the connection failed with
 */
export async function readBody(
  stream: BodyStream,
  headers: { readonly contentLength: string | undefined; readonly contentEncoding: string | undefined },
  maxBytes: number,
): Promise<Uint8Array> {
  const encoding = headers.contentEncoding?.trim().toLowerCase() ?? ''
  const gzipped = encoding === 'gzip' || encoding === 'x-gzip'
  if (!gzipped && encoding !== '' && encoding !== 'identity') {
    stream.destroy()
    throw new BodyEncodingRefused(`the server sent content-encoding ${encoding} although identity was asked for`)
  }
  if (Number(headers.contentLength) > maxBytes) {
    stream.destroy()
    throw new BodyTooLong(`the server announced ${headers.contentLength} bytes`)
  }
  const bytes = await collect(stream, maxBytes)
  return gzipped ? decode(bytes, maxBytes) : bytes
}

async function collect(stream: BodyStream, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a body chunk that is not bytes')
    size += chunk.length
    // Leaving the loop destroys the stream, and with it the connection.
    if (size > maxBytes) throw new BodyTooLong(`the server sent more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

async function decode(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const { gunzip } = await import('node:zlib') // few servers compress
  try {
    // maxOutputLength ends a decompression bomb where it starts.
    return new Uint8Array(await promisify(gunzip)(bytes, { maxOutputLength: maxBytes }))
  } catch (cause) {
    if (systemCode(cause) === 'ERR_BUFFER_TOO_LARGE') {
      throw new BodyTooLong(`the server sent more than ${maxBytes} bytes when decompressed`, { cause })
    }
    throw new BodyEncodingRefused('the server sent a body that is not the gzip it says', { cause })
  }
}
