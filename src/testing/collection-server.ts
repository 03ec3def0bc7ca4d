/** Collections served over https on loopback, with a CA made on the spot. */
import { createServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { createCertificate } from './certificate-maker.js'
import { type Fault, type Faults, type FileHolder, faultFor } from './faults.js'

/** A server that runs. */
export interface CollectionServer extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly url: string
  /** PEM of the CA to trust. */
  readonly ca: string
  /** Paths asked for, in order. */
  readonly requests: string[]
  /** Open to be changed while it runs. `tls` and `unreachable` cut the connection. */
  readonly faults: Map<string, Fault>
  /** Cuts the connections and frees the port. */
  close(): Promise<void>
}

const DAY = 86_400_000
const FILE_PATH = /^\/v2\/(?<gun>.+)\/_trust\/tuf\/(?<name>.+)\.json$/
const STATUS: Readonly<Record<string, number>> = { unauthorized: 401, 'server-error': 503 }

/** Serves the collections as a Notary server does, on 127.0.0.1; `port` 0 or absent takes a free one. */
export async function serveCollections(
  collections: readonly FileHolder[],
  { port = 0, faults = {} }: { readonly port?: number; readonly faults?: Faults } = {},
): Promise<CollectionServer> {
  const guns = new Map(collections.map((collection) => [collection.gun, collection]))
  const active = new Map(Object.entries(faults))
  const requests: string[] = []
  const sockets = new Set<Duplex>()
  const { ca, key, cert } = loopbackCertificates()
  const server = createServer({ key, cert }, (request, response) => {
    const path = request.url ?? ''
    requests.push(path)
    const { gun = '', name = '' } = FILE_PATH.exec(path)?.groups ?? {}
    const fault = faultFor(active, name)
    const honest = guns.get(gun)?.served(name)
    if (fault === 'silent') return
    if (fault === 'unreachable' || fault === 'tls') return void request.socket.destroy()
    const status = typeof fault === 'string' ? STATUS[fault] : undefined
    if (status !== undefined) return void response.writeHead(status).end()
    const body = answerOf(fault, honest)
    Promise.resolve(body).then(
      (bytes) => {
        if (bytes !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(bytes)
        else response.writeHead(404, { 'content-type': 'application/json' }).end(NOT_FOUND)
      },
      (cause: unknown) => response.writeHead(500).end(String(cause)),
    )
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  const address = server.address()
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  const taken = typeof address === 'object' && address !== null ? address.port : port
  return { url: `https://localhost:${taken}`, ca, requests, faults: active, close, [Symbol.asyncDispose]: close }
}

function answerOf(
  fault: Fault | undefined,
  honest: Uint8Array | undefined,
): Uint8Array | undefined | Promise<Uint8Array | undefined> {
  if (typeof fault === 'function') return fault(honest)
  if (fault instanceof Uint8Array) return fault
  return fault === 'missing' ? undefined : honest
}

const NOT_FOUND =
  '{"errors":[{"code":"METADATA_NOT_FOUND","message":"You have requested metadata that does not exist.","detail":null}]}'

/** Valid around the real now: TLS asks the system's clock. */
function loopbackCertificates(): { ca: string; key: string | Buffer; cert: string } {
  const validity = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) }
  const authority = createCertificate({ subject: { cn: 'simulated trust server CA' }, ca: true, ...validity })
  const server = createCertificate({
    subject: { cn: 'localhost' },
    issuer: authority,
    san: ['localhost', '127.0.0.1', '::1'],
    extendedKeyUsage: ['serverAuth'],
    ...validity,
  })
  return { ca: authority.pem, key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: server.pem }
}
