/** The service through its sockets, with a trust server and registries of this process, and a clock that a test moves. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, request } from 'node:http'
import { request as requestTls } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openService, type ServiceConfiguration } from '../../src/service/run-service.js'
import type { LogLine, Service } from '../../src/service/service.js'
import {
  createCertificate,
  createClock,
  createTrustCollection,
  startTrustServer,
  type TestTrustServer,
  type TrustCollection,
} from '../../src/testing/index.js'
import { type Handler, type LoopbackServer, serverCertificate, startServer, testAuthority } from '../support/loopback-server.js'

const IMAGE = Buffer.from('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[]}')
const DIGEST = `sha256:${createHash('sha256').update(IMAGE).digest('hex')}`
const SECRET = 'correct-horse-battery-staple'

let folder: string
let trust: TestTrustServer
let registry: LoopbackServer
let serves: Handler
let collection: TrustCollection
let clock: ReturnType<typeof createClock>
let lines: LogLine[]
let service: Service | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-service-'))
  clock = createClock()
  lines = []
  serves = (_, response) => void response.end(IMAGE)
  registry = await startServer((seen, response) => serves(seen, response))
  collection = createTrustCollection(`localhost:${registry.port}/team/app`, {
    tags: { '1.0': { digest: DIGEST, size: IMAGE.length } },
  }).publish()
  trust = await startTrustServer({ collections: [collection] })
})
afterEach(async () => {
  await service?.close()
  service = undefined
  await trust.close()
  await registry.close()
  await rm(folder, { recursive: true })
})

const ACCEPTING = 'version: 1\nrules: []\ndefault: { firstUse: accept }\n'

async function start(policy = ACCEPTING, more: Partial<ServiceConfiguration> = {}): Promise<Service> {
  const file = join(folder, 'policy.yaml')
  await writeFile(file, policy)
  service = await openService({
    listen: { host: '127.0.0.1', port: 0 },
    metricsListen: { host: '127.0.0.1', port: 0 },
    policy: file,
    registries: [`localhost:${registry.port}`],
    sharedCredentials: [],
    client: { env: trust.env, now: clock.now, ca: [testAuthority.pem, trust.ca] },
    version: '1.2.3',
    log: (line) => lines.push(line),
    ...more,
  })
  return service
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function ask(path: string, options: { method?: string; headers?: Record<string, string>; body?: string; port?: number } = {}) {
  const { method = 'GET', headers = {}, body, port = service?.port ?? 0 } = options
  return new Promise<Answer>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      )
    })
    sent.on('error', reject).end(body)
  })
}
const manifest = (tag = '1.0', more = {}) => ask(`/v2/team/app/manifests/${tag}?ns=localhost%3A${registry.port}`, more)
const codeOf = (answer: Answer): string => {
  const [error] = JSON.parse(answer.body).errors
  return `${answer.status} ${error.detail?.code ?? error.code}`
}
const verify = (body: string, headers = { 'content-type': 'application/json' }) =>
  ask('/verify', { method: 'POST', headers, body })

test('answers GET and HEAD as a registry does', async () => {
  await start()
  const headers = {
    'content-type': 'application/vnd.oci.image.manifest.v1+json',
    'docker-content-digest': DIGEST,
    'content-length': String(IMAGE.length),
  }
  expect(await manifest()).toMatchObject({ status: 200, body: IMAGE.toString(), headers })
  expect(await manifest('1.0', { method: 'HEAD' })).toMatchObject({ status: 200, body: '', headers })
  expect(await ask('/v2/')).toMatchObject({ status: 200 })
  expect(await ask(`/v2/localhost_${registry.port}/team/app/manifests/1.0`)).toMatchObject({ status: 200 })
  expect(registry.requests.length).toBe(1)
})

test.each<[string, Handler, string]>([
  ['other bytes', (_, response) => void response.end(IMAGE.toString().replace('2', '3')), '403 ERR_HASH_MISMATCH'],
  ['more bytes', (_, response) => void response.end(`${IMAGE.toString()} `), '403 ERR_METADATA_TOO_LARGE'],
  ['fewer bytes', (_, response) => void response.end(IMAGE.subarray(1)), '403 ERR_HASH_MISMATCH'],
  ['nothing', (_, response) => void response.writeHead(404).end(), '404 MANIFEST_UNKNOWN'],
  ['a fault', (_, response) => void response.writeHead(500).end(), '503 ERR_SERVER_RESPONSE'],
])('a registry that has %s for the signed digest', async (_, handler, expected) => {
  serves = handler
  await start()
  expect(codeOf(await manifest())).toBe(expected)
})

test('a registry that lies about the media type and the digest in its headers changes nothing', async () => {
  serves = (_, response) => {
    response.writeHead(200, {
      'content-type': 'application/vnd.docker.distribution.manifest.list.v2+json',
      'docker-content-digest': `sha256:${'0'.repeat(64)}`,
    })
    response.end(IMAGE)
  }
  await start()
  expect((await manifest()).headers).toMatchObject({
    'content-type': 'application/vnd.oci.image.manifest.v1+json',
    'docker-content-digest': DIGEST,
  })
})

test('without the trust server the last answer counts until it expires', async () => {
  await start()
  expect((await manifest()).status).toBe(200)
  trust.faults.set('*', 'unreachable')
  expect((await manifest()).status).toBe(200)
  expect(lines.at(-1)).toMatchObject({ decision: 'trusted', freshness: 'stale', warnings: ['WARN_STALE_TIMESTAMP'] })
  clock.advance({ days: 15 })
  expect(codeOf(await manifest())).toBe('403 ERR_METADATA_EXPIRED')
  expect((await ask('/readyz')).status).toBe(200)
})

test('without the trust server an unknown collection is 503, with a time to try again', async () => {
  trust.faults.set('*', 'unreachable')
  await start()
  const answer = await manifest()
  expect(codeOf(answer)).toBe('503 ERR_SERVER_UNREACHABLE')
  expect(answer.headers['retry-after']).toBe('1')
})

test('a collection is refused on first use unless a rule accepts it, however often it is asked for', async () => {
  await start('version: 1\nrules: []\ndefault: { action: enforce }\n')
  for (const _ of [1, 2, 3]) expect(codeOf(await manifest())).toBe('403 ERR_ROOT_UNTRUSTED')
})

test('the actions of a policy: deny asks nobody, warn and skip let the tag of the registry through', async () => {
  const at = `localhost:${registry.port}/team`
  collection.publish()
  serves = ({ url }, response) => {
    if (url.includes('/missing')) return response.writeHead(404).end()
    return response.setHeader('docker-content-digest', DIGEST).end(IMAGE)
  }
  await start(`
version: 1
default: { action: deny }
rules:
  - { match: '${at}/app:1.*', action: warn, firstUse: accept }
  - { match: '${at}/app:unsigned', action: warn, firstUse: accept }
  - { match: '${at}/app:skipped', action: skip }
  - { match: '${at}/app:missing', action: skip }
`)
  expect(codeOf(await manifest('other'))).toBe('403 ERR_POLICY_DENIED')
  expect([trust.requests, registry.requests]).toEqual([[], []])
  expect((await manifest('1.0')).status).toBe(200)
  expect(lines.at(-1)).toMatchObject({ decision: 'trusted' })
  expect((await manifest('unsigned')).headers['docker-content-digest']).toBe(DIGEST)
  expect(lines.at(-1)).toMatchObject({ decision: 'permitted', code: 'ERR_TAG_NOT_SIGNED', policy: { action: 'warn' } })
  expect((await manifest('skipped')).status).toBe(200)
  expect(lines.at(-1)).toMatchObject({ decision: 'skipped' })
  expect(codeOf(await manifest('missing'))).toBe('404 MANIFEST_UNKNOWN')
})

test('a rule that requires signers is applied', async () => {
  await start('version: 1\nrules: []\ndefault: { firstUse: accept, requireSigners: { all: [alice] } }\n')
  expect(codeOf(await manifest())).toBe('403 ERR_SIGNER_MISSING')
})

test.each([
  ['no default', 'version: 1\nrules: []\n'],
  ['maxAge', 'version: 1\nrules: []\ndefault: { maxAge: 1000 }\n'],
  ['mirrors', 'version: 1\nrules: []\ndefault: {}\nmirrors: { mirror.example: docker.io }\n'],
  ['knownRegistries', 'version: 1\nrules: []\ndefault: {}\nknownRegistries: false\n'],
  ['no YAML', '{'],
])('does not start with a policy that it cannot apply in full: %s', async (_, policy) => {
  await expect(start(policy)).rejects.toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
})

test('does not listen beyond this machine without TLS', async () => {
  await expect(start(ACCEPTING, { listen: { host: '0.0.0.0', port: 0 } })).rejects.toMatchObject({
    code: 'ERR_SETTINGS_INVALID',
  })
})

test('contacts no host that its configuration does not name', async () => {
  const other = await startServer((_, response) => void response.end(IMAGE))
  try {
    const { DOCKER_CONTENT_TRUST_SERVER: _, ...env } = trust.env
    await start(ACCEPTING, { client: { env, now: clock.now, ca: [testAuthority.pem] } })
    const named = `localhost:${other.port}/team/app:1.0`
    expect((await ask(`/v2/team/app/manifests/1.0?ns=localhost%3A${other.port}`)).status).toBe(403)
    const [result] = JSON.parse((await verify(JSON.stringify({ references: [named] }))).body).results
    expect(result).toMatchObject({ status: 'failed', error: { code: 'ERR_SETTINGS_INVALID' } })
    expect(other.connections()).toBe(0)
  } finally {
    await other.close()
  }
})

test('POST /verify answers for each reference in its order', async () => {
  await start()
  const at = `localhost:${registry.port}/team/app`
  const references = [`${at}:1.0`, 'not a reference', `${at}:2.0`, `${at}@${DIGEST}`, `${at}:1.0`]
  const answer = await verify(JSON.stringify({ references }))
  const results: { status: string; reference: string; digest?: string; error?: { code: string } }[] = JSON.parse(
    answer.body,
  ).results
  expect(results.map(({ reference }) => reference)).toEqual(references)
  expect(results.map(({ status, error }) => error?.code ?? status)).toEqual([
    'trusted',
    'ERR_REFERENCE_INVALID',
    'ERR_TAG_NOT_SIGNED',
    'trusted-digest',
    'trusted',
  ])
  expect(results[0]).toMatchObject({ digest: DIGEST, policy: { match: 'default', action: 'enforce' } })
  expect(registry.requests).toEqual([])
})

test.each([
  ['no JSON', '{', {}, 400],
  ['no object', '[]', {}, 400],
  ['another member', '{"references":[],"policy":"x"}', {}, 400],
  ['a number', '{"references":[1]}', {}, 400],
  ['too many', JSON.stringify({ references: Array(101).fill('a') }), {}, 400],
  ['a form', 'references=a', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['a long body', JSON.stringify({ references: ['a'.repeat(200_000)] }), {}, 413],
  [
    'a long body of unknown length',
    JSON.stringify({ references: ['a'.repeat(200_000)] }),
    { 'transfer-encoding': 'chunked' },
    413,
  ],
])('POST /verify refuses %s', async (_, body, headers, status) => {
  await start()
  expect((await verify(body, { 'content-type': 'application/json', ...headers })).status).toBe(status)
  expect(lines).toEqual([])
})

test.each([
  ['POST', '/v2/team/app/manifests/1.0?ns=r.example', 405],
  ['PUT', '/v2/', 405],
  ['GET', '/verify', 405],
  ['GET', '/v2/team/app/blobs/sha256:00?ns=r.example', 404],
  ['GET', '/v2/team/app/manifests/1.0', 400],
  ['GET', '/v2/team/app/manifests/1.0?ns=a.example&ns=a.example', 400],
  ['GET', '/', 404],
  ['GET', '/livez', 200],
])('%s %s is %i', async (method, path, status) => {
  await start()
  expect((await ask(path, { method })).status).toBe(status)
})

test('the Host header decides nothing', async () => {
  await start()
  expect((await manifest('1.0', { headers: { host: 'evil.example' } })).status).toBe(200)
  expect((await ask('/v2/team/app/manifests/1.0', { headers: { host: `localhost:${registry.port}` } })).status).toBe(400)
})

test('a client without a certificate does not get what only the credentials of the service open', async () => {
  serves = ({ headers }, response) =>
    headers.authorization === undefined
      ? response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      : response.end(IMAGE)
  const credentials = { username: 'robot', password: SECRET }
  const client = { env: trust.env, now: clock.now, ca: [testAuthority.pem, trust.ca], credentials }
  const host = `localhost:${registry.port}`
  await start(ACCEPTING, { client, sharedCredentials: [host] })
  expect((await manifest()).status).toBe(200)
  await service?.close()
  await start(ACCEPTING, { client })
  expect(codeOf(await manifest())).toBe('503 ERR_UNAUTHORIZED')
  const sent = registry.requests.length
  expect((await manifest('1.0', { headers: { authorization: `Bearer ${SECRET}` } })).status).toBe(503)
  expect(registry.requests.slice(sent).map(({ headers }) => headers.authorization)).toEqual([undefined])
  const metrics = await ask('/metrics', { port: service?.metricsPort ?? 0 })
  expect(`${JSON.stringify(lines)}${metrics.body}`).not.toContain(SECRET)
})

test('over TLS a client certificate opens the credentials of the service, and a stranger’s does not', async () => {
  serves = ({ headers }, response) =>
    headers.authorization === undefined
      ? response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      : response.end(IMAGE)
  const own = serverCertificate()
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key'), clientCa: join(folder, 'ca.crt') }
  const keyOf = ({ privateKey }: typeof own): string => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await writeFile(files.cert, own.pem)
  await writeFile(files.key, keyOf(own))
  await writeFile(files.clientCa, testAuthority.pem)
  const credentials = { username: 'robot', password: SECRET }
  await start(ACCEPTING, {
    listen: { host: '127.0.0.1', port: 0, tls: files },
    client: { env: trust.env, now: clock.now, ca: [testAuthority.pem, trust.ca], credentials },
  })
  const path = `/v2/team/app/manifests/1.0?ns=localhost%3A${registry.port}`
  const askTls = (tls: object): Promise<{ status: number; serial: string }> =>
    new Promise((resolve, reject) => {
      const options = { host: 'localhost', port: service?.port, path, agent: false, ca: testAuthority.pem, ...tls }
      const sent = requestTls(options, (response) => {
        const serial = 'getPeerCertificate' in response.socket ? Object(response.socket).getPeerCertificate().serialNumber : ''
        response.resume().on('end', () => resolve({ status: response.statusCode ?? 0, serial }))
      })
      sent.on('error', reject).end()
    })
  const now = Date.now()
  const span = { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + 3_600_000) }
  const client = createCertificate({ subject: { cn: 'node' }, issuer: testAuthority, extendedKeyUsage: ['clientAuth'], ...span })
  const stranger = createCertificate({ subject: { cn: 'node' }, ...span })
  expect((await askTls({})).status).toBe(503)
  expect((await askTls({ cert: stranger.pem, key: keyOf(stranger) })).status).toBe(503)
  const first = await askTls({ cert: client.pem, key: keyOf(client) })
  expect(first.status).toBe(200)
  // What the certificate opened is not for the others.
  expect((await askTls({})).status).toBe(503)
  const renewed = serverCertificate()
  await writeFile(files.cert, renewed.pem)
  await service?.reload()
  expect(lines.at(-1)).toMatchObject({ event: 'reload-failed', what: 'certificates' })
  expect((await askTls({})).serial).toBe(first.serial)
  await writeFile(files.key, keyOf(renewed))
  await service?.reload()
  expect((await askTls({})).serial).not.toBe(first.serial)
})

test('a changed policy counts after a reload, and a broken one leaves the old', async () => {
  await start()
  expect((await manifest()).status).toBe(200)
  await writeFile(join(folder, 'policy.yaml'), 'version: 1\nrules: []\ndefault: { action: deny }\n')
  await service?.reload()
  expect(codeOf(await manifest())).toBe('403 ERR_POLICY_DENIED')
  await writeFile(join(folder, 'policy.yaml'), 'version: 1\nrules: []\n')
  await service?.reload()
  expect(lines.at(-1)).toMatchObject({ event: 'reload-failed', what: 'policy' })
  expect(codeOf(await manifest())).toBe('403 ERR_POLICY_DENIED')
  expect((await ask('/metrics', { port: service?.metricsPort ?? 0 })).body).toContain(
    'dct_reload_failures_total{what="policy"} 1',
  )
})

test('fifty requests at once cost one manifest and few questions', async () => {
  await start()
  const answers = await Promise.all(Array.from({ length: 50 }, () => manifest()))
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
  expect(registry.requests.length).toBe(1)
  expect(trust.requests.length).toBeLessThan(50)
})

test('metrics are in the text format, without a tag or digest in a label', async () => {
  await start()
  await manifest()
  await manifest('2.0')
  const { body, headers } = await ask('/metrics', { port: service?.metricsPort ?? 0 })
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  const line = /^(?:# (?:HELP|TYPE) \S+ .+|[a-z_]+(?:\{[a-z]+="[^"\n]*"(?:,[a-z]+="[^"\n]*")*\})? [0-9.e+-]+)$/
  expect(body.split('\n').filter((text) => text !== '' && !line.test(text))).toEqual([])
  expect(body).toContain('dct_verifications_total{result="trusted",code=""} 1')
  expect(body).toContain('dct_verifications_total{result="untrusted",code="ERR_TAG_NOT_SIGNED"} 1')
  expect(body).toContain('dct_http_requests_total{route="manifest",status="403"} 1')
  expect(body).toContain('dct_build_info{version="1.2.3"} 1')
  expect(body).not.toMatch(/sha256|1\.0"/)
  expect((await ask('/metrics')).status).toBe(404)
})

test('a client that sends half a request does not keep the service from stopping', async () => {
  const { port, close } = await start()
  const socket = connect(port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  const ended = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve))
  const started = performance.now()
  await close()
  await ended
  expect(performance.now() - started).toBeLessThan(5_000)
})
