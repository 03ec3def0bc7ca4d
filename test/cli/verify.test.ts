import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import demoCase from '../../fixtures/demo/case.json' with { type: 'json' }
import { createTrustCollection, readServedFolder, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { type Ran, runProgram, type World } from './program.js'

const { gun, expect: signed } = demoCase
const now = new Date(demoCase.now)
const reference = `${gun}:1.0`
const canonical = `${gun}@${signed.digest}`
const STALE =
  'dct: warning: Error while downloading remote metadata, using cached timestamp - this might not be the latest version available remotely'

let server: TestTrustServer
let folder: string

beforeAll(async () => {
  server = await serveFixture()
})
afterAll(() => server.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-cli-'))
  await writeFile(join(folder, 'ca.crt'), server.ca)
})
afterEach(() => rm(folder, { recursive: true }))

const serveFixture = async () => startTrustServer({ collections: [await readServedFolder(gun, 'fixtures/demo/served')] })

/** `dct verify` against the fixture, with a cache of its own. */
function verify(argv: readonly string[], world: World = {}, url: string = server.url): Promise<Ran> {
  return runProgram(['verify', '--server', url, '--tlscacert', join(folder, 'ca.crt'), '--config', folder, ...argv], {
    now,
    ...world,
  })
}

describe('what is printed', () => {
  test('the canonical reference alone on standard output; nothing on standard error once the root is known', async () => {
    const first = await verify([reference])
    expect(first).toMatchObject({ status: 0, out: `${canonical}\n` })
    expect(first.err).toMatch(/^dct: warning: registry\.example\/demo\/app was never verified here before: .*first use.*\n$/)
    expect(await verify([reference])).toEqual({ status: 0, out: `${canonical}\n`, err: '' })
  })

  test('a summary for people on a terminal or with --verbose, none with --quiet', async () => {
    const summary =
      /^dct: verified registry\.example\/demo\/app 1\.0: targets\/releases, signed by alice; root cached-root, fresh, good until /m
    await verify([reference])
    expect((await verify([reference], { terminal: true, env: { TERM: 'dumb' } })).err).toMatch(summary)
    expect((await verify(['--verbose', reference])).err).toMatch(summary)
    expect((await verify(['--quiet', reference], { terminal: true, env: { TERM: 'dumb' } })).err).toBe('')
  })

  test('errors with Docker words and a hint; --quiet drops the hint, never the error', async () => {
    const ran = await verify([`${gun}:2.0`])
    expect(ran).toMatchObject({ status: 3, out: '' })
    expect(ran.err).toContain(
      'dct: error: No valid trust data for 2.0 (ERR_TAG_NOT_SIGNED)\ndct: hint: The collection is signed but this tag is not.',
    )
    expect((await verify(['--quiet', `${gun}:2.0`])).err).toBe('dct: error: No valid trust data for 2.0 (ERR_TAG_NOT_SIGNED)\n')
  })

  test('--json: one object a line in input order, each an answer with its warnings, or a failure', async () => {
    const { out, err, status } = await verify(['--json', `${gun}:2.0`, reference])
    const [failed, trusted] = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(status).toBe(3)
    expect(failed).toMatchObject({
      status: 'failed',
      reference: `${gun}:2.0`,
      error: { code: 'ERR_TAG_NOT_SIGNED', kind: 'unsigned', retryable: false },
    })
    expect(trusted).toMatchObject({
      ...signed,
      reference,
      gun,
      tag: '1.0',
      canonicalReference: canonical,
      rootTrust: 'first-use',
      freshness: 'fresh',
      server: server.url,
    })
    expect(trusted.warnings.map(({ code }: { code: string }) => code)).toContain('WARN_FIRST_USE')
    expect(err).not.toContain('warning')
  })

  test('an unknown collection in the words of the manual, with host and port as typed', async () => {
    const ran = await verify(['registry.example/other:1'])
    const host = server.url.slice('https://'.length)
    expect(ran.err).toContain(
      `dct: error: remote trust data does not exist for registry.example/other: ${host} does not have trust data for registry.example/other (ERR_NO_TRUST_DATA)\n`,
    )
    expect(ran.status).toBe(3)
  })
})

