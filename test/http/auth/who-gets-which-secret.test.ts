/** Records everything that each server and proxy receives, and searches it for every secret. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Credentials, givenCredentials } from '../../../src/credentials/credentials.js'
import { createCertificate } from '../../../src/testing/index.js'
import { createHttpTransport } from '../../../src/trust-server/http-transport.js'
import { parseServer } from '../../../src/trust-server/notary-url.js'
import {
  type LoopbackServer,
  type SeenRequest,
  serverCertificate,
  startProxy,
  startServer,
  testAuthority,
} from '../../support/loopback-server.js'

const REGISTRY = 'registry.example'
const password = (secret: string): Credentials => ({ username: `user-${secret}`, password: secret })

/** All secrets; each occurs in no other text. */
const SECRETS = {
  'password of the registry': 'secret-registry-2f7c',
  'password of the trust server': 'secret-server-91ab',
  'password of docker.io': 'secret-hub-5d0e',
  'password of the token server': 'secret-realm-c3f8',
  'password of the host redirected to': 'secret-elsewhere-77d1',
  'password of another registry': 'secret-other-registry-0b42',
  'password of the proxy': 'secret-proxy-e6a9',
  'identity token': 'secret-identity-48bb',
  'registry token': 'secret-registry-token-1c9d',
  'anonymous token': 'secret-token-anonymous-6e21',
  'token for the user': 'secret-token-user-a85f',
} as const
type Secret = keyof typeof SECRETS | 'client certificate'

interface Row {
  readonly title: string
  readonly gun?: string
  /** The name of the trust server; default `trust.example`. */
  readonly trust?: string
  /** The name of the token server; default `auth.example`. */
  readonly realm?: string
  readonly entries?: Readonly<Record<string, Credentials>>
  readonly challenge?: 'bearer' | 'basic' | 'http-realm'
  /** The token server gives anonymous tokens. */
  readonly open?: true
  /** The server that redirects requests with an Authorization header, and POST requests, to another host. */
  readonly redirects?: 'trust' | 'realm'
  readonly mapped?: true
  readonly proxied?: true
  readonly clientCertificate?: true
  /** The client trusts no CA. */
  readonly trustsNoCa?: true
  /** The secrets that each host must receive; it must receive no others. */
  readonly gets: Partial<Record<'trust' | 'realm' | 'elsewhere' | 'proxy', readonly Secret[]>>
}

const registryEntry = { [REGISTRY]: password(SECRETS['password of the registry']) }
const hubEntry = { 'docker.io': password(SECRETS['password of docker.io']) }
const hub = { gun: 'docker.io/library/alpine', entries: hubEntry }
const elsewhereEntry = { 'elsewhere.example': password(SECRETS['password of the host redirected to']) }

