/** A trust server for the demo: serves one folder of metadata over https on the loopback address. */
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import { createCertificate } from '../testing/certificate-maker.js'

const DAY = 24 * 60 * 60 * 1000

export interface FixtureServer {
  /** `https://localhost:<port>` */
  readonly url: string
  /** PEM of the CA that signed the server's certificate; made for this run. */
  readonly ca: string
  /** From now on the file is served with one character changed. */
  tamperWith(role: string): void
  /** May be called twice. */
  close(): Promise<void>
}

/** Serves `<folder>/<role>.json` of one collection, under plain and consistent names. */
export async function startFixtureServer(gun: string, folder: URL): Promise<FixtureServer> {
  // Not the clock of the demo: TLS is verified against that of the machine.
  const validity = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) }
  const authority = createCertificate({ subject: { cn: 'dct demo CA' }, ca: true, ...validity })
  const { pem, privateKey } = createCertificate({
    subject: { cn: 'localhost' },
    issuer: authority,
    san: ['localhost', '127.0.0.1'],
    ...validity,
  })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const tampered = new Set<string>()
  const prefix = `/v2/${gun}/_trust/tuf/`

  const server = createServer({ cert: pem, key }, (request, response) => {
    const role = request.url?.startsWith(prefix) ? roleOf(request.url.slice(prefix.length)) : undefined
    const answer = (status: number, body: Uint8Array | string) =>
      response.writeHead(status, { 'content-length': body.length }).end(body)
    if (role === undefined) answer(404, '{}')
    else {
      readFile(new URL(`${role}.json`, folder)).then(
        (file) => answer(200, tampered.has(role) ? Buffer.from(file.toString().replace('1234', '4321')) : file),
        () => answer(404, '{}'),
      )
    }
  })
  const port = await listen(server)
  return {
    url: `https://localhost:${port}`,
    ca: authority.pem,
    tamperWith: (role) => tampered.add(role),
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** `targets/releases.<sha256>.json` -> `targets/releases`; undefined for what is no name of metadata. */
function roleOf(path: string): string | undefined {
  const role = path.replace(/\.json$/, '').replace(/\.[0-9a-f]{64}$/, '')
  return /^(?:\d+\.)?[a-z]+(?:\/[a-z]+)*$/.test(role) ? role : undefined
}

function listen(server: Server): Promise<number> {
  return new Promise((done, failed) => {
    server.once('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (typeof address === 'object' && address !== null) done(address.port)
    })
  })
}
