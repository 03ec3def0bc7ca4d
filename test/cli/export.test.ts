/** `dct export`, and `dct verify --bundle` of what it writes. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bundleDigest } from '../../src/bundle/bundle.js'
import {
  createBundle,
  createTrustCollection,
  startTrustServer,
  type TestTrustServer,
  type TrustCollection,
} from '../../src/testing/index.js'
import { type Ran, runProgram, type World } from './program.js'

const GUN = 'registry.example/team/app'
const OTHER = 'registry.example/team/other'
const DAY = 86_400_000

let collection: TrustCollection
let other: TrustCollection
let server: TestTrustServer
let folder: string
let digest: string

beforeEach(async () => {
  collection = createTrustCollection(GUN, { now: new Date() })
  digest = collection.sign('1.0', 'the image')
  for (const role of ['targets/releases', 'targets/alice'])
    collection.delegate(role, { type: 'ecdsa-x509' }).sign('1.1', 'newer', { role })
  collection.publish()
  for (let times = 0; times < 2; times++) collection.rotateRoot().publish()
  other = createTrustCollection(OTHER, { now: new Date() })
  other.sign('=1+1', 'odd', { custom: { note: 'a "b", c' } })
  other.publish()
  server = await startTrustServer({ collections: [collection, other] })
  folder = await mkdtemp(join(tmpdir(), 'dct-export-'))
  await writeFile(join(folder, 'ca.crt'), server.ca)
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const at = (name: string) => join(folder, name)

/** Asks the server. */
function online(argv: readonly string[], world: World = {}): Promise<Ran> {
  return runProgram([...argv, '--server', server.url, '--tlscacert', at('ca.crt'), '--config', folder], world)
}

/** Another machine, without a server: only the bundle and what `argv` names. */
function elsewhere(argv: readonly string[], world: World = {}): Promise<Ran> {
  return runProgram(['verify', '--bundle', at('b'), '--config', at('elsewhere'), ...argv], world)
}

const later = (days: number): World => ({ now: new Date(Date.now() + days * DAY) })

