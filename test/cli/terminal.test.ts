/** Output that only a terminal gets: the progress line, the repeated failures, the invitation to type. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startProgress } from '../../src/cli/progress.js'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { type Ran, runProgram, type World } from './program.js'
import { Screen } from './screen.js'

const GUN = 'registry.example/team/app'
const SLOW = 'registry.example/team/slow'
const DIGEST = `sha256:${'a'.repeat(64)}`

let server: TestTrustServer
let folder: string
let screen: Screen

beforeAll(async () => {
  const collections = [GUN, SLOW].map((gun) => createTrustCollection(gun, { now: new Date(), tags: { '1.0': 'x' } }).publish())
  server = await startTrustServer({ collections })
  folder = await mkdtemp(join(tmpdir(), 'dct-terminal-'))
  await writeFile(join(folder, 'ca.crt'), server.ca)
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  server.faults.clear()
  screen = new Screen()
})

const TERMINAL: World = { terminal: true, env: { TERM: 'xterm' }, columns: 80 }
/** Without progress, which a busy machine would draw between the lines. */
const CALM: World = { ...TERMINAL, env: { TERM: 'dumb' } }

function dct(argv: readonly string[], world: World = TERMINAL): Promise<Ran> {
  const [command = '', ...rest] = argv
  const options = ['--server', server.url, '--tlscacert', join(folder, 'ca.crt'), '--config', folder]
  return runProgram([command, ...options, ...rest], { screen: screen.write, ...world })
}