const ROWS: readonly Row[] = [
  { title: 'an anonymous token is enough', entries: registryEntry, open: true, gets: { trust: ['anonymous token'] } },
  {
    title: 'a token for the password of the registry',
    entries: registryEntry,
    gets: { realm: ['password of the registry'], trust: ['token for the user'] },
  },
  {
    title: 'the entry of the trust server is used before that of the registry',
    entries: { ...registryEntry, TRUST: password(SECRETS['password of the trust server']) },
    gets: { realm: ['password of the trust server'], trust: ['token for the user'] },
  },
  {
    title: 'entries of the token server, the host redirected to and another registry',
    entries: {
      'auth.example': password(SECRETS['password of the token server']),
      'other.example': password(SECRETS['password of another registry']),
      ...elsewhereEntry,
    },
    gets: {},
  },
  { title: 'Basic', entries: registryEntry, challenge: 'basic', gets: { trust: ['password of the registry'] } },
  {
    title: 'an identity token',
    entries: { [REGISTRY]: { identityToken: SECRETS['identity token'] } },
    gets: { realm: ['identity token'], trust: ['token for the user'] },
  },
  {
    title: 'an identity token and a Basic challenge',
    entries: { [REGISTRY]: { identityToken: SECRETS['identity token'] } },
    challenge: 'basic',
    gets: {},
  },
  {
    title: 'a registry token',
    entries: { [REGISTRY]: { registryToken: SECRETS['registry token'] } },
    gets: { trust: ['registry token'] },
  },
  {
    title: 'a token server with an http address [HTTP-44]',
    entries: registryEntry,
    challenge: 'http-realm',
    gets: {},
  },
  {
    title: 'a trust server that redirects requests with a token',
    entries: { ...registryEntry, ...elsewhereEntry },
    redirects: 'trust',
    gets: { realm: ['password of the registry'], trust: ['token for the user'] },
  },
  {
    title: 'a trust server that redirects requests with a password',
    entries: { ...registryEntry, ...elsewhereEntry },
    challenge: 'basic',
    redirects: 'trust',
    gets: { trust: ['password of the registry'] },
  },
  {
    title: 'a token server that redirects requests with a password',
    entries: { ...registryEntry, ...elsewhereEntry },
    redirects: 'realm',
    gets: { realm: ['password of the registry'] },
  },
  {
    title: 'a token server that redirects requests with an identity token',
    entries: { [REGISTRY]: { identityToken: SECRETS['identity token'] } },
    redirects: 'realm',
    gets: { realm: ['identity token'] },
  },
  {
    title: 'docker.io, its trust server and its token server',
    ...hub,
    trust: 'notary.docker.io',
    realm: 'auth.docker.io',
    gets: { realm: ['password of docker.io'], trust: ['token for the user'] },
  },
  { title: 'docker.io at another trust server', ...hub, gets: {} },
  { title: 'docker.io at another trust server that names its token server', ...hub, realm: 'auth.docker.io', gets: {} },
  { title: 'docker.io, and a token server of another domain', ...hub, trust: 'notary.docker.io', gets: {} },
  { title: 'docker.io by Basic at another trust server', ...hub, challenge: 'basic', gets: {} },
  {
    title: 'docker.io at the trust server that it is mapped to',
    ...hub,
    mapped: true,
    gets: { realm: ['password of docker.io'], trust: ['token for the user'] },
  },
  {
    title: 'a proxy with a password of its own',
    entries: registryEntry,
    proxied: true,
    gets: { proxy: ['password of the proxy'], realm: ['password of the registry'], trust: ['token for the user'] },
  },
  {
    title: 'a proxy, and docker.io at another trust server',
    ...hub,
    proxied: true,
    gets: { proxy: ['password of the proxy'] },
  },
  {
    title: 'a client certificate',
    entries: registryEntry,
    clientCertificate: true,
    gets: { realm: ['password of the registry'], trust: ['client certificate', 'token for the user'] },
  },
  {
    title: 'a client certificate, and a redirect',
    entries: registryEntry,
    clientCertificate: true,
    redirects: 'trust',
    challenge: 'basic',
    gets: { trust: ['client certificate', 'password of the registry'] },
  },
  {
    title: 'a trust server whose certificate is not trusted',
    entries: registryEntry,
    clientCertificate: true,
    challenge: 'basic',
    trustsNoCa: true,
    gets: {},
  },
]

let dockerConfig: string
const open: { close(): Promise<void> }[] = []

beforeEach(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-secrets-'))
})
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
  await rm(dockerConfig, { recursive: true })
})

const validity = { notBefore: new Date(Date.now() - 86_400_000), notAfter: new Date(Date.now() + 86_400_000) }
const client = createCertificate({
  subject: { cn: 'client' },
  issuer: testAuthority,
  ...validity,
  extendedKeyUsage: ['clientAuth'],
})

/** A server, and the list of everything that it received. */
async function recorded(
  name: string,
  answer: (request: SeenRequest, response: ServerResponse) => unknown,
): Promise<{ server: LoopbackServer; received: string[] }> {
  const received: string[] = []
  const certificate = serverCertificate({ names: [name] })
  const mutual = { requestCert: true, rejectUnauthorized: false, ca: testAuthority.pem }
  const server = await startServer(
    (request, response) => {
      const shown = response.socket instanceof TLSSocket ? response.socket.getPeerCertificate() : undefined
      if (shown !== undefined && Object.keys(shown).length > 0) received.push('client certificate')
      received.push(JSON.stringify(request))
      return answer(request, response)
    },
    { certificate, ...mutual },
  )
  open.push(server)
  return { server, received }
}