describe('dct export', () => {
  test('writes all roots and the files of the set, the same each time, and prints the digest', async () => {
    const ran = await online(['export', '--out', at('b'), OTHER, GUN])
    expect(ran).toMatchObject({ status: 0, out: '' })
    const bytes = await readFile(at('b'))
    expect(ran.err).toContain(`bundle ${bundleDigest(bytes)}, 2 collections, good until `)
    expect(Buffer.from(createBundle([collection, other], { server: server.url }))).toEqual(bytes)
    const again = await online(['export', GUN, OTHER, GUN])
    expect(again.out).toBe(bytes.toString())
  })

  test('begins at the oldest root that is signed into the next', async () => {
    const files = (text: string) => Object.keys(JSON.parse(text.split('\n')[1] ?? '').files)
    expect(files((await online(['export', GUN])).out)).toEqual(expect.arrayContaining(['1.root', '2.root', '3.root']))
    server.faults.set('1.root', collection.served('3.root') ?? 'missing')
    const ran = await online(['export', GUN])
    expect(files(ran.out)).not.toContain('1.root')
    expect(files(ran.out)).toContain('2.root')
    expect(ran.err).toContain(`root version 2 is the first of ${GUN}`)
  })

  test('writes nothing when one collection is not verified', async () => {
    server.faults.set('targets', 'missing')
    const ran = await online(['export', '--out', at('b'), GUN, 'registry.example/nothing'])
    expect(ran).toMatchObject({ status: 3, out: '' })
    expect(ran.err).toContain('ERR_NO_TRUST_DATA')
    expect(await readdir(folder)).not.toContain('b')
    collection.setExpiry('timestamp', new Date(Date.now() - DAY)).publish()
    expect((await online(['export', '--format', 'static', '--out', at('tree'), GUN])).status).toBe(4)
    expect(await readdir(folder)).not.toContain('tree')
  })

  test('verifies when content trust is off, and takes no tag and no unknown format', async () => {
    const off = { env: { DOCKER_CONTENT_TRUST: '0' } }
    expect((await online(['export', GUN], off)).out).toContain('"gun":"registry.example/team/app"')
    expect((await online(['export', `${GUN}:1.0`])).status).toBe(2)
    for (const format of ['containers-policy', 'configmap', 'rego']) {
      const ran = await online(['export', '--format', format, GUN])
      expect(ran.status).toBe(2)
      expect(ran.err).toContain('takes bundle, csv, ndjson, static')
    }
    expect((await online(['export', '--format', 'static', GUN])).status).toBe(2)
  })

  test('takes the cache when offline, with the newest root alone', async () => {
    await online(['verify', `${GUN}:1.0`])
    const ran = await online(['export', '--offline', GUN])
    expect(Object.keys(JSON.parse(ran.out.split('\n')[1] ?? '').files).sort()).toEqual(
      ['3.root', 'snapshot', 'targets', 'targets/alice', 'targets/releases', 'timestamp'].sort(),
    )
  })

  test('writes a tree with every name that a server serves', async () => {
    expect((await online(['export', '--format', 'static', '--out', at('tree'), GUN])).status).toBe(0)
    const tree = join(at('tree'), 'v2', GUN, '_trust', 'tuf')
    const names = (await readdir(tree, { recursive: true })).filter((name) => name.endsWith('.json'))
    for (const name of ['root', '1.root', 'timestamp', 'snapshot', 'targets', 'targets/releases'])
      expect(names).toContain(`${name}.json`)
    for (const name of names) {
      const served = collection.served(name.replace(/\.json$/, ''))
      expect(await readFile(join(tree, name)), name).toEqual(Buffer.from(served ?? new Uint8Array()))
    }
    expect(names.filter((name) => /\.[0-9a-f]{64}\.json$/.test(name))).toHaveLength(7)
    expect(await readdir(join(at('tree'), 'v2'))).toContain('index.html')
  })

  test('writes no tree that goes back, from an older cache', async () => {
    await online(['verify', `${GUN}:1.0`])
    collection.sign('2.0', 'newer')
    collection.publish()
    const elder = ['export', '--format', 'static', '--out', at('tree'), '--offline', GUN]
    const trust = at('other-cache')
    expect((await online(['export', '--format', 'static', '--out', at('tree'), '--trust-dir', trust, GUN])).status).toBe(0)
    const tuf = join(at('tree'), 'v2', GUN, '_trust', 'tuf')
    const before = await readFile(join(tuf, 'timestamp.json'))
    const ran = await online(elder)
    expect(ran).toMatchObject({ status: 2, err: expect.stringContaining('timestamp.json has version') })
    expect(ran.err).toContain(`rm -r ${tuf}`)
    expect(await readFile(join(tuf, 'timestamp.json'))).toEqual(before)
    expect((await readdir(join(at('tree'), 'v2'))).sort()).toEqual(['index.html', 'registry.example'])
    await writeFile(join(tuf, 'timestamp.json'), 'broken')
    expect((await online(elder)).status).toBe(0)
  })

  test('writes rows: digest, keys by both IDs, custom, expiry of each role', async () => {
    const rows = (await online(['export', '--format', 'ndjson', GUN, OTHER])).out.trimEnd().split('\n')
    const [first, second, third] = rows.map((row) => JSON.parse(row))
    expect(rows).toHaveLength(3)
    expect(first).toMatchObject({ gun: GUN, tag: '1.0', digest, size: 528, role: 'targets', signers: [] })
    expect(Object.keys(first.expires)).toEqual(['root', 'timestamp', 'snapshot', 'targets'])
    expect(second).toMatchObject({ tag: '1.1', role: 'targets/releases', signers: ['alice'] })
    expect(second.expires['targets/releases']).toMatch(/Z$/)
    expect(second.keys.map(({ role }: { role: string }) => role)).toEqual(['targets/releases', 'targets/alice'])
    for (const { id, canonicalId } of second.keys) {
      expect(id).toMatch(/^[0-9a-f]{64}$/)
      expect(canonicalId).toMatch(/^[0-9a-f]{64}$/)
      expect(id).not.toBe(canonicalId)
    }
    expect(third).toMatchObject({ gun: OTHER, tag: '=1+1', custom: { note: 'a "b", c' } })
    const csv = (await online(['export', '--format', 'csv', OTHER])).out.split('\n')
    expect(csv[0]).toMatch(/^gun,tag,digest,size,role,signers,key_ids,canonical_key_ids,custom,root_expires,/)
    expect(csv[1]).toContain(`${OTHER},'=1+1,sha256:`)
    expect(csv[1]).toContain('"{""note"":""a \\""b\\"", c""}"')
  })
})

