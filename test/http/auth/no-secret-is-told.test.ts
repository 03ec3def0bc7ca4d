/**
 * Plants secrets in every place that can hold one, provokes one failure after the other, and checks that no event, error or
 * output holds a secret.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMemoryStore, TrustError, verifyTag } from '../../../src/index.js'
import { createCertificate } from '../../../src/testing/index.js'
import { runProgram } from '../../cli/program.js'
import {
  type Handler,
  type LoopbackServer,
  serverCertificate,
  startProxy,
  startServer,
  testAuthority,
} from '../../support/loopback-server.js'

const PASSWORD = 'planted-password'
const IDENTITY = 'planted-identity-token'
const REGISTRY_TOKEN = 'planted-registry-token'
const TOKEN = 'planted-bearer-token'
const SIGNED_QUERY = 'planted-signature'
const HELPED = 'planted-helper-secret'
const PROXY = 'planted-proxy-password'
const CLIENT_KEY = createCertificate({
  subject: { cn: 'client' },
  notBefore: new Date(Date.now() - 86_400_000),
  notAfter: new Date(Date.now() + 86_400_000),
})
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

const encoded = (secret: string): string => Buffer.from(`robot:${secret}`).toString('base64')
const PLANTED = [
  'planted',
  ...[PASSWORD, HELPED, PROXY].map(encoded),
  // One line of the key, which every longer excerpt holds too.
  CLIENT_KEY.split('\n')[1] ?? '',
]

const REFERENCE = 'registry.example/team/app:1.0'
let dockerConfig: string
const open: { close(): Promise<void> }[] = []

beforeEach(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-untold-'))
})
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
  await rm(dockerConfig, { recursive: true })
})

async function serve(handler: Handler, names?: readonly string[]): Promise<LoopbackServer> {
  const server = await startServer(handler, names === undefined ? {} : { certificate: serverCertificate({ names }) })
  open.push(server)
  return server
}

interface World {
  readonly server: string
  readonly config?: unknown
  readonly env?: Record<string, string>
}

const withAuth = (entry: object): object => ({ auths: { 'registry.example': entry } })
const withPassword = withAuth({ auth: encoded(PASSWORD) })

/** All texts that the library and the program give out. */
async function told({ server, config = withPassword, env = {} }: World): Promise<{ texts: string[]; code: string }> {
  await writeFile(join(dockerConfig, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config))
  await writeFile(join(dockerConfig, 'ca.pem'), testAuthority.pem)
  const path = `${join(dockerConfig, 'bin')}:/bin:/usr/bin`
  const texts: string[] = []
  const error: unknown = await verifyTag(REFERENCE, {
    env: { PATH: path, ...env },
    disableContentTrust: false,
    server,
    dockerConfig,
    ca: testAuthority.pem,
    store: createMemoryStore(),
    timeout: 5_000,
    onEvent: (event) => texts.push(JSON.stringify(event)),
  }).catch((cause: unknown) => cause)
  if (!(error instanceof TrustError)) throw new Error('not refused', { cause: error })
  texts.push(error.message, error.hint, String(error.stack), JSON.stringify(error), JSON.stringify(error.evidence) ?? '')
  texts.push(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null, maxArrayLength: null }))
  for (const option of ['--verbose', '--json']) {
    const argv = ['verify', option, '--server', server, '--config', dockerConfig, '--tlscacert', join(dockerConfig, 'ca.pem')]
    const { out, err } = await runProgram([...argv, REFERENCE], { env: { PATH: path, ...env }, terminal: true })
    texts.push(out, err)
  }
  return { texts, code: error.code }
}

const bearer = (realm: LoopbackServer): string => `Bearer realm="${realm.url}/token?x=${SIGNED_QUERY}",service="${SIGNED_QUERY}"`
const challenged =
  (challenge: string, then: Handler): Handler =>
  (request, response) =>
    request.headers.authorization === undefined
      ? response.writeHead(401, { 'www-authenticate': challenge }).end()
      : then(request, response)
const refuses: Handler = (_, response) => response.writeHead(401, { 'x-leak': 'planted-in-a-header' }).end('planted in a body')
const gives: Handler = (_, response) => response.end(JSON.stringify({ token: TOKEN }))
const cutsOff: Handler = (request, response) => {
  response.socket?.write(
    `HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"you sent": "${request.headers.authorization} planted"`,
    () => response.socket?.destroy(),
  )
}
const speaksNonsense: Handler = (request, response) => response.socket?.end(`planted ${request.headers.authorization}\r\n\r\n`)