describe('several references', () => {
  test('input order, duplicates answered twice, a malformed one does not stop the others, the most severe status counts', async () => {
    const ran = await verify([reference, 'Upper/Case', reference, `${gun}:0.9`])
    expect(ran.status).toBe(2)
    expect(ran.out.split('\n').slice(0, 2)).toEqual([canonical, canonical])
    expect(ran.out.trimEnd().split('\n')).toHaveLength(3)
    expect(ran.err).toContain('must be lowercase')
  })

  test('"-" reads them from standard input, without comments and empty lines', async () => {
    const ran = await verify(['-'], { stdin: `# ours\n\n  ${reference}\r\n${gun}:0.9` })
    expect(ran.status).toBe(0)
    expect(ran.out.trimEnd().split('\n')).toHaveLength(2)
  })

  test('more lines on standard input than the limit are a usage error, however short', async () => {
    const ran = await verify(['-'], { stdin: 'a\n'.repeat(400_000) })
    expect(ran).toMatchObject({ status: 2, out: '', err: expect.stringContaining('more than 100000 references') })
  })

  test('empty standard input, or no reference at all, is a usage error', async () => {
    expect(await verify(['-'])).toMatchObject({ status: 2, out: '' })
    expect(await verify([])).toMatchObject({ status: 2, out: '' })
  })
})

describe('the switch', () => {
  test.each(['0', 'f', 'F', 'false', 'False', 'FALSE'])(
    'DOCKER_CONTENT_TRUST=%s switches off: said, nothing asked, nothing written',
    async (value) => {
      const ran = await verify([reference], { env: { DOCKER_CONTENT_TRUST: value } }, 'not even a URL')
      expect(ran).toEqual({
        status: 0,
        out: '',
        err: `dct: content trust is switched off by DOCKER_CONTENT_TRUST: ${reference} was not verified\n`,
      })
      expect(await readdir(folder)).toEqual(['ca.crt'])
    },
  )

  test.each(['', '1', 'no', 'off', '2', undefined])('DOCKER_CONTENT_TRUST=%s leaves it on', async (value) => {
    expect((await verify([reference], { env: { DOCKER_CONTENT_TRUST: value } })).out).toBe(`${canonical}\n`)
  })

  test('the flag wins over the environment, both ways', async () => {
    const off = await verify(['--json', '--disable-content-trust', reference], { env: { DOCKER_CONTENT_TRUST: '1' } })
    expect(JSON.parse(off.out)).toEqual({ status: 'disabled', reference, reason: 'option' })
    for (const word of ['false', '0', 'F']) {
      const on = await verify([`--disable-content-trust=${word}`, reference], { env: { DOCKER_CONTENT_TRUST: '0' } })
      expect(on.out).toBe(`${canonical}\n`)
    }
  })

  test('its value follows "=" only: the next word is a reference', async () => {
    const ran = await verify(['--disable-content-trust', 'false'])
    expect(ran).toEqual({
      status: 0,
      out: '',
      err: 'dct: content trust is switched off by --disable-content-trust: false was not verified\n',
    })
  })

  test.each(['', 'maybe', 'TrUe'])('a value %j that is no Go boolean is a usage error', async (word) => {
    expect(await verify([`--disable-content-trust=${word}`, reference])).toMatchObject({ status: 2, out: '' })
  })

  test('when content trust is off, a malformed reference is a usage error, and files that options name are not read', async () => {
    const ran = await verify(['--disable-content-trust', '--pinning', join(folder, 'none.json'), 'Bad', reference])
    expect(ran.status).toBe(2)
    expect(ran.err).toContain('must be lowercase')
    expect(ran.err).not.toContain('none.json')
  })
})

