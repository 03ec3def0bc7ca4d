/** The server of docs/guides/admission-control.md, called over https as an API server does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCertificate, createTrustCollection, startTrustServer, type TestTrustServer } from '../../../src/testing/index.js'
import { createPlace } from '../world.js'
import { objectOf, patchOf, request, running } from './requests.js'
import { APP, loadWebhook, SIGNED } from './webhook.js'

const HOUR = 3_600_000
const MEBIBYTE = 1024 * 1024

const now = new Date(Date.now() - HOUR)
const app = createTrustCollection(APP, { now, tags: { '1.0': 'the image' } }).publish()
const unpinned = createTrustCollection('registry.example/unpinned', { now, tags: { '1.0': 'x' } }).publish()
const certificate = createCertificate({
  subject: { cn: 'dct.dct.svc' },
  san: ['localhost'],
  notBefore: new Date(Date.now() - HOUR),
  notAfter: new Date(Date.now() + HOUR),
})

let place: string
let trust: TestTrustServer
/** A trust server that the author of a Pod runs, on the registry that the image names. */
let foreign: TestTrustServer
let webhook: ChildProcess
let port: number
beforeAll(async () => {
  place = await createPlace()
  await loadWebhook(place)
  trust = await startTrustServer({ collections: [app, unpinned] })
  const image = (await freePort()).toString()
  const theirs = createTrustCollection(`localhost:${image}/app`, { now, tags: { '1.0': 'malware' } }).publish()
  foreign = await startTrustServer({ collections: [theirs], port: Number(image) })
  for (const folder of ['config', 'tls']) await mkdir(join(place, folder))
  const certs = { [APP]: app.keys('root').map(({ id }) => id) }
  await writeFile(join(place, 'config/pins.json'), JSON.stringify({ certs, disable_tofu: false }))
  await writeFile(join(place, 'tls/tls.key'), certificate.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  await writeFile(join(place, 'tls/tls.crt'), certificate.pem)
  await writeFile(join(place, 'foreign.crt'), foreign.ca)
  port = await freePort()
  // Content trust is switched off here: the webhook must verify in spite of it.
  const env = { ...trust.env, DOCKER_CONTENT_TRUST: '0', NODE_EXTRA_CA_CERTS: join(place, 'foreign.crt') }
  webhook = start(env)
  if (webhook.stdout !== null) await once(webhook.stdout, 'data')
}, 30_000)
afterAll(async () => {
  webhook.kill()
  for (const server of [trust, foreign]) await server.close()
  await rm(place, { recursive: true })
})

function start(env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, ['serve.js', String(port)], { cwd: place, env, stdio: ['ignore', 'pipe', 'pipe'] })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Sends one request. A body in pieces is sent without its length. */
async function send(path: string, body: string | readonly string[], method = 'POST'): Promise<{ status: number; body: string }> {
  const sent = httpsRequest(`https://localhost:${port}${path}`, { method, ca: certificate.pem, agent: false })
  sent.setHeader('content-type', 'application/json')
  const response = once(sent, 'response')
  if (typeof body === 'string') sent.end(body)
  else {
    for (const piece of body) sent.write(piece)
    sent.end()
  }
  sent.on('error', () => undefined) // errors after the answer
  const [incoming] = await response
  return { status: incoming.statusCode, body: await text(incoming).catch(() => '') }
}

async function ask(image: string, path = '/admit?timeout=10s', metadata = {}) {
  const object = { metadata, spec: running(image) }
  const { status, body } = await send(path, JSON.stringify(request('pods', object, { oldObject: object })))
  expect(status).toBe(200)
  return JSON.parse(body)
}

test('a signed image is pinned although DOCKER_CONTENT_TRUST is off', async () => {
  expect(patchOf(await ask(SIGNED))).toEqual([
    { op: 'replace', path: '/spec/containers/0/image', value: `${SIGNED}@${app.digest('1.0')}` },
  ])
  expect(await ask(SIGNED, '/validate?timeout=10s')).toMatchObject({ response: { allowed: false } })
})

test("an image that its author signed on the author's own trust server is denied without asking that server", async () => {
  const { response } = await ask(`${new URL(foreign.url).host}/app:1.0`)
  expect(response).toMatchObject({ allowed: false, status: { message: expect.stringContaining('ERR_NO_TRUST_DATA') } })
  expect(foreign.requests).toEqual([])
})

test('a collection without a pin is denied on first use, even if pins.json allows first use', async () => {
  const { response } = await ask('registry.example/unpinned:1.0')
  expect(response).toMatchObject({ allowed: false, status: { message: expect.stringContaining('ERR_ROOT_UNTRUSTED') } })
})

test('two objects of the largest size that the API server accepts are read', async () => {
  const answer = await ask(SIGNED, '/admit', { annotations: { note: 'x'.repeat(3 * MEBIBYTE) } })
  expect(answer.response.allowed).toBe(true)
})

test.each([
  ['an empty body', '/admit', ''],
  ['a body that is not JSON', '/admit', '<html>'],
  ['a body that ends early', '/admit', JSON.stringify(request('pods', objectOf('pods', running(SIGNED)))).slice(0, -1)],
  ['null', '/admit', 'null'],
  ['JSON of another shape', '/admit', '[]'],
  ['JSON that is nested too deeply', '/admit', deep(100_000)],
  ['an unknown path', '/', JSON.stringify(request('pods', objectOf('pods', running(SIGNED))))],
  ['another unknown path', '/admit/x', JSON.stringify(request('pods', objectOf('pods', running(SIGNED))))],
])('%s is refused with status 400', async (_, path, body) => {
  expect(await send(path, body)).toEqual({ status: 400, body: '' })
})

test('a body that is too long is refused with status 400, with and without its length', async () => {
  const metadata = { annotations: { note: 'x'.repeat(9 * MEBIBYTE) } }
  const body = JSON.stringify(request('pods', { metadata, spec: running(SIGNED) }))
  expect(await send('/admit', body)).toEqual({ status: 400, body: '' })
  expect(await send('/admit', body.match(/.{1,1000000}/g) ?? [])).toEqual({ status: 400, body: '' })
})

test('a request without a body is refused with status 400', async () => {
  expect(await send('/admit', '', 'GET')).toEqual({ status: 400, body: '' })
})

test('if the trust server does not answer, a new image is denied in time; when it answers again, the image is admitted', async () => {
  trust.faults.set('*', 'silent')
  const began = Date.now()
  expect((await ask(SIGNED)).response).toMatchObject({ allowed: false, status: { code: 403 } })
  expect(Date.now() - began).toBeLessThan(10_000)
  trust.faults.clear()
  expect((await ask(SIGNED)).response.allowed).toBe(true)
})

test('without the name of a trust server the webhook does not start', async () => {
  const { DOCKER_CONTENT_TRUST_SERVER: _, ...env } = trust.env
  const child = start(env)
  const [[code], said] = await Promise.all([once(child, 'close'), child.stderr === null ? '' : text(child.stderr)])
  expect(code).toBe(1)
  expect(said).toContain('DOCKER_CONTENT_TRUST_SERVER is not set')
})

function deep(levels: number): string {
  const body = JSON.stringify(request('pods', { spec: { containers: '@' } }))
  return body.replace('"@"', '['.repeat(levels) + ']'.repeat(levels))
}
