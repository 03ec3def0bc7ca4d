/** Clients that go away before their answer, or do not read it: nothing of the service is kept for them. */
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BLOBS_AT_ONCE } from '../../src/service/service.js'
import { ACCEPTING, codeOf, type Laboratory, sha256, startLaboratory } from './laboratory.js'

const layer = randomBytes(300_000)
const image = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: {},
    layers: [{ digest: sha256(layer), size: layer.length }],
  }),
)

let lab: Laboratory
/** Answers of the registry that are held back. */
let held: ServerResponse[]
beforeEach(async () => {
  lab = await startLaboratory()
  held = []
  lab.collection.sign('1.0', sha256(image), { size: image.length })
  lab.collection.publish()
  lab.serves = ({ url }, response) => (url.includes('/blobs/') ? held.push(response) : response.end(image))
})
afterEach(async () => {
  for (const response of held) response.destroy()
  await lab.close()
})

const blob = () => `/v2/localhost_${lab.registry.port}/team/app/blobs/${sha256(layer)}`
const words = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`

/** A connection on which `text` was sent. */
async function sent(text: string): Promise<Socket> {
  const socket = connect(lab.service?.port ?? 0, '127.0.0.1').on('error', () => undefined)
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(text)
  return socket
}

async function closesSoon(): Promise<void> {
  const started = performance.now()
  await lab.service?.close()
  expect(performance.now() - started).toBeLessThan(5_000)
}

test('a client that left while it waited for its turn takes none', async () => {
  await lab.start(ACCEPTING, { passThrough: true })
  expect((await lab.manifest()).status).toBe(200)
  const running = Promise.all(Array.from({ length: BLOBS_AT_ONCE }, () => lab.ask(blob())))
  running.catch(() => undefined)
  await expect.poll(() => held.length, { timeout: 10_000 }).toBe(BLOBS_AT_ONCE)
  const before = lab.registry.requests.length
  const waiting = await sent(words(blob()))
  await sleep(200)
  waiting.destroy()
  await sleep(200)
  for (const response of held.splice(0)) response.end(layer)
  expect((await running).every(({ status }) => status === 200)).toBe(true)
  await sleep(200)
  expect(lab.registry.requests.length).toBe(before)
  await closesSoon()
})

test('a client that left takes with it the requests that it sent ahead on the same connection', async () => {
  await lab.start(ACCEPTING, { passThrough: true })
  expect((await lab.manifest()).status).toBe(200)
  const client = await sent(words(blob()) + words(blob()))
  await expect.poll(() => held.length, { timeout: 10_000 }).toBe(2)
  const closed = held.map((response) => new Promise((resolve) => response.once('close', resolve)))
  for (const response of held) response.writeHead(200).write(layer.subarray(0, -1))
  await new Promise((resolve) => client.once('data', resolve))
  client.destroy()
  await Promise.all(closed)
  await closesSoon()
})

test('clients that send their body slowly keep no verification waiting', async () => {
  await lab.start(ACCEPTING, { queue: { running: 1, waiting: 0 } })
  const slow = await sent(
    'POST /verify HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"references": [',
  )
  await sleep(200)
  const answer = await lab.manifest()
  expect(answer.status === 200 ? 200 : codeOf(answer)).toBe(200)
  slow.destroy()
})