describe('cache, stale and offline', () => {
  test('without the server: the cached timestamp with the stale sentence, and exit 0; an error with --stale-fallback refuse', async () => {
    await verify([reference])
    const gone = 'https://localhost:1'
    // another server's cache does not stand in
    expect(await verify([reference], {}, gone)).toMatchObject({ status: 5, out: '' })
    const second = await serveFixture()
    await writeFile(join(folder, 'ca.crt'), second.ca)
    await verify([reference], {}, second.url)
    await second.close()
    const stale = await verify(['--json', reference], {}, second.url)
    expect(stale.status).toBe(0)
    expect(stale.err.startsWith(`${STALE} (`)).toBe(true)
    expect(JSON.parse(stale.out)).toMatchObject({
      status: 'trusted',
      freshness: 'stale',
      warnings: [{ code: 'WARN_STALE_TIMESTAMP' }],
    })
    expect(await verify(['--stale-fallback', 'refuse', reference], {}, second.url)).toMatchObject({ status: 5, out: '' })
  })

  test('--offline answers from the cache, and names the missing file without one', async () => {
    const none = await verify(['--offline', reference])
    expect(none.status).toBe(5)
    expect(none.err).toContain('offline')
    await verify([reference])
    expect(JSON.parse((await verify(['--offline', '--json', reference])).out)).toMatchObject({ freshness: 'offline' })
  })

  test('a cache that cannot be removed is ERR_CACHE, exit 5', async () => {
    await verify([reference])
    const elsewhere = join(folder, 'elsewhere')
    await rename(join(folder, 'trust', 'tuf'), elsewhere)
    await symlink(elsewhere, join(folder, 'trust', 'tuf'))
    const ran = await runProgram(['cache', '--config', folder, 'forget', gun])
    expect(ran).toMatchObject({
      status: 5,
      out: '',
      err: expect.stringContaining(`dct: error: the cache of ${gun} cannot be removed`),
    })
    expect(await readdir(elsewhere)).not.toEqual([])
  })

  test('dct cache lists, verifies and forgets', async () => {
    const cache = (...argv: string[]) => {
      const where = argv[0] === 'verify' ? ['--server', server.url] : []
      return runProgram(['cache', ...argv, '--config', folder, ...where], { now })
    }
    expect(await cache('list')).toEqual({ status: 0, out: '', err: '' })
    await verify([reference])
    // Folders that somebody else put there: no names of collections, and nothing to be printed.
    for (const planted of ['registry.example%1b[2J', 'regis\u202etry.example', 'a b'])
      await mkdir(join(folder, 'trust', 'tuf', planted, 'app', 'metadata', 'root.json'), { recursive: true })
    expect((await cache('list')).out).toBe(`${gun}\n`)
    expect((await cache('verify')).status).toBe(0)
    expect((await cache('verify', gun)).out).toMatch(
      /^registry\.example\/demo\/app root:2 timestamp:\d+ snapshot:\d+ targets:\d+ .*expires 20/,
    )
    expect((await cache('verify', gun)).err).toMatch(
      /^dct: root key of registry\.example\/demo\/app: [0-9a-f]{64} \(canonical ID [0-9a-f]{64}\)\n$/,
    )
    expect((await cache('verify', '--quiet', gun)).err).toBe('')
    const forgotten = await cache('forget', gun)
    expect(forgotten).toMatchObject({ status: 0, out: '' })
    expect(forgotten.err).toContain('trusted on first use')
    expect((await cache('list')).out).toBe('')
    expect(await cache('polish')).toMatchObject({ status: 2 })
  })
})

describe('a collection that was made anew', () => {
  const anew = createTrustCollection(gun, { seed: 'anew', now })
  anew.sign('1.0', 'other')
  anew.publish()

  /** What verifying says once another collection of the same name is served. */
  async function refused(...options: string[]): Promise<Ran> {
    const other = await startTrustServer({ collections: [anew] })
    try {
      const place = ['--tlscacert', join(folder, 'other.crt'), ...options]
      await writeFile(join(folder, 'other.crt'), other.ca)
      await verify([...options, reference])
      return await verify([...place, reference], {}, other.url)
    } finally {
      await other.close()
    }
  }

  test('is refused with the old and the new root key, and the hint ends in the command that forgets the old one', async () => {
    const trustDir = join(folder, 'trust dir')
    const ran = await refused('--trust-dir', trustDir)
    expect(ran).toMatchObject({ status: 1, out: '' })
    const [key] = anew.keys('root')
    expect(ran.err).toContain('could not rotate trust to a new trusted root')
    expect(ran.err).toMatch(new RegExp(`offered is root key ${key?.id} \\(canonical ID [0-9a-f]{64}\\)`))
    expect(ran.err.trimEnd()).toMatch(new RegExp(`dct cache forget ${gun} --trust-dir '${trustDir}' --config ${folder}$`))
  })

  test('--json has the same command', async () => {
    const { out } = await refused('--json', '--trust-dir', join(folder, 'x'))
    expect(JSON.parse(out)).toMatchObject({
      status: 'failed',
      reference,
      error: {
        code: 'ERR_ROOT_ROTATION',
        hint: expect.stringMatching(`dct cache forget ${gun} --trust-dir ${join(folder, 'x')} `),
      },
    })
  })
})