describe('dct verify --bundle', () => {
  beforeEach(async () => {
    await online(['export', '--out', at('b'), GUN])
    await online(['lock', '--accept-new-roots', '--lockfile', at('lock.json'), GUN])
    await server.close()
  })

  test('anchors nothing by itself', async () => {
    const ran = await elsewhere([`${GUN}:1.0`])
    expect(ran).toMatchObject({ status: 1, out: '' })
    expect(ran.err).toContain('(ERR_ROOT_UNTRUSTED)')
    expect(ran.err).toContain('--accept-bundle-root')
    const accepted = await elsewhere(['--accept-bundle-root', '--json', `${GUN}:1.0`])
    expect(accepted.status).toBe(0)
    expect(JSON.parse(accepted.out)).toMatchObject({
      status: 'trusted',
      digest,
      rootTrust: 'first-use',
      freshness: 'offline',
      server: server.url,
    })
    expect((await elsewhere(['--accept-bundle-root', '--no-first-use', `${GUN}:1.0`])).status).toBe(1)
    expect(await readdir(folder)).not.toContain('elsewhere')
  })

  test('is anchored by a lock of any root in it, by a pin, and by a cache', async () => {
    const locked = await elsewhere(['--lockfile', at('lock.json'), '--frozen', '--json', `${GUN}:1.0`])
    expect(JSON.parse(locked.out)).toMatchObject({ status: 'trusted', rootTrust: 'lockfile', freshness: 'offline', warnings: [] })
    const [key] = collection.keys('root')
    await writeFile(at('pins.json'), JSON.stringify({ certs: { [GUN]: [key?.id] } }))
    const pinned = await elsewhere(['--pinning', at('pins.json'), '--json', `${GUN}:1.1`])
    expect(JSON.parse(pinned.out)).toMatchObject({ status: 'trusted', rootTrust: 'pinned-certificate', signers: ['alice'] })
    server = await startTrustServer({ collections: [collection] })
    await writeFile(at('ca.crt'), server.ca)
    await online(['verify', `${GUN}:1.0`])
    const cached = await elsewhere(['--trust-dir', at('trust'), '--json', `${GUN}:1.0`])
    expect(JSON.parse(cached.out)).toMatchObject({ status: 'trusted', rootTrust: 'cached-root', freshness: 'offline' })
  })

  test('an expired bundle is accepted for as many days as are given, and no longer', async () => {
    const week = (days: number) =>
      elsewhere(['--accept-bundle-root', '--accept-expired-bundle', '7', '--json', `${GUN}:1.0`], later(days))
    expect((await elsewhere(['--accept-bundle-root', `${GUN}:1.0`], later(16))).err).toContain('--accept-expired-bundle DAYS')
    expect((await elsewhere(['--accept-bundle-root', `${GUN}:1.0`], later(16))).status).toBe(4)
    const ran = await week(16)
    expect(JSON.parse(ran.out)).toMatchObject({ status: 'trusted', freshness: 'offline' })
    expect(ran.out).toContain('WARN_EXPIRED_BUNDLE')
    expect((await week(30)).status).toBe(4)
    const judged = await elsewhere(
      ['--accept-bundle-root', '--judge-as-of', later(16).now?.toISOString() ?? '', `${GUN}:1.0`],
      later(17),
    )
    expect(judged.status).toBe(4)
    expect(judged.err).toContain('name an earlier moment')
    expect(judged.err).not.toContain('--accept-expired-bundle')
  })

  test('--judge-as-of says so in the status, and never trusted', async () => {
    const time = new Date(Date.now() - 60_000).toISOString()
    const judged = ['--accept-bundle-root', '--judge-as-of', time]
    const ran = await elsewhere([...judged, '--json', `${GUN}:1.0`, `${GUN}@${digest}`], later(400))
    expect(ran.status).toBe(0)
    const [tag, byDigest] = ran.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(tag).toMatchObject({ status: 'trusted-as-of', judgedAsOf: time, tag: '1.0', digest, freshness: 'offline' })
    expect(byDigest).toMatchObject({ status: 'trusted-as-of', judgedAsOf: time, tags: ['1.0'] })
    const text = await elsewhere([...judged, `${GUN}:1.0`], later(400))
    expect(text.out).toBe(`${GUN}@${digest}\n`)
    expect(text.err).toContain(`was judged as of ${time}, not for now`)
    expect((await elsewhere([...judged, `${GUN}:1.0`], later(-1))).err).toContain('is in the future')
    for (const bad of ['yesterday', '2026-11-29T12:00:00', '2026-13-01'])
      expect((await elsewhere(['--judge-as-of', bad, `${GUN}:1.0`])).status).toBe(2)
  })

  test('options of bundles need a bundle, and a bundle that holds the collection', async () => {
    for (const options of [['--accept-bundle-root'], ['--accept-expired-bundle', '7'], ['--judge-as-of', '2020-01-01']]) {
      const ran = await online(['verify', ...options, `${GUN}:1.0`])
      expect(ran.status).toBe(2)
      expect(ran.err).toContain('needs a bundle')
    }
    const both = ['--accept-expired-bundle', '7', '--judge-as-of', '2020-01-01']
    expect((await elsewhere([...both, `${GUN}:1.0`])).err).toContain('exclude each other')
    const missing = await elsewhere(['--accept-bundle-root', `${OTHER}:1.0`])
    expect(missing.status).toBe(3)
    expect(missing.err).toContain(`does not hold trust data for ${OTHER}`)
    expect((await elsewhere(['--accept-bundle-root', `${GUN}:2.0`])).status).toBe(3)
  })

  test('goes with --file', async () => {
    await writeFile(at('Dockerfile'), `FROM ${GUN}:1.0\n`)
    const ran = await elsewhere(['--accept-bundle-root', '-f', at('Dockerfile')])
    expect(ran).toMatchObject({ status: 0, out: `${GUN}@${digest}\n` })
  })
})
