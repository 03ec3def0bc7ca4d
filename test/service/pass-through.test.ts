/** Content by digest comes through the service when it is told to pass it on, and only what was let through. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SeenRequest } from '../support/loopback-server.js'
import { ACCEPTING, codeOf, type Laboratory, sha256, startLaboratory } from './laboratory.js'

const OCI = 'application/vnd.oci.image'
const described = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: sha256(bytes), size: bytes.length })
const document = (members: object): Buffer => Buffer.from(JSON.stringify({ schemaVersion: 2, ...members }))

const layer = randomBytes(3_000_000)
const empty = Buffer.alloc(0)
const config = Buffer.from('{}')
const child = document({
  mediaType: `${OCI}.manifest.v1+json`,
  config: described(`${OCI}.config.v1+json`, config),
  layers: [layer, empty].map((bytes) => described(`${OCI}.layer.v1.tar`, bytes)),
})
const index = document({ mediaType: `${OCI}.index.v1+json`, manifests: [described(`${OCI}.manifest.v1+json`, child)] })
const stranger = document({
  mediaType: `${OCI}.manifest.v1+json`,
  config: described(`${OCI}.config.v1+json`, config),
  layers: [],
})

let lab: Laboratory
let held: Map<string, Buffer>
beforeEach(async () => {
  lab = await startLaboratory()
  held = new Map([layer, empty, config, child, index, stranger].map((bytes) => [sha256(bytes), bytes]))
  lab.collection.sign('1.0', sha256(index), { size: index.length })
  lab.collection.publish()
  lab.serves = ({ url }: SeenRequest, response) => {
    const bytes = held.get(url.split('/').at(-1) ?? '')
    return bytes === undefined ? response.writeHead(404).end() : response.end(bytes)
  }
})
afterEach(() => lab.close())

const start = (policy = ACCEPTING) => lab.start(policy, { passThrough: true })
const at = (kind: string, reference: string) => `/v2/localhost_${lab.registry.port}/team/app/${kind}/${reference}`
const manifest = (reference: string, options = {}) => lab.ask(at('manifests', reference), options)
const blob = (bytes: Buffer, options = {}) => lab.ask(at('blobs', sha256(bytes)), options)
const codes = async (answer: ReturnType<typeof manifest>) => codeOf(await answer)

test('a pull by tag gets all of the image, and each request at the registry is by digest', async () => {
  await start()
  expect((await manifest('1.0')).body).toBe(index.toString())
  expect((await manifest(sha256(child))).body).toBe(child.toString())
  for (const part of [layer, empty, config]) {
    const answer = await blob(part)
    expect(answer.body === part.toString('latin1')).toBe(true)
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-length': String(part.length), 'docker-content-digest': sha256(part) },
    })
  }
  expect(await blob(layer, { method: 'HEAD' })).toMatchObject({
    status: 200,
    headers: { 'content-length': String(layer.length) },
  })
  expect(lab.registry.requests.every(({ url }) => url.includes('sha256:'))).toBe(true)
})

test('what no manifest that was let through names is refused without asking the registry', async () => {
  await start()
  for (const part of [layer, config, stranger]) expect(await codes(blob(part))).toBe('404 BLOB_UNKNOWN')
  expect(await codes(manifest(sha256(child)))).toBe('403 ERR_DIGEST_NOT_SIGNED')
  expect(await codes(manifest(sha256(stranger)))).toBe('403 ERR_DIGEST_NOT_SIGNED')
  expect(lab.registry.requests).toEqual([])
  await manifest('1.0')
  expect(await codes(blob(layer))).toBe('404 BLOB_UNKNOWN') // only the child names it
})

test('a manifest that is signed may be asked for by its digest', async () => {
  await start()
  expect((await manifest(sha256(index))).body).toBe(index.toString())
  expect(lab.lines.at(-1)).toMatchObject({ decision: 'trusted-digest', digest: sha256(index) })
  expect((await manifest(sha256(child))).status).toBe(200)
})

test('what was let through for one image is not served under the name of another', async () => {
  await start()
  await manifest('1.0')
  await manifest(sha256(child))
  const other = (kind: string, bytes: Buffer) => lab.ask(`/v2/localhost_${lab.registry.port}/team/other/${kind}/${sha256(bytes)}`)
  expect(await codes(other('blobs', layer))).toBe('404 BLOB_UNKNOWN')
  expect(await codes(other('manifests', child))).toMatch(/^403 /)
})

test('after a reload of the policy nothing counts that the old one let through', async () => {
  const service = await start()
  await manifest('1.0')
  await service.reload()
  expect(await codes(manifest(sha256(child)))).toBe('403 ERR_DIGEST_NOT_SIGNED')
})

test('an answer that comes after a reload of the policy lets nothing through', async () => {
  const service = await start()
  await manifest('1.0')
  const serves = lab.serves
  const held: (() => void)[] = []
  lab.serves = (seen, response) => void held.push(() => serves(seen, response))
  // One whose tag was judged by the old policy, and one that the old policy had let through.
  lab.collection.sign('2.0', sha256(stranger), { size: stranger.length })
  lab.collection.publish()
  const running = [manifest('2.0'), manifest(sha256(child))]
  await expect.poll(() => held.length).toBe(2)
  await writeFile(join(lab.folder, 'policy.yaml'), 'version: 1\nrules: []\ndefault: { action: deny }\n')
  await service.reload()
  lab.serves = serves
  for (const release of held) release()
  expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200])
  for (const part of [layer, config]) expect(await codes(blob(part))).toBe('404 BLOB_UNKNOWN')
})

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['other bytes', (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([(bytes.at(-1) ?? 0) ^ 1])])],
  ['fewer bytes', (bytes) => bytes.subarray(0, -1)],
  ['more bytes', (bytes) => Buffer.concat([bytes, Buffer.from('x')])],
])('a large blob with %s ends the connection before its end', async (_, spoil) => {
  await start()
  await manifest('1.0')
  await manifest(sha256(child))
  held.set(sha256(layer), spoil(layer))
  const received = await new Promise<{ complete: boolean; bytes: number }>((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port: lab.service?.port, path: at('blobs', sha256(layer)), agent: false },
      (response) => {
        let bytes = 0
        response.on('data', (piece: Buffer) => {
          bytes += piece.length
        })
        response.on('error', () => undefined).on('close', () => resolve({ complete: response.complete, bytes }))
      },
    )
    sent.on('error', reject).end()
  })
  expect(received.complete).toBe(false)
  expect(received.bytes).toBeLessThan(layer.length)
  expect(lab.lines.at(-1)).toMatchObject({
    route: 'blob',
    decision: 'failed',
    code: expect.stringMatching(/HASH_MISMATCH|TOO_LARGE/),
  })
})

test('a small blob or manifest with other bytes is refused with the reason', async () => {
  await start()
  await manifest('1.0')
  await manifest(sha256(child))
  held.set(sha256(config), Buffer.from('[]'))
  expect(await codes(blob(config))).toBe('403 ERR_HASH_MISMATCH')
  await lab.service?.close()
  await start()
  held.set(sha256(child), Buffer.from(child.toString().replace('layers', 'Layers')))
  await manifest('1.0')
  expect(await codes(manifest(sha256(child)))).toBe('403 ERR_HASH_MISMATCH')
})

test('a registry that is away, or has not got a part', async () => {
  await start()
  await manifest('1.0')
  await manifest(sha256(child))
  held.delete(sha256(layer))
  expect(await codes(blob(layer))).toBe('404 BLOB_UNKNOWN')
  await lab.registry.close()
  expect(await codes(blob(config))).toBe('503 ERR_SERVER_UNREACHABLE')
})

test('a client that goes away ends the request at the registry', async () => {
  const gone = new Promise<void>((resolve) => {
    const serves = lab.serves
    lab.serves = (seen, response) => {
      if (!seen.url.includes(sha256(layer))) return serves(seen, response)
      response.once('close', () => resolve())
      return response.writeHead(200).write(layer.subarray(0, 1_000_000))
    }
  })
  await start()
  await manifest('1.0')
  await manifest(sha256(child))
  const sent = request({ host: '127.0.0.1', port: lab.service?.port, path: at('blobs', sha256(layer)), agent: false })
  sent.on('error', () => undefined).on('response', (response) => response.once('data', () => sent.destroy()))
  sent.end()
  await gone
})

test('without --pass-through neither manifests by digest nor blobs are served', async () => {
  await lab.start()
  expect((await manifest('1.0')).status).toBe(200)
  expect(await codes(manifest(sha256(index)))).toBe('404 MANIFEST_UNKNOWN')
  expect(await codes(blob(layer))).toBe('404 MANIFEST_UNKNOWN')
})

test('the Authorization header of a client goes to the registry alone, and what it opened is for that client', async () => {
  const secret = 'Basic cm9ib3Q6aHVudGVyMg=='
  const open = lab.serves
  lab.serves = (seen, response) =>
    seen.headers.authorization === secret
      ? open(seen, response)
      : response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
  await start()
  const own = { headers: { authorization: secret } }
  const other = { headers: { authorization: 'Basic b3RoZXI6b3RoZXI=' } }
  expect((await manifest('1.0', own)).status).toBe(200)
  expect((await manifest(sha256(child), own)).status).toBe(200)
  expect((await blob(config, own)).status).toBe(200)
  for (const options of [{}, other]) {
    expect(await codes(manifest('1.0', options))).toBe('503 ERR_UNAUTHORIZED')
    expect(await codes(manifest(sha256(child), options))).toBe('503 ERR_UNAUTHORIZED')
    expect(await codes(blob(config, options))).toBe('503 ERR_UNAUTHORIZED')
  }
  expect((await manifest('1.0', own)).status).toBe(200)
  expect(lab.trust.requests.filter(({ authorization }) => authorization !== undefined)).toEqual([])
  const metrics = await lab.ask('/metrics', { port: lab.service?.metricsPort ?? 0 })
  expect(`${JSON.stringify(lab.lines)}${metrics.body}`).not.toMatch(/cm9ib3Q|hunter2/)
})
