/** A token endpoint, as registries have it, for a notary-server with token authentication. */
import { createPrivateKey, randomUUID, sign, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:https'
import { makeSignerKey, type ServerCertificates } from './certificates.js'
import type { TokenAuth } from './notary-server.js'

export interface TokenRequest {
  readonly method: string
  /** Path and query of the request. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface TokenServerOptions {
  /** The certificate of the endpoint itself. */
  readonly certificates: ServerCertificates
  /** The folder for the token signer's key and certificate. */
  readonly folder: string
  /** Decides which actions a user gets on the requested collection; by default everyone gets all. An empty result is a 401. */
  readonly allow?: (asked: TokenRequest) => readonly string[]
}

export interface TokenServer extends AsyncDisposable {
  /** The `auth` option for `startNotaryServer`. */
  readonly auth: TokenAuth
  readonly requests: readonly TokenRequest[]
  stop(): Promise<void>
}

const service = 'notary.lab'
const issuer = 'Laboratory tokens'
// '*' is for actions of an owner: rotating the server's keys, deleting.
const everything = ['pull', 'push', '*']

export async function startTokenServer({ certificates, folder, allow }: TokenServerOptions): Promise<TokenServer> {
  const signer = await makeSignerKey(folder, 'token-signer')
  const key = createPrivateKey(await readFile(signer.key))
  const x5c = [new X509Certificate(await readFile(signer.cert)).raw.toString('base64')]
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const makeToken = (access: readonly object[]): string => {
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: issuer, sub: 'lab', aud: service, exp: now + 300, nbf: now - 60, iat: now, jti: randomUUID(), access }
    const text = `${encode({ typ: 'JWT', alg: 'ES256', x5c })}.${encode(claims)}`
    return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
  const requests: TokenRequest[] = []
  const server = createServer({ cert: await readFile(certificates.cert), key: await readFile(certificates.key) })
  server.on('request', (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const asked = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
      requests.push(asked)
      const actions = allow === undefined ? everything : allow(asked)
      response.statusCode = actions.length === 0 ? 401 : 200
      response.setHeader('content-type', 'application/json')
      const token = makeToken(scopesOf(asked).map(({ type, name }) => ({ type, name, actions })))
      response.end(actions.length === 0 ? '{}' : JSON.stringify({ token, access_token: token, expires_in: 300 }))
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  server.unref()
  const bound = server.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0
  const stop = (): Promise<void> => {
    server.closeAllConnections()
    return new Promise((resolve) => void server.close(() => resolve()))
  }
  const auth = { realm: `https://localhost:${port}/token`, service, issuer, rootCertBundle: signer.cert }
  return { auth, requests, stop, [Symbol.asyncDispose]: stop }
}

/** The scopes of the query (GET) or the form (POST): type:name:actions, where a name may contain colons. */
function scopesOf({ url, body }: TokenRequest): { type: string; name: string }[] {
  const query = new URL(url, 'https://localhost').searchParams
  return [...query.getAll('scope'), ...new URLSearchParams(body).getAll('scope')].flatMap((scope) => {
    const match = /^([^:]+):(.+):[^:]*$/.exec(scope)
    return match === null ? [] : [{ type: match[1] ?? '', name: match[2] ?? '' }]
  })
}
