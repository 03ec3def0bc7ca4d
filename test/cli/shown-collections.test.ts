/** `dct inspect`, `dct tags`, `dct tree`: what is printed where, with which exit status. Their forms are in test/report. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import stringWidth from 'string-width'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { runProgram, type World } from './program.js'

const NOW = new Date('2026-03-01T00:00:00Z')
const APP = 'registry.example/team/app'

let folder: string
let server: TestTrustServer
let digest: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-shown-'))
  const app = createTrustCollection(APP, { now: NOW })
  for (const role of ['targets/releases', 'targets/alice']) {
    app.delegate(role)
    digest = app.sign('1.0', 'the app', { role })
  }
  app.sign('1.1', 'the app of the administrator')
  app.sign('1.0', 'what releases takes the place of')
  app.publish()
  const other = createTrustCollection('registry.example/team/other', { now: NOW, tags: { שלום: 'an image', 日本: 'an image' } })
  other.publish()
  const empty = createTrustCollection('registry.example/team/empty', { now: NOW })
  empty.publish()
  server = await startTrustServer({ collections: [app, other, empty] })
  await writeFile(join(folder, 'ca.crt'), server.ca)
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

function dct([command = '', ...args]: readonly string[], world: World = {}) {
  const options = ['--server', server.url, '--tlscacert', join(folder, 'ca.crt'), '--config', folder]
  return runProgram([command, ...options, ...args], { now: NOW, ...world })
}
const lines = (text: string) => text.split('\n').slice(0, -1)

describe('dct inspect', () => {
  test('prints the others when one fails, and the most severe status', async () => {
    const { status, out, err } = await dct(['inspect', `${APP}:1.0`, 'registry.example/team/none', 'registry.example/Team/app:1'])
    expect(status).toBe(2)
    expect(JSON.parse(out).map(({ Name: name }: { Name: string }) => name)).toEqual([`${APP}:1.0`])
    expect(err).toContain('(ERR_NO_TRUST_DATA)')
    expect(err).toContain('(ERR_REFERENCE_INVALID)')
  })

  test('ignores the switch, as inspect of the library does', async () => {
    expect((await dct(['inspect', APP], { env: { DOCKER_CONTENT_TRUST: '0' } })).status).toBe(0)
  })

  test('both digests of a tag are there, the released one first', async () => {
    const { out } = await dct(['inspect', `${APP}:1.0`])
    const [{ SignedTags: tags }] = JSON.parse(out)
    expect(tags[0]).toEqual({ SignedTag: '1.0', Digest: digest.slice('sha256:'.length), Signers: ['alice'] })
    expect(tags[1]).toMatchObject({ SignedTag: '1.0', Signers: ['Repo Admin'] })
  })

  test('a digest shows the tags that carry it', async () => {
    const { out } = await dct(['inspect', `${APP}@${digest}`])
    expect(JSON.parse(out)[0].SignedTags).toHaveLength(1)
  })

  test('warnings are said once, on standard error', async () => {
    const { err } = await dct(['inspect', '--trust-dir', join(folder, 'fresh'), APP, `${APP}:1.0`])
    expect(lines(err).filter((line) => line.includes('first use'))).toHaveLength(1)
  })
})

describe('dct tags', () => {
  test('a table, and nothing else, on standard output', async () => {
    const { status, out } = await dct(['tags', APP])
    expect(status).toBe(0)
    expect(lines(out).map((line) => line.split(/ {2,}/)[0])).toEqual(['TAG', '1.0', '1.1'])
    expect(out).toContain(digest)
  })

  test('JSON: one object a line, with the expiry of the role that answers', async () => {
    const { out } = await dct(['tags', '--json', APP])
    const rows = lines(out).map((line) => JSON.parse(line))
    expect(Object.keys(rows[0])).toEqual(['gun', 'tag', 'digest', 'size', 'role', 'signers', 'expires'])
    expect(rows[0]).toMatchObject({ gun: APP, tag: '1.0', digest, role: 'targets/releases', signers: ['alice'] })
    expect(new Date(rows[0].expires).toISOString()).toBe(rows[0].expires)
  })

  test('several repositories have a heading each; one that fails does not stop the others', async () => {
    const { status, out, err } = await dct(['tags', 'registry.example/team/none', 'registry.example/team/other', APP])
    expect(status).toBe(3)
    expect(lines(out).filter((line) => line.startsWith('registry.example'))).toEqual(['registry.example/team/other', APP])
    expect(err).toContain('(ERR_NO_TRUST_DATA)')
    const json = await dct(['tags', '--json', 'registry.example/team/none'])
    expect(JSON.parse(json.out)).toMatchObject({ status: 'failed', repository: 'registry.example/team/none' })
  })

  test('a collection without released tags is said on standard error', async () => {
    const { status, out, err } = await dct(['tags', 'registry.example/team/empty'])
    expect({ status, out }).toEqual({ status: 0, out: '' })
    expect(err).toContain('registry.example/team/empty is signed, but none of its tags is released')
  })

  test('a repository has no tag', async () => {
    expect((await dct(['tags', `${APP}:1.0`])).status).toBe(2)
  })
})

describe('dct tree', () => {
  test('JSON: gun, root and the roles below it, delegations with their paths', async () => {
    const { out } = await dct(['tree', '--json', APP])
    const { gun, root, roles } = JSON.parse(out)
    expect(gun).toBe(APP)
    expect(root).toMatchObject({ role: 'root', version: 1, threshold: 1, signedBy: [expect.any(String)] })
    expect(root.keys[0]).toMatchObject({
      algorithm: 'ecdsa-x509',
      canonicalId: expect.any(String),
      certificateExpires: expect.any(String),
    })
    expect(roles.map(({ role }: { role: string }) => role)).toEqual([
      'timestamp',
      'snapshot',
      'targets',
      'targets/releases',
      'targets/alice',
    ])
    expect(roles.at(-1)).toMatchObject({ delegatedBy: 'targets', paths: [''], state: 'loaded' })
  })
})

describe.each(['tags', 'tree'])('dct %s on a terminal', (command) => {
  test.each([100, 80, 50, 30])('of %i columns: no line is wider', async (columns) => {
    const { out } = await dct([command, command === 'tags' ? 'registry.example/team/other' : APP], { screenColumns: columns })
    for (const line of lines(out)) expect(stringWidth(line), line).toBeLessThan(columns)
  })

  test('has colours, unless NO_COLOR or --color forbids them; without a terminal only when they are forced', async () => {
    const isColored = async (args: readonly string[], world: World) =>
      (await dct([command, ...args, APP], world)).out.includes('\u001b[')
    expect(await isColored([], { screenColumns: 80 })).toBe(true)
    expect(await isColored([], { screenColumns: 80, env: { NO_COLOR: '1' } })).toBe(false)
    expect(await isColored(['--color=never'], { screenColumns: 80 })).toBe(false)
    expect(await isColored([], {})).toBe(false)
    expect(await isColored([], { env: { FORCE_COLOR: '1' } })).toBe(true)
    expect(await isColored(['--color=always'], {})).toBe(true)
  })

  test('refuses other words for --color', async () => {
    expect(await dct([command, '--color=red', APP])).toMatchObject({
      status: 2,
      err: expect.stringContaining('--color takes auto or always or never, got "red"'),
    })
  })
})
