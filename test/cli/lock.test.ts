/** `dct lock`, and the lockfile of the other commands. */
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fingerprint } from '../../src/lockfile/lockfile.js'
import { createTrustCollection, startTrustServer, type TestTrustServer, type TrustCollection } from '../../src/testing/index.js'
import { entryOf } from '../lockfile/locks.js'
import { type Ran, runProgram, type World } from './program.js'

const GUN = 'registry.example/team/app'
const OTHER = 'registry.example/team/other'

let collection: TrustCollection
let other: TrustCollection
let server: TestTrustServer
let folder: string
let file: string

function signed(gun: string, seed = ''): TrustCollection {
  const made = createTrustCollection(gun, { now: new Date(), seed })
  made.sign('1.0', gun)
  return made.publish()
}

beforeEach(async () => {
  collection = signed(GUN)
  other = signed(OTHER)
  server = await startTrustServer({ collections: [collection, other] })
  folder = await mkdtemp(join(tmpdir(), 'dct-lock-'))
  file = join(folder, 'content-trust.lock.json')
  await writeFile(join(folder, 'ca.crt'), server.ca)
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

function dct(argv: readonly string[], world: World = {}, at = server): Promise<Ran> {
  const options = argv.includes('--merge') ? [] : ['--server', at.url, '--tlscacert', join(folder, 'ca.crt'), '--lockfile', file]
  return runProgram([...argv, ...options, '--config', folder], world)
}

const content = async (): Promise<string> => readFile(file, 'utf8')
const collections = async (): Promise<Record<string, Record<string, unknown>>> =>
  (JSON.parse(await content()) as { collections: Record<string, Record<string, unknown>> }).collections
const keyOf = (one: TrustCollection, version = 1) => fingerprint(entryOf(one, version).root.keys[0]?.canonicalId ?? '')

function rotate(times = 1): void {
  for (let time = 0; time < times; time++) {
    collection.rotateRoot()
    collection.publish()
  }
}

describe('a new root', () => {
  test('is shown in both spellings, and not recorded without a word', async () => {
    const ran = await dct(['lock', GUN])
    expect(ran).toMatchObject({ status: 1, out: '' })
    const { hex, ssh } = keyOf(collection)
    expect(ran.err).toContain(`${ssh} (${hex}`)
    expect(ran.err).toContain(`dct: error: the root of ${GUN} is not recorded`)
    expect(ran.err).toContain('(ERR_ROOT_UNTRUSTED)')
    expect(ran.err).toContain(`dct: hint: Compare`)
    expect(ran.err).toContain(`dct lock --expect <FINGERPRINT> --lockfile ${file} ${GUN}`)
    expect(await readdir(folder)).toEqual(['ca.crt'])
  })

  test('is recorded with --accept-new-roots, the same for the same server, and leaves no cache', async () => {
    expect(await dct(['lock', '--accept-new-roots', `${GUN}:1.0`, OTHER])).toMatchObject({ status: 0, out: `${file}\n` })
    expect(Object.keys(await collections())).toEqual([GUN, OTHER])
    expect((await readdir(folder)).sort()).toEqual(['ca.crt', 'content-trust.lock.json'])
    const before = await content()
    expect(await dct(['lock', '--accept-new-roots', GUN])).toMatchObject({ status: 0, out: '' })
    expect(await content()).toBe(before)
  })

  test('is recorded with --expect when that key signed it', async () => {
    const { hex, ssh } = keyOf(collection)
    expect((await dct(['lock', '--expect', `SHA256:${'A'.repeat(43)}`, GUN])).status).toBe(1)
    expect((await dct(['lock', '--expect', 'no', GUN])).status).toBe(2)
    expect((await dct(['lock', '--expect', ssh, GUN, OTHER])).status).toBe(1)
    expect(Object.keys(await collections())).toEqual([GUN])
    await rm(file)
    expect((await dct(['lock', '--expect', hex, GUN])).status).toBe(0)
  })

  test.each([
    ['yes\n', 0],
    ['no\n', 1],
    ['', 1],
  ])('is asked about on a terminal: %j', async (stdin, status) => {
    const ran = await dct(['lock', GUN], { stdin, terminal: true, typed: true })
    expect(ran.err).toContain('record this root? (yes/no)')
    expect(ran.status).toBe(status)
    expect((await readdir(folder)).includes('content-trust.lock.json')).toBe(status === 0)
  })

  test('is not recorded when Ctrl-C ends the question', async () => {
    const stop = new AbortController()
    const screen = (text: string) => {
      if (text.includes('(yes/no)')) setImmediate(() => stop.abort(new Error('interrupted')))
    }
    async function* silence(): AsyncGenerator<string> {
      await new Promise((done) => setTimeout(done, 2000).unref())
      yield ''
    }
    const ran = await dct(['lock', GUN], { stdin: silence(), terminal: true, typed: true, screen, signal: stop.signal })
    expect(ran.status).toBe(130)
    expect(await readdir(folder)).toEqual(['ca.crt'])
  })

  test('is not written through a link', async () => {
    await writeFile(join(folder, 'target.json'), JSON.stringify({ version: 1, collections: {} }))
    await symlink(join(folder, 'target.json'), file)
    expect(await dct(['lock', '--accept-new-roots', GUN])).toMatchObject({
      status: 2,
      err: expect.stringContaining('it is a symbolic link'),
    })
    expect(JSON.parse(await readFile(join(folder, 'target.json'), 'utf8'))).toEqual({ version: 1, collections: {} })
  })

  test.each(['a new lockfile', 'one that was there'])(
    'attack: what another run records meanwhile is not lost, in %s',
    async (kind) => {
      if (kind !== 'a new lockfile') await dct(['lock', '--accept-new-roots', '--embed-root=false', GUN])
      const theirs = JSON.stringify({ version: 1, collections: {} })
      let written: Promise<void> | undefined
      async function* answer(): AsyncGenerator<string> {
        await written
        yield 'yes\n'
      }
      const screen = (text: string) => {
        if (text.includes('(yes/no)')) written = writeFile(file, theirs)
      }
      const ran = await dct(['lock', OTHER], { stdin: answer(), terminal: true, typed: true, screen })
      expect(ran).toMatchObject({ status: 2, err: expect.stringContaining('another program changed it meanwhile') })
      expect(await content()).toBe(theirs)
    },
  )

  test('attack: another spelling of a locked name is not a way around the lock', async () => {
    await dct(['lock', '--accept-new-roots', GUN])
    for (const name of ['Registry.Example/team/app', 'registry.example:443/team/app'])
      expect(await dct(['verify', `${name}:1.0`])).toMatchObject({
        status: 3,
        err: expect.stringMatching(new RegExp(`ERR_NOT_LOCKED[^]*Use ${GUN}`)),
      })
    expect((await dct(['verify', `${OTHER}:1.0`])).status).toBe(0)
  })

  test('is not recorded when rules for its tags name several servers', async () => {
    const policy = join(folder, 'policy.json')
    const write = (...rules: object[]) => writeFile(policy, JSON.stringify({ version: 1, rules }))
    const argv = ['lock', '--accept-new-roots', GUN, '--policy', policy, '--tlscacert', join(folder, 'ca.crt')]
    const run = (more: readonly string[] = []) => runProgram([...argv, '--lockfile', file, '--config', folder, ...more])
    const [both, tagged] = [{ match: GUN, server: server.url }, `${GUN}:dev`]
    await write(both, { match: tagged, server: 'https://other.example' })
    const ran = await run()
    expect(ran).toMatchObject({ status: 2, out: '' })
    expect(ran.err).toContain(`${server.url} under the rule ${GUN}`)
    expect(ran.err).toContain(`https://other.example under the rule ${tagged}`)
    expect((await run(['--server', server.url])).status).toBe(0)
    await rm(file)
    await write(both, { match: tagged, action: 'skip' })
    expect((await run()).status).toBe(0)
    expect((await run(['--update'])).status).toBe(0)
  })

  test('can be recorded by its hash, with floors', async () => {
    expect((await dct(['lock', '--accept-new-roots', '--embed-root=false', '--floors', GUN])).status).toBe(0)
    expect((await collections())[GUN]).toMatchObject({ floors: { targets: 1, snapshot: 1, timestamp: 1 }, root: { version: 1 } })
    expect((await collections())[GUN]?.['root']).not.toHaveProperty('file')
    expect((await dct(['verify', '--frozen', `${GUN}:1.0`])).status).toBe(0)
  })
})

describe('an entry', () => {
  beforeEach(async () => {
    await dct(['lock', '--accept-new-roots', GUN])
  })

  test('holds after a publication, and does not after a rotation until --update follows it', async () => {
    collection.sign('2.0', 'more')
    collection.publish()
    expect(await dct(['lock', '--check'])).toMatchObject({ status: 0, out: `${GUN} holds\n` })
    rotate(5)
    const before = await content()
    const checked = await dct(['lock', '--check', GUN])
    expect(checked).toMatchObject({ status: 1, out: `${GUN} rotated\n`, err: expect.stringContaining('dct lock --update') })
    expect(checked.err).toContain(`- root key ${keyOf(collection).ssh}`)
    expect(await content()).toBe(before)
    expect(await dct(['verify', '--frozen', `${GUN}:1.0`])).toMatchObject({ status: 0 })
    expect(await dct(['lock', '--update'])).toMatchObject({ status: 0, out: `${file}\n` })
    expect((await collections())[GUN]).toMatchObject({ root: { version: 6 } })
    expect(await dct(['lock', '--check'])).toMatchObject({ status: 0 })
    expect(await dct(['lock', '--update'])).toMatchObject({ status: 0, out: '' })
  })

  test('refuses an unrelated root; --update records it only with --expect', async () => {
    const stranger = signed(GUN, 'a stranger')
    const strange = await startTrustServer({ collections: [stranger] })
    try {
      await writeFile(join(folder, 'ca.crt'), strange.ca)
      const before = await content()
      const text = before.replaceAll(server.url, strange.url)
      await writeFile(file, text)
      expect(await dct(['verify', `${GUN}:1.0`], {}, strange)).toMatchObject({
        status: 1,
        err: expect.stringContaining('ERR_LOCK_MISMATCH'),
      })
      expect((await dct(['lock', '--check'], {}, strange)).status).toBe(1)
      const refused = await dct(['lock', '--update', '--accept-new-roots', GUN], {}, strange)
      expect(refused).toMatchObject({ status: 1, out: '' })
      expect(refused.err).toContain(`THE ROOT OF ${GUN} HAS CHANGED`)
      expect(await content()).toBe(text)
      expect((await dct(['lock', '--update', '--expect', keyOf(collection).ssh, GUN], {}, strange)).status).toBe(1)
      expect(await content()).toBe(text)
      expect((await dct(['lock', '--update', '--expect', keyOf(stranger).ssh, GUN], {}, strange)).status).toBe(0)
      expect((await dct(['lock', '--check'], {}, strange)).status).toBe(0)
    } finally {
      await strange.close()
    }
  })

  test('of another server does not hold; --update follows a move when the root is the same', async () => {
    const moved = await startTrustServer({ collections: [collection] })
    try {
      await writeFile(join(folder, 'ca.crt'), moved.ca)
      expect((await dct(['lock', '--check'], {}, moved)).status).toBe(1)
      expect((await dct(['lock', '--update', GUN], {}, moved)).status).toBe(0)
      expect((await collections())[GUN]).toMatchObject({ server: moved.url })
    } finally {
      await moved.close()
    }
  })

  test('cannot be checked without its server', async () => {
    await server.close()
    expect(await dct(['lock', '--check'])).toMatchObject({ status: 5, out: '' })
  })

  test('that is not there is ERR_NOT_LOCKED', async () => {
    expect(await dct(['lock', '--check', OTHER])).toMatchObject({ status: 1, err: expect.stringContaining('ERR_NOT_LOCKED') })
    expect(await dct(['verify', '--frozen', `${OTHER}:1.0`])).toMatchObject({
      status: 3,
      err: expect.stringContaining('ERR_NOT_LOCKED'),
    })
    expect(await dct(['verify', '--no-first-use', `${OTHER}:1.0`])).toMatchObject({
      status: 1,
      err: expect.stringContaining('ERR_ROOT_UNTRUSTED'),
    })
  })

  test('is the anchor of verify, lookup, tags and cache verify, and env shows it', async () => {
    const verified = await dct(['verify', '--json', '--frozen', '--no-first-use', `${GUN}:1.0`])
    expect(JSON.parse(verified.out)).toMatchObject({ status: 'trusted', rootTrust: 'lockfile' })
    expect(JSON.parse((await dct(['lookup', '--json', '--frozen', GUN, '1.0'])).out)).toMatchObject({ rootTrust: 'lockfile' })
    expect((await dct(['tags', '--frozen', GUN])).status).toBe(0)
    expect(JSON.parse((await dct(['cache', 'verify', '--json', '--frozen'])).out)).toMatchObject({ rootTrust: 'lockfile' })
    const { lockfile } = JSON.parse((await dct(['env', '--json', `${GUN}:1.0`])).out) as Record<string, unknown>
    expect(lockfile).toEqual({ value: file, why: `--lockfile; root version 1 of ${GUN}, at ${server.url}` })
  })

  test('that somebody edited refuses every command', async () => {
    const edited = (await content()).replace('"threshold": 1', '"threshold": 2')
    await writeFile(file, edited)
    for (const argv of [
      ['verify', `${GUN}:1.0`],
      ['lock', '--check'],
      ['lock', '--update'],
      ['env', GUN],
    ])
      expect((await dct(argv)).status, argv.join(' ')).toBe(2)
    expect(await content()).toBe(edited)
  })
})

test('an error names the lockfile by its path, in a command that can be typed', async () => {
  await dct(['lock', '--accept-new-roots', GUN])
  await writeFile(file, (await content()).replace(server.url, 'https://elsewhere.example'))
  const { status, err } = await dct(['lock', '--check'])
  expect(status).toBe(1)
  expect(err).toContain(`${file} records https://elsewhere.example`)
  expect(err).toContain(`dct lock --update --lockfile ${file} ${GUN}`)
})

test.each([['--check'], ['--accept-new-roots', GUN]])('a wrong value of --embed-root is refused: %s', async (...argv) => {
  await dct(['lock', '--accept-new-roots', GUN])
  expect(await dct(['lock', '--embed-root=maybe', ...argv])).toMatchObject({ status: 2, err: expect.stringContaining('"maybe"') })
})

describe('--list and --remove', () => {
  beforeEach(async () => {
    await dct(['lock', '--accept-new-roots', '--floors', GUN, OTHER])
  })

  test('what is recorded is printed, without asking a server', async () => {
    server.requests.length = 0
    const { status, out } = await dct(['lock', '--list'])
    expect(status).toBe(0)
    expect(out.split('\n').filter((line) => !line.startsWith(' '))).toEqual([GUN, OTHER, ''])
    expect(out).toContain(`  root key ${keyOf(collection).ssh} (${keyOf(collection).hex}, `)
    expect(out).toContain(`  server ${server.url}\n  root version 1, threshold 1\n`)
    const [first = ''] = (await dct(['lock', '--list', '--json'])).out.split('\n')
    expect(JSON.parse(first)).toMatchObject({
      gun: GUN,
      lockfile: file,
      root: { version: 1, threshold: 1 },
      floors: { targets: 1 },
    })
    expect(server.requests).toEqual([])
  })

  test('entries are removed, all or none; the other entries stay as they are', async () => {
    const { [OTHER]: kept } = await collections()
    server.requests.length = 0
    const none = await dct(['lock', '--remove', GUN, 'registry.example/team/none'])
    expect(none).toMatchObject({ status: 3, out: '', err: expect.stringContaining(`dct lock --list --lockfile ${file}\n`) })
    expect(Object.keys(await collections())).toEqual([GUN, OTHER])
    expect(await dct(['lock', '--remove', `${GUN}:1.0`])).toMatchObject({ status: 0, out: `${file}\n` })
    expect(await collections()).toEqual({ [OTHER]: kept })
    expect(server.requests).toEqual([])
  })

  test('without entries the file is still a lockfile', async () => {
    expect(await dct(['lock', '--remove', GUN, OTHER])).toMatchObject({ status: 0 })
    expect(await dct(['lock', '--list'])).toMatchObject({ status: 0, out: '', err: expect.stringContaining('has no entry') })
    expect(await dct(['verify', '--frozen', `${GUN}:1.0`])).toMatchObject({
      status: 3,
      err: expect.stringContaining('ERR_NOT_LOCKED'),
    })
  })

  test('wrong words are refused; a word that is an option is told', async () => {
    expect(await dct(['lock', '--list', GUN])).toMatchObject({ status: 2 })
    expect(await dct(['lock', '--remove'])).toMatchObject({ status: 2, err: expect.stringContaining('dct lock --list') })
    expect((await dct(['lock', 'check'])).err).toContain('an option has two dashes: dct lock --check')
  })
})

describe('--merge', () => {
  test('joins what two branches recorded, and leaves OURS as it is in a conflict', async () => {
    const path = (name: string) => join(folder, name)
    await writeFile(path('base'), '')
    await dct(['lock', '--accept-new-roots', GUN])
    await writeFile(path('ours'), await content())
    await rm(file)
    await dct(['lock', '--accept-new-roots', OTHER])
    await writeFile(path('theirs'), await content())
    expect(await dct(['lock', '--merge', path('base'), path('ours'), path('theirs')])).toMatchObject({ status: 0, out: '' })
    const merged = await readFile(path('ours'), 'utf8')
    expect(Object.keys((JSON.parse(merged) as { collections: object }).collections)).toEqual([GUN, OTHER])
    await writeFile(path('theirs'), merged.replaceAll(server.url, 'https://elsewhere.example'))
    expect(await dct(['lock', '--merge', path('base'), path('ours'), path('theirs')])).toMatchObject({
      status: 1,
      err: expect.stringMatching(
        new RegExp(
          `^dct: error: conflict in server of ${GUN}.* \\(ERR_LOCK_MISMATCH\\)\ndct: hint: .* --lockfile <LOCKFILE> ${GUN}\n`,
        ),
      ),
    })
    expect(await readFile(path('ours'), 'utf8')).toBe(merged)
  })

  test('takes three files, and excludes the other modes', async () => {
    expect((await dct(['lock', '--merge', 'one'])).status).toBe(2)
    expect((await dct(['lock', '--merge', '--check'])).status).toBe(2)
    expect((await dct(['lock'])).status).toBe(2)
    expect(await dct(['lock', '--check'])).toMatchObject({ status: 2, err: expect.stringContaining('there is no lockfile') })
  })
})