describe('progress', () => {
  /** Takes longer than the half second before progress is drawn. */
  const slowly = (...argv: string[]) => ['verify', '--timeout', '1', ...argv]

  test('of a long run is one line with the current step, erased at the end', async () => {
    await dct(['verify', `${GUN}:1.0`])
    server.faults.set('timestamp', 'silent')
    screen = new Screen()
    const { status, out } = await dct(slowly(`${GUN}:1.0`))
    expect(status).toBe(0)
    expect(out).toMatch(/^registry\.example\/team\/app@sha256:\w{64}\n$/)
    expect(screen.drawn.some((line) => line.startsWith(`dct: asking ${server.url}/v2/`))).toBe(true)
    expect(screen.last).toBe('')
    for (const line of screen.lines) expect(line).not.toContain('dct: asking')
  })

  test('of several references counts those that are done, and never mixes with other lines', async () => {
    server.faults.set('timestamp', 'silent')
    const references = [`${GUN}@${DIGEST}`, 'Bad', `${SLOW}:1.0`, `${GUN}@${DIGEST}`]
    const ran = await dct(slowly('--digest-references', 'accept', ...references))
    expect(screen.drawn).toContainEqual(expect.stringMatching(/^dct: 2 of 4, asking https:/))
    expect(screen.last).toBe('')
    const shown = screen.lines.join('')
    const said = ran.err.replace(/\r\u001b\[K(?:dct: \d of 4, [^\r]*)?/g, '')
    for (const line of `${ran.out}${said}`.split('\n')) expect(shown).toContain(line)
    expect(said).toMatch(/^dct: error: .*\n(?:.*\n)*dct: of 4 references /m)
    expect(shown).not.toMatch(/\d of 4, /)
  })

  test('fits a narrow terminal', async () => {
    server.faults.set('*', 'silent')
    screen = new Screen(30)
    await dct(slowly('-q', `${SLOW}:1.0`), { ...TERMINAL, columns: 30 })
    screen = new Screen(30)
    await dct(slowly(`${SLOW}:1.0`), { ...TERMINAL, columns: 30 })
    expect(screen.drawn).toContainEqual(expect.stringMatching(/^dct: asking https:.*…$/))
    for (const line of screen.drawn) expect(line.length).toBeLessThanOrEqual(30)
    expect(screen.lines.join('\n')).not.toContain('asking')
  })

  test('is erased when Ctrl-C ends the run', async () => {
    server.faults.set('*', 'silent')
    const interrupted = new AbortController()
    setTimeout(() => interrupted.abort(new Error('interrupted')), 900)
    const { status, out } = await dct(['verify', `${SLOW}:1.0`], { ...TERMINAL, signal: interrupted.signal })
    expect({ status, out }).toEqual({ status: 130, out: '' })
    expect(screen.drawn).toContainEqual(expect.stringMatching(/^dct: asking /))
    expect([...screen.lines, screen.last]).toEqual([''])
  })

  test.each<[string, readonly string[], World]>([
    ['without a terminal', [], { ...TERMINAL, terminal: false }],
    ['with --quiet', ['--quiet'], TERMINAL],
    ['on a terminal that is dumb', [], { ...TERMINAL, env: { TERM: 'dumb' } }],
  ])('is not drawn %s', async (_where, options, world) => {
    server.faults.set('*', 'silent')
    const { err } = await dct(slowly(...options, `${SLOW}:1.0`), world)
    expect(err).not.toMatch(/[\r\u001b]|asking/)
  })

  test('is drawn whatever NO_COLOR says', async () => {
    server.faults.set('*', 'silent')
    expect((await dct(slowly(`${SLOW}:1.0`), { ...TERMINAL, env: { TERM: 'xterm', NO_COLOR: '1' } })).err).toContain(
      '\r\u001b[Kdct: asking ',
    )
  })

  test('is not drawn for a short run', async () => {
    const before = performance.now()
    const { err } = await dct(['verify', '--digest-references', 'accept', `${GUN}@${DIGEST}`])
    if (performance.now() - before < 500) expect(err).not.toMatch(/[\r\u001b]/)
  })
})

describe('the end of a list', () => {
  const many = Array.from({ length: 200 }, (_, n) => (n % 50 === 7 ? `${GUN}:${n}` : `${GUN}@${DIGEST}`))
  const failed = [7, 57, 107, 157]
  const list = ['verify', '--digest-references', 'accept', `${GUN}:1.0`, ...many]

  test('of 200 references repeats the failures with their codes, one line each', async () => {
    const { err, status } = await dct(list, CALM)
    expect(status).toBe(3)
    expect(err.trimEnd().split('\n').slice(-5)).toEqual([
      'dct: of 201 references 1 verified, 196 not verified, 4 failed:',
      ...failed.map((n) => `dct:   ERR_TAG_NOT_SIGNED ${GUN}:${n}`),
    ])
  })

  test('is the only addition on a terminal, beside the lines of --verbose; standard output is the same', async () => {
    await dct(list, CALM)
    const plain = await dct(list, { ...CALM, terminal: false })
    const shown = await dct(list, CALM)
    expect(shown.out).toBe(plain.out)
    expect(plain.err).not.toMatch(/^dct: of /m)
    const own = shown.err.split('\n').filter((line) => !/^dct: {3}|^dct: (?:of|verified) /.test(line))
    expect(own.join('\n')).toBe(plain.err)
  })

  test('is not written with --quiet, nor for one reference', async () => {
    expect((await dct(['verify', '-q', `${GUN}:2`, `${GUN}:3`], CALM)).err).not.toMatch(/^dct: of /m)
    expect((await dct(['verify', `${GUN}:2`], CALM)).err).not.toMatch(/^dct: of /m)
  })

  test('reports that all are verified', async () => {
    expect((await dct(['verify', `${GUN}:1.0`, `${GUN}:1.0`], CALM)).err).toMatch(/^dct: of 2 references 2 verified$/m)
  })

  test('cuts long references in their middle, to the width, with wide letters too', async () => {
    const long = [`${GUN}/${'long/'.repeat(40)}app:1.0`, `${'字'.repeat(100)}:1.0`]
    const { err } = await dct(['verify', ...long], { ...CALM, columns: 60 })
    const lines = err.trimEnd().split('\n').slice(-2)
    expect(lines[0]).toMatch(/^dct: {3}ERR_NO_TRUST_DATA registry\.example.*….*app:1\.0$/)
    expect(lines[1]).toMatch(/^dct: {3}ERR_REFERENCE_INVALID 字+…字+:1\.0$/)
    for (const line of lines) expect([...line].reduce((sum, letter) => sum + (letter < '\u0080' ? 1 : 2), 0)).toBeLessThan(60)
  })

  test('of dct lookup is the same', async () => {
    const { err } = await dct(['lookup', GUN, '1.0', 'none'], CALM)
    expect(err).toMatch(/^dct: of 2 targets 1 verified, 1 failed:\ndct: {3}ERR_TAG_NOT_SIGNED none\n$/m)
  })
})

describe('references that are typed', () => {
  const INVITATION = /^dct: reading image references from standard input, one a line; .* the list, Ctrl-C stops\n/

  test('are asked for on a terminal, not for a pipe, not without a terminal for errors, not with --quiet', async () => {
    const typed = { ...TERMINAL, typed: true, stdin: `${GUN}:1.0\n` }
    expect((await dct(['verify', '-'], typed)).err).toMatch(INVITATION)
    expect((await dct(['verify', '-'], { ...typed, typed: false })).err).not.toMatch(INVITATION)
    expect((await dct(['verify', '-'], { ...typed, terminal: false })).err).not.toMatch(INVITATION)
    expect((await dct(['verify', '-q', '-'], typed)).err).not.toMatch(INVITATION)
    expect((await dct(['verify', `${GUN}:1.0`], typed)).err).not.toMatch(INVITATION)
  })

  test('Ctrl-C while they are typed: 130 at once, and nothing is verified', async () => {
    const interrupted = new AbortController()
    const stdin = (async function* () {
      yield `${GUN}:1.0\n`
      setTimeout(() => interrupted.abort(new Error('interrupted')), 10)
      await new Promise(() => undefined)
    })()
    const before = server.requests.length
    expect(await dct(['verify', '-'], { stdin, signal: interrupted.signal })).toEqual({ status: 130, out: '', err: '' })
    expect(server.requests).toHaveLength(before)
  })
})

test('progress does not keep a process alive', () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  using _progress = startProgress(
    {
      env: {},
      out: () => undefined,
      err: () => undefined,
      stdin: process.stdin,
      terminal: true,
      signal: new AbortController().signal,
    },
    { values: {} },
  )
  expect(timers()).toBe(before)
})
