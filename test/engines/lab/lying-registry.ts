/** A registry that passes requests on to an honest one and changes the answers. */
import { readFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer, request } from 'node:https'
import type { ServerCertificates } from '../../interop/lab/certificates.js'

/** An answer of the honest registry. */
interface HonestAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What the registry answers; undefined: nothing, ever. */
type Lie = (path: string, honest: HonestAnswer) => HonestAnswer | undefined

export interface LyingRegistry extends AsyncDisposable {
  /** `localhost:<port>` */
  readonly registry: string
  /** Can be changed between requests. */
  lie: Lie
  /** Paths, in order. */
  readonly asked: string[]
}

/** Starts it in front of `honest` (`localhost:<port>`). */
export async function startLyingRegistry(honest: string, certificates: ServerCertificates): Promise<LyingRegistry> {
  const [cert, key] = await Promise.all([readFile(certificates.cert), readFile(certificates.key)])
  const asked: string[] = []
  const server = createServer({ cert, key }, (incoming, response) => {
    const path = incoming.url ?? ''
    asked.push(`${incoming.method} ${path}`)
    const { host: _, ...headers } = incoming.headers
    const passed = request(
      `https://${honest}${path}`,
      { method: incoming.method, headers, ca: certificates.caPem, agent: false },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => {
          const told = lying.lie(path, { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) })
          if (told === undefined) return
          response.writeHead(
            told.status,
            incoming.method === 'HEAD' ? told.headers : { ...told.headers, 'content-length': told.body.length },
          )
          response.end(incoming.method === 'HEAD' ? undefined : told.body)
        })
      },
    )
    passed.on('error', () => response.destroy()).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const lying: LyingRegistry = {
    registry: `localhost:${port}`,
    lie: (_, answer) => answer,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
  return lying
}