const WORLDS: readonly [title: string, code: string, world: () => Promise<World>][] = [
  [
    'Basic is refused',
    'ERR_UNAUTHORIZED',
    async () => ({ server: (await serve(challenged('Basic realm="planted"', refuses))).url }),
  ],
  [
    'a token is refused',
    'ERR_UNAUTHORIZED',
    async () => ({ server: (await serve(challenged(bearer(await serve(gives)), refuses))).url }),
  ],
  [
    'the token server refuses',
    'ERR_UNAUTHORIZED',
    async () => ({ server: (await serve(challenged(bearer(await serve(refuses)), refuses))).url }),
  ],
  [
    'the token server refuses an identity token',
    'ERR_UNAUTHORIZED',
    async () => ({
      server: (await serve(challenged(bearer(await serve(refuses)), refuses))).url,
      config: withAuth({ identitytoken: IDENTITY }),
    }),
  ],
  [
    'a registry token is refused',
    'ERR_UNAUTHORIZED',
    async () => ({
      server: (await serve(challenged(bearer(await serve(refuses)), refuses))).url,
      config: withAuth({ registrytoken: REGISTRY_TOKEN }),
    }),
  ],
  [
    'a registry token that is not valid',
    'ERR_UNAUTHORIZED',
    async () => ({
      server: (await serve(challenged('Basic realm=x', refuses))).url,
      config: withAuth({ registrytoken: `${REGISTRY_TOKEN}\r\n` }),
    }),
  ],
  [
    'the token server answers with a token that is not valid',
    'ERR_SERVER_RESPONSE',
    async () => {
      const realm = await serve((_, response) => response.end(JSON.stringify({ token: `${TOKEN}\r\n` })))
      return { server: (await serve(challenged(bearer(realm), refuses))).url }
    },
  ],
  [
    'the token server answers something that is not JSON',
    'ERR_SERVER_RESPONSE',
    async () => {
      const realm = await serve((_, response) => response.end(`{"token":${TOKEN}}`))
      return { server: (await serve(challenged(bearer(realm), refuses))).url }
    },
  ],
  [
    'the answer of the token server is not HTTP',
    'ERR_SERVER_RESPONSE',
    async () => ({ server: (await serve(challenged(bearer(await serve(speaksNonsense)), refuses))).url }),
  ],
  [
    'the token server closes the connection',
    'ERR_SERVER_UNREACHABLE',
    async () => ({ server: (await serve(challenged(bearer(await serve(cutsOff)), refuses))).url }),
  ],
  [
    'the token server fails',
    'ERR_SERVER_RESPONSE',
    async () => {
      const realm = await serve((_, response) => response.writeHead(500).end('planted'))
      return { server: (await serve(challenged(bearer(realm), refuses))).url }
    },
  ],
  [
    'the certificate of the token server is not trusted',
    'ERR_TLS',
    async () => ({ server: (await serve(challenged(bearer(await serve(gives, ['other.example'])), refuses))).url }),
  ],
  [
    'the trust server closes the connection after a password',
    'ERR_SERVER_UNREACHABLE',
    async () => ({ server: (await serve(challenged('Basic realm=x', cutsOff))).url }),
  ],
  [
    'the answer of the trust server to a token is not HTTP',
    'ERR_SERVER_RESPONSE',
    async () => ({ server: (await serve(challenged(bearer(await serve(gives)), speaksNonsense))).url }),
  ],
  [
    'the trust server redirects to an http address with a signature',
    'ERR_SERVER_RESPONSE',
    async () => {
      const location = `http://user:${PASSWORD}@elsewhere.example/${SIGNED_QUERY}?sig=${SIGNED_QUERY}`
      return { server: (await serve((_, response) => response.writeHead(302, { location }).end())).url }
    },
  ],
  [
    'the trust server redirects to an address with a signature, which fails',
    'ERR_SERVER_RESPONSE',
    async () => {
      const other = await serve((_, response) => response.writeHead(418).end())
      const location = `${other.url}/x?sig=${SIGNED_QUERY}`
      return { server: (await serve((_, response) => response.writeHead(302, { location }).end())).url }
    },
  ],
  [
    'a credential helper fails and prints the secret',
    'ERR_UNAUTHORIZED',
    async () => {
      await mkdir(join(dockerConfig, 'bin'))
      const helper = join(dockerConfig, 'bin', 'docker-credential-leaky')
      await writeFile(helper, `#!/bin/sh\ncat >/dev/null\necho '${HELPED}'\necho '${HELPED}' >&2\nexit 1\n`)
      await chmod(helper, 0o755)
      return { server: (await serve(challenged('Basic realm=x', refuses))).url, config: { credsStore: 'leaky' } }
    },
  ],
  [
    'the answer of a credential helper is not JSON',
    'ERR_UNAUTHORIZED',
    async () => {
      await mkdir(join(dockerConfig, 'bin'))
      const helper = join(dockerConfig, 'bin', 'docker-credential-leaky')
      await writeFile(helper, `#!/bin/sh\ncat >/dev/null\necho '{"Username":"me","Secret":${HELPED}'\n`)
      await chmod(helper, 0o755)
      return { server: (await serve(challenged('Basic realm=x', refuses))).url, config: { credsStore: 'leaky' } }
    },
  ],
  [
    'config.json is not JSON',
    'ERR_SETTINGS_INVALID',
    async () => ({ server: 'https://localhost:1', config: `{"auths":{"registry.example":{"password":${PASSWORD}}}}` }),
  ],
  [
    'config.json holds something that is not base64 of a name and a password',
    'ERR_SETTINGS_INVALID',
    async () => ({ server: (await serve(challenged('Basic realm=x', refuses))).url, config: withAuth({ auth: PASSWORD }) }),
  ],
  [
    'config.json names a helper with an invalid name',
    'ERR_SETTINGS_INVALID',
    async () => ({ server: (await serve(challenged('Basic realm=x', refuses))).url, config: { credsStore: `/${PASSWORD}` } }),
  ],
  [
    'DOCKER_AUTH_CONFIG has a member that is not allowed',
    'ERR_UNAUTHORIZED',
    async () => ({
      server: (await serve(challenged('Basic realm=x', refuses))).url,
      config: {},
      env: { DOCKER_AUTH_CONFIG: JSON.stringify({ ...withPassword, [PASSWORD]: PASSWORD }) },
    }),
  ],
  [
    'a login in DOCKER_AUTH_CONFIG is refused',
    'ERR_UNAUTHORIZED',
    async () => ({
      server: (await serve(challenged('Basic realm=x', refuses))).url,
      config: {},
      env: { DOCKER_AUTH_CONFIG: JSON.stringify(withPassword) },
    }),
  ],
  [
    'config.json has a login under another spelling of the registry',
    'ERR_UNAUTHORIZED',
    async () => ({
      server: (await serve(challenged('Basic realm=x', refuses))).url,
      config: { auths: { [`https://me:${PASSWORD}@registry.example:443/${PASSWORD}`]: { auth: encoded(PASSWORD) } } },
    }),
  ],
  [
    'the trust server has a password in its address',
    'ERR_SETTINGS_INVALID',
    async () => ({ server: `https://robot:${PASSWORD}@localhost:1` }),
  ],
  [
    'the trust server has a token in its address',
    'ERR_SETTINGS_INVALID',
    async () => ({ server: `https://localhost:1/?token=${TOKEN}` }),
  ],
  [
    'the proxy refuses',
    'ERR_SERVER_UNREACHABLE',
    async () => {
      const proxy = await startProxy({ status: 407 })
      open.push(proxy)
      return { server: 'https://trust.invalid', env: { HTTPS_PROXY: `http://robot:${PROXY}@127.0.0.1:${proxy.port}` } }
    },
  ],
  [
    'the proxy cannot be reached',
    'ERR_SERVER_UNREACHABLE',
    async () => ({ server: 'https://trust.invalid', env: { HTTPS_PROXY: `http://robot:${PROXY}@127.0.0.1:1` } }),
  ],
  [
    'the address of the proxy is not valid',
    'ERR_SETTINGS_INVALID',
    async () => ({ server: 'https://trust.invalid', env: { HTTPS_PROXY: `socks5://robot:${PROXY}@127.0.0.1:1` } }),
  ],
  [
    'the client key does not belong to its certificate',
    'ERR_SETTINGS_INVALID',
    async () => {
      const folder = join(dockerConfig, 'tls', 'localhost:1')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'x.cert'), testAuthority.pem)
      await writeFile(join(folder, 'x.key'), CLIENT_KEY)
      return { server: 'https://localhost:1' }
    },
  ],
]

test.each(WORLDS)('%s: %s', async (_, code, world) => {
  const { texts, code: seen } = await told(await world())
  expect(seen).toBe(code)
  for (const text of texts) for (const secret of PLANTED) expect(text).not.toContain(secret)
})
