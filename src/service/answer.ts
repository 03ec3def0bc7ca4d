/** Reads the body of a request, and writes answers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseJson } from '../metadata/json.js'
import { JsonError, plainJson } from '../metadata/json-value.js'
import { refusal } from './oci-errors.js'

export const JSON_TYPE = { 'content-type': 'application/json' } as const
export const REGISTRY_HEADERS = { 'content-type': 'application/json', 'docker-distribution-api-version': 'registry/2.0' } as const
/** Of an answer with status 503. */
export const RETRY = { 'retry-after': '1' } as const

/** The body cannot be used; `status` says why. */
export class BadRequest extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Reads a JSON body. @throws BadRequest 413, 415, 400 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  // A page in a browser can send other types to this machine without being asked first.
  if (type !== 'application/json') throw new BadRequest(415, 'the content-type must be application/json')
  if (Number(request.headers['content-length']) > maxBytes) throw new BadRequest(413, `the body is longer than ${maxBytes} bytes`)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a body chunk that is not bytes')
    size += chunk.length
    if (size > maxBytes) throw new BadRequest(413, `the body is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  try {
    // It refuses two members of one name: another program may have read the other one.
    return plainJson(parseJson(Buffer.concat(chunks)))
  } catch (cause) {
    // Without the parser's message, which quotes the body.
    if (cause instanceof JsonError) throw new BadRequest(400, 'the body is not JSON')
    throw cause
  }
}

/** Sends an answer; a HEAD has none but the headers. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>>,
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response.writeHead(status, { ...headers, 'content-length': bytes.length, 'cache-control': 'no-store' })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

/** Refuses the method of a request. */
export function notAllowed(request: IncomingMessage, response: ServerResponse, allow: string): void {
  const { body } = refusal(405, 'UNSUPPORTED', `this address takes ${allow}`)
  send(request, response, 405, body, { ...JSON_TYPE, allow, connection: 'close' })
}