describe('pins', () => {
  const pinned = async (content: unknown) => {
    const file = join(folder, 'pins', 'pinning.json')
    await mkdir(join(folder, 'pins'))
    await writeFile(file, JSON.stringify(content))
    return verify(['--json', '--pinning', file, reference])
  }

  test('a file with the bare object, or under trust_pinning', async () => {
    const ran = await pinned({ trust_pinning: { certs: { [gun]: ['0'.repeat(64)] } } })
    expect(JSON.parse(ran.out).error).toMatchObject({ code: 'ERR_PIN_MISMATCH', kind: 'untrusted' })
    expect(ran.status).toBe(1)
  })

  test('CA paths are relative to the file', async () => {
    await writeFile(join(folder, 'root-ca.crt'), server.ca)
    const ran = await pinned({ ca: { 'registry.example/': '../root-ca.crt' } })
    expect(JSON.parse(ran.out).error.code).toBe('ERR_PIN_MISMATCH')
  })

  test.each([
    ['no JSON', 'text'],
    ['an unknown field', { trust_pinning: { keys: {} } }],
    ['an empty list', { certs: { [gun]: [] } }],
    ['a CA file that is not there', { ca: { x: 'none.pem' } }],
  ])('%s is a usage error', async (_what, content) => {
    expect((await pinned(content)).status).toBe(2)
  })
})

describe('other commands and typing errors', () => {
  test('dct alone shows help on standard error and exits 2; --help and --version on standard output', async () => {
    expect(await runProgram([])).toMatchObject({ status: 2, out: '', err: expect.stringContaining('Usage: dct') })
    expect(await runProgram(['--help'])).toMatchObject({ status: 0, err: '', out: expect.stringContaining('Usage: dct') })
    expect(await runProgram(['verify', '--help'])).toMatchObject({ status: 0, out: expect.stringContaining('--stale-fallback') })
    expect((await runProgram(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test.each([
    [['verfy', 'alpine'], 'is not a command'],
    [['alpine:3.19'], 'dct verify alpine:3.19'],
    [['verify', '--no-such-option', 'alpine'], '--no-such-option'],
    [['verify', '--timeout', 'soon', 'alpine'], '--timeout'],
    [['verify', '--timeout', '0', 'alpine'], '--timeout'],
    [['verify', '--stale-fallback', 'maybe', 'alpine'], '--stale-fallback'],
    [['verify', '--server', 'http://x.example', 'alpine'], 'valid https URL required for trust server'],
    [['verify', '--tlscacert', '/none/ca.pem', 'alpine'], '--tlscacert'],
    [['verify', '--tlscacert', import.meta.filename, 'alpine'], 'verify.test.ts: no PEM certificate'],
    [['verify', '--role', 'targets', 'alpine'], '--role'],
    [['lookup', 'gun'], 'dct lookup needs'],
    [['lookup', 'a//b', 'x'], 'GUN'],
  ])('%j is a usage error that says %j', async (argv, word) => {
    const ran = await runProgram(argv, { now })
    expect(ran.err).toContain(word)
    expect(ran).toMatchObject({ status: 2, out: '' })
  })

  test('dct lookup prints target, digest and size, and takes roles', async () => {
    const lookup = (...argv: string[]) =>
      runProgram(['lookup', '--server', server.url, '--tlscacert', join(folder, 'ca.crt'), '--config', folder, ...argv], { now })
    expect((await lookup(gun, '1.0')).out).toBe(`1.0 ${signed.digest} ${signed.size}\n`)
    expect(await lookup('--role', 'targets', gun, '1.0')).toMatchObject({ status: 3, out: '' })
    const before = server.requests.filter(({ file }) => file === 'timestamp').length
    expect((await lookup(gun, '1.0', 'none', '0.9')).out.split('\n')).toHaveLength(3)
    expect(server.requests.filter(({ file }) => file === 'timestamp').length - before, 'one refresh for all').toBe(1)
  })

  test('an aborted run exits 130', async () => {
    expect(await verify([reference], { signal: AbortSignal.abort(new Error('interrupted')) })).toMatchObject({
      status: 130,
      out: '',
    })
  })
})

test('the demo shows the four cases with their codes, and the digest on standard output', async () => {
  const ran = await runProgram(['demo'])
  expect(ran).toMatchObject({ status: 0, out: `${canonical}\n` })
  const codes = [...ran.err.matchAll(/ERR_[A-Z_]+|WARN_[A-Z_]+/g)].map(([code]) => code)
  expect(codes).toEqual(['ERR_TAG_NOT_SIGNED', 'ERR_HASH_MISMATCH', 'WARN_STALE_TIMESTAMP'])
})
