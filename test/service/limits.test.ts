/** Clients that stall, flood or send too much, and a service that is told to stop. */
import { connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startServer } from '../support/loopback-server.js'
import { ACCEPTING, codeOf, type Laboratory, startLaboratory } from './laboratory.js'

let lab: Laboratory
beforeEach(async () => {
  lab = await startLaboratory()
})
afterEach(() => lab.close())

/** What the service sends to a client that sends `text` and then nothing. */
function stall(text: string): Promise<{ received: string; milliseconds: number }> {
  const started = performance.now()
  return new Promise((resolve) => {
    let received = ''
    const socket = connect(lab.service?.port ?? 0, '127.0.0.1', () => socket.write(text))
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString()
    })
    socket.on('error', () => undefined).on('close', () => resolve({ received, milliseconds: performance.now() - started }))
  })
}

const SHORT = { headersTimeout: 300, requestTimeout: 600, keepAliveTimeout: 300, connectionsCheckingInterval: 50 }
const start = () => lab.start(ACCEPTING, { listen: { host: '127.0.0.1', port: 0, times: SHORT } })

test.each([
  ['half of the headers', 'GET /livez HTTP/1.1\r\nhost: x\r\n', /^HTTP\/1.1 408 /],
  [
    'half of a body',
    'POST /verify HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    /^HTTP\/1.1 408 /,
  ],
  ['no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', /^HTTP\/1.1 400 /],
  ['long headers', `GET /livez HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1.1 431 /],
  ['two lengths', 'POST /verify HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}', /^HTTP\/1.1 400 /],
  [
    'a length and chunks',
    'POST /verify HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    /^HTTP\/1.1 400 /,
  ],
])('a client that sends %s is cut off', async (_, text, answer) => {
  await start()
  const { received, milliseconds } = await stall(text)
  expect(received).toMatch(answer)
  expect(milliseconds).toBeLessThan(10_000)
  expect((await lab.manifest()).status).toBe(200)
})

test('a connection without requests is closed', async () => {
  await start()
  const { received } = await stall('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n')
  expect(received).toMatch(/^HTTP\/1.1 200 /)
})

test('a full queue answers at once, and probes are answered meanwhile', async () => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const serves = lab.serves
  lab.serves = async (seen, response) => {
    await held
    serves(seen, response)
  }
  await lab.start(ACCEPTING, { queue: { running: 1, waiting: 1 } })
  const first = [lab.manifest(), lab.manifest()]
  await expect.poll(() => lab.registry.requests.length).toBe(1)
  const started = performance.now()
  const refused = await lab.manifest()
  expect(codeOf(refused)).toBe('503 TOOMANYREQUESTS')
  expect(refused.headers['retry-after']).toBe('1')
  expect(performance.now() - started).toBeLessThan(2_000)
  expect((await lab.ask('/readyz')).status).toBe(200)
  release()
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200])
})

test('readiness ends when the service is told to stop, and what runs is answered', async () => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const serves = lab.serves
  lab.serves = async (seen, response) => {
    await held
    serves(seen, response)
  }
  const service = await lab.start()
  const port = service.metricsPort ?? 0
  expect(await lab.ask('/readyz', { port })).toMatchObject({ status: 200, body: 'ok\n' })
  const running = lab.manifest()
  await expect.poll(() => lab.registry.requests.length).toBe(1)
  const closed = service.close()
  expect(await lab.ask('/readyz', { port })).toMatchObject({ status: 503, body: 'stopping\n' })
  expect((await lab.ask('/livez', { port })).status).toBe(200)
  await expect(lab.ask('/livez')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  release()
  expect((await running).status).toBe(200)
  await closed
})

test('probes do not wait for a trust server that hangs', async () => {
  lab.trust.faults.set('*', 'silent')
  await lab.start(ACCEPTING, { queue: { running: 1, waiting: 0 }, client: { timeout: 1_000 } })
  const hanging = lab.manifest()
  await expect.poll(() => lab.trust.requests.length).toBeGreaterThan(0)
  const started = performance.now()
  expect(await lab.ask('/readyz')).toMatchObject({ status: 200 })
  expect(performance.now() - started).toBeLessThan(900)
  expect(codeOf(await hanging)).toBe('503 ERR_SERVER_UNREACHABLE')
})

test.each(['manifest', 'verify'])('a registry that hangs keeps no room from others: %s', async (route) => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  await using hanging = await startServer(async (_, response) => {
    await held
    response.writeHead(404).end()
  })
  const name = `localhost:${hanging.port}`
  const policy = `version: 1\nrules: [{ match: "${name}/**", action: enforce, server: "${hanging.url}" }]\ndefault: { firstUse: accept }\n`
  const registries = [`localhost:${lab.registry.port}`, name]
  await lab.start(policy, { registries, queue: { running: 8, waiting: 8, waitMs: 20_000 } })
  const body = JSON.stringify({ references: [`${name}/a:1`, `localhost:${lab.registry.port}/team/app:1.0`] })
  const headers = { 'content-type': 'application/json' }
  const hangs = Array.from({ length: 30 }, () =>
    route === 'verify'
      ? lab.ask('/verify', { method: 'POST', headers, body })
      : lab.ask(`/v2/a/manifests/1?ns=${encodeURIComponent(name)}`),
  )
  await expect.poll(() => hanging.requests.length).toBeGreaterThan(0)
  const started = performance.now()
  expect((await lab.manifest()).status).toBe(200)
  expect(performance.now() - started).toBeLessThan(5_000)
  release()
  await Promise.all(hangs)
})
