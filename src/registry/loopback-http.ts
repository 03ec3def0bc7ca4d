/**
 * Sends plain http requests to a registry on this machine, which Docker allows too. Nothing secret is sent, no proxy is used
 * and no redirect followed; the bytes are checked against their digest like any others.
 */
import { type IncomingMessage, request } from 'node:http'
import type { LookupFunction } from 'node:net'
import { withDeadline } from '../http/deadline.js'
import { takeBody } from '../http/http-body.js'
import { DEADLINES, type HttpsAnswer, type HttpsRequest } from '../http/https-client.js'
import { withoutBrackets } from '../http/server-address.js'

/** `localhost` never means another machine here, whatever a resolver says. */
const loopback: LookupFunction = (_name, options, callback) =>
  options.all === true
    ? callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ])
    : callback(null, '127.0.0.1', 4)

/** Sends a request. `url` is the https address of the registry. @throws BodyTooLong, BodyUnreadable, or the error of the connection */
export async function sendToLoopback(asked: HttpsRequest): Promise<HttpsAnswer> {
  const { url, method, headers, signal } = asked
  return withDeadline([signal], asked.withinMs ?? DEADLINES.totalMs, async (ends) => {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: withoutBrackets(url.hostname), port: url.port === '' ? 80 : Number(url.port) }
      const sent = request({ ...options, path: url.pathname, method, headers, lookup: loopback, agent: false, signal: ends })
      sent.once('response', resolve).once('error', reject).end()
    })
    const header = (name: string): readonly string[] => response.headersDistinct[name] ?? []
    const answer = { status: response.statusCode ?? 0, header, redirectedTo: undefined }
    if (answer.status !== 200 || method === 'HEAD') {
      response.on('error', () => undefined).destroy()
      return { ...answer, body: new Uint8Array() }
    }
    return { ...answer, body: await takeBody(response, header, asked, ends) }
  })
}
