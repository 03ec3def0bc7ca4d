/** Plain https requests to the laboratory's server, without any code of the project. */
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, request } from 'node:https'
import type { NotaryServer } from './notary-server.js'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface AskOptions {
  /** PEM text of the only trusted CA. */
  readonly ca: string
  readonly headers?: Record<string, string>
  readonly timeoutMilliseconds?: number
}

/** Sends one GET on a new connection. */
export function get(url: string, { ca, headers = {}, timeoutMilliseconds = 10_000 }: AskOptions): Promise<Answer> {
  const agent = new Agent({ keepAlive: false, ca })
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, headers, signal: AbortSignal.timeout(timeoutMilliseconds) }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) })
      })
    })
    asked.once('error', reject)
    asked.end()
  })
}

type Place = Pick<NotaryServer, 'url' | 'caPem'>

/** Requests one metadata file: 'root', '2.root', 'targets/releases', 'snapshot.<hex>', ... */
export function getMetadata(server: Place, gun: string, name: string): Promise<Answer> {
  return get(`${server.url}/v2/${gun}/_trust/tuf/${name}.json`, { ca: server.caPem })
}
