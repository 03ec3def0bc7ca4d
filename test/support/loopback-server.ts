/** Real https servers and proxies on loopback, with certificates that are made at run time. */
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { createCertificate, type MadeCertificate } from '../../src/testing/index.js'

const DAY = 86_400_000

/** The CA of all servers in a test file. */
export const testAuthority: MadeCertificate = createCertificate({
  subject: { cn: 'loopback test CA' },
  notBefore: new Date(Date.now() - DAY),
  notAfter: new Date(Date.now() + DAY),
  ca: true,
})

/** A server certificate for loopback names, unless others are given. */
export function serverCertificate(
  options: {
    readonly names?: readonly string[]
    readonly issuer?: MadeCertificate
    readonly notBefore?: Date
    readonly notAfter?: Date
  } = {},
): MadeCertificate {
  return createCertificate({
    subject: { cn: 'loopback test server' },
    issuer: options.issuer ?? testAuthority,
    notBefore: options.notBefore ?? new Date(Date.now() - DAY),
    notAfter: options.notAfter ?? new Date(Date.now() + DAY),
    san: options.names ?? ['localhost', '127.0.0.1', '::1'],
    extendedKeyUsage: ['serverAuth'],
  })
}

/** A request that a server received. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A server that runs. */
export interface LoopbackServer extends AsyncDisposable {
  readonly port: number
  /** `https://localhost:<port>` */
  readonly url: string
  readonly requests: SeenRequest[]
  /** Connections accepted so far. */
  readonly connections: () => number
  /** Connections that are open now. */
  readonly openConnections: () => number
  close(): Promise<void>
}

/** Answers one request. An error becomes a 500, which fails the test's expectations. */
export type Handler = (request: SeenRequest, response: ServerResponse) => unknown

/** Starts an https server. */
export async function startServer(
  handler: Handler,
  options: ServerOptions & { certificate?: MadeCertificate } = {},
): Promise<LoopbackServer> {
  const { certificate = serverCertificate(), ...tls } = options
  const requests: SeenRequest[] = []
  const listener: RequestListener = (incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const seen = {
        method: incoming.method ?? '',
        url: incoming.url ?? '',
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString(),
      }
      requests.push(seen)
      Promise.resolve(handler(seen, response)).catch((cause: unknown) => response.writeHead(500).end(String(cause)))
    })
  }
  const server = createServer({ ...tlsFiles(certificate), ...tls }, listener)
  return listen(server, requests)
}

/** Starts any server on loopback. */
export async function listen(server: Server, requests: SeenRequest[] = []): Promise<LoopbackServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  const { port } = addressOf(server)
  return {
    port,
    url: `https://localhost:${port}`,
    requests,
    connections: () => connections,
    openConnections: () => sockets.size,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A proxy that runs, and the CONNECT requests that it received. */
export interface LoopbackProxy extends AsyncDisposable {
  readonly port: number
  readonly connects: { readonly authority: string; readonly headers: IncomingMessage['headers'] }[]
  close(): Promise<void>
}

/** Starts a proxy (over TLS with `tls`) that CONNECTs every name to 127.0.0.1, or answers with `status` instead. */
export async function startProxy(
  options: { readonly status?: number; readonly tls?: boolean; readonly certificate?: MadeCertificate } = {},
): Promise<LoopbackProxy> {
  const { certificate = serverCertificate() } = options
  const connects: LoopbackProxy['connects'] = []
  const listener: RequestListener = (_request, response) => response.writeHead(405).end()
  const server = options.tls === true ? createServer(tlsFiles(certificate), listener) : createHttpServer(listener)
  const upstreams = new Set<Socket>()
  server.on('connect', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const authority = request.url ?? ''
    connects.push({ authority, headers: request.headers })
    if (options.status !== undefined) {
      socket.end(`HTTP/1.1 ${options.status} No\r\n\r\n`)
      return
    }
    const upstream = connect(Number(authority.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    upstreams.add(upstream)
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
  })
  const { port, close } = await listen(server)
  const closeAll = async (): Promise<void> => {
    for (const upstream of upstreams) upstream.destroy()
    await close()
  }
  return { port, connects, close: closeAll, [Symbol.asyncDispose]: closeAll }
}

function tlsFiles(certificate: MadeCertificate): { key: string | Buffer; cert: string } {
  return { key: certificate.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: certificate.pem }
}

function addressOf(server: Server): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on TCP')
  return address
}