/** The secrets in the texts, also those in Basic credentials and form fields. */
function secretsIn(texts: readonly string[]): Secret[] {
  const all = texts.join('\n')
  const decoded = [...all.matchAll(/[A-Za-z0-9+/]{8,}=*/g)].map(([one]) => Buffer.from(one, 'base64').toString('latin1'))
  const searched = [all, decodeURIComponent(all.replace(/%(?![0-9a-f]{2})/gi, '%25')), ...decoded].join('\n')
  const found: Secret[] = (Object.keys(SECRETS) as (keyof typeof SECRETS)[]).filter((name) => searched.includes(SECRETS[name]))
  return texts.includes('client certificate') ? ['client certificate', ...found] : found
}

/** Sends the requests of a row, and returns the secrets that each host received. */
async function play(row: Row): Promise<Record<string, Secret[]>> {
  const { gun = `${REGISTRY}/team/app`, trust = 'trust.example', realm = 'auth.example', entries = {} } = row
  const elsewhere = await recorded('elsewhere.example', (_, response) =>
    response.writeHead(401, { 'www-authenticate': 'Basic realm="give"' }).end(),
  )
  const away = `https://elsewhere.example:${elsewhere.server.port}/x`
  const hasSecret = ({ headers, method }: SeenRequest): boolean => headers.authorization !== undefined || method === 'POST'
  const token = await recorded(realm, (request, response) => {
    if (hasSecret(request) && row.redirects === 'realm') return response.writeHead(307, { location: away }).end()
    if (!hasSecret(request) && row.open !== true) return response.writeHead(401).end()
    return response.end(JSON.stringify({ token: SECRETS[hasSecret(request) ? 'token for the user' : 'anonymous token'] }))
  })
  const bearer = `Bearer realm="${row.challenge === 'http-realm' ? 'http' : 'https'}://${realm}:${token.server.port}/token",service=x`
  const trusted = await recorded(trust, (request, response) => {
    if (!hasSecret(request))
      return response.writeHead(401, { 'www-authenticate': row.challenge === 'basic' ? 'Basic realm=x' : bearer }).end()
    return row.redirects === 'trust' ? response.writeHead(302, { location: away }).end() : response.end('{}')
  })
  const proxy = await startProxy()
  open.push(proxy)
  const host = `${trust}:${trusted.server.port}`
  if (row.clientCertificate) {
    const folder = join(dockerConfig, 'tls', host)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'x.cert'), client.pem)
    await writeFile(join(folder, 'x.key'), client.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  }
  const known = Object.fromEntries(Object.entries(entries).map(([key, value]) => [key === 'TRUST' ? host : key, value]))
  const lookup: LookupFunction = (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])
  const transport = createHttpTransport({
    server: parseServer(`https://${host}`),
    dockerConfig,
    env: row.proxied ? { HTTPS_PROXY: `http://me:${SECRETS['password of the proxy']}@127.0.0.1:${proxy.port}` } : {},
    ca: row.trustsNoCa ? [] : testAuthority.pem,
    credentials: givenCredentials((key) => known[key]),
    serverIsMappedForDockerIo: row.mapped ?? false,
    lookup,
  })
  open.push(transport)
  const request = { gun, name: 'timestamp', maxBytes: 100, signal: new AbortController().signal }
  await transport.fetchMetadata(request).catch(() => undefined)
  const seen = {
    trust: secretsIn(trusted.received),
    realm: secretsIn(token.received),
    elsewhere: secretsIn(elsewhere.received),
    proxy: secretsIn(proxy.connects.map((connect) => JSON.stringify(connect))),
  }
  if (row.redirects === 'trust') expect(elsewhere.received.length, 'the redirect was followed').toBeGreaterThan(0)
  return Object.fromEntries(Object.entries(seen).filter(([, secrets]) => secrets.length > 0))
}

test.each(ROWS.map((row) => [row.title, row] as const))('%s', async (_, row) => {
  expect(await play(row)).toEqual(row.gets)
})

test('the search finds a secret in every form in which it could be sent', () => {
  const secret = SECRETS['password of the registry']
  const forms = [
    secret,
    `Basic ${Buffer.from(`me:${secret}`).toString('base64')}`,
    `a=${[...secret].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('')}`,
  ]
  for (const form of forms) expect(secretsIn([form])).toEqual(['password of the registry'])
})
