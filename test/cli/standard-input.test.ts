/** `dct verify -`: long lists, comments, and input that is no list. */
import { expect, test } from 'vitest'
import { runProgram } from './program.js'

const never = new AbortController().signal
const DIGEST = `sha256:${'a'.repeat(64)}`

/** Asks no server: digest references are printed as they are. */
const read = (stdin: string) => runProgram(['verify', '--digest-references', 'accept', '-q', '-'], { stdin })

test('a comment begins at the start of a line, or after white space', async () => {
  const lines = ['# all of it', '', `  alpine@${DIGEST}  # why`, `busybox@${DIGEST}\t#why`, '   # indented', `debian@${DIGEST}\r`]
  expect(await read(lines.join('\n'))).toMatchObject({
    status: 0,
    out: ['alpine', 'busybox', 'debian'].map((name) => `docker.io/library/${name}@${DIGEST}\n`).join(''),
  })
  expect((await read('alpine#3')).err, 'without white space it is a part of the reference').toContain('invalid reference format')
})

/** Microseconds of processor time: what others do on the machine does not count. */
const ENOUGH = 20_000_000

test('reads 100,000 equal references within the limit of processor time', async () => {
  const before = process.cpuUsage()
  const { status, out } = await read(`# a list\n${`alpine@${DIGEST}\n`.repeat(100_000)}\n# its end`)
  expect(status).toBe(0)
  expect(out.split('\n')).toHaveLength(100_001)
  expect(process.cpuUsage(before).user).toBeLessThan(ENOUGH)
}, 120_000)

test('reads 100,000 different references, valid and invalid, within the limit of processor time', async () => {
  const before = process.cpuUsage()
  const lines = Array.from({ length: 50_000 }, (_, n) => `app${n}@${DIGEST}\nBad${n}`)
  const { status, out } = await read(lines.join('\n'))
  expect(status).toBe(2)
  expect(out.split('\n')).toHaveLength(50_001)
  expect(process.cpuUsage(before).user).toBeLessThan(ENOUGH)
}, 120_000)

test.each([
  ['one reference more', `alpine@${DIGEST}\n`.repeat(100_001)],
  ['200,000 references', 'a\n'.repeat(200_000)],
  ['a line without an end', 'a'.repeat(10_000_000)],
])('%s: a usage error, with nothing verified', async (_what, stdin) => {
  const { status, out, err } = await read(stdin)
  expect({ status, out }).toEqual({ status: 2, out: '' })
  expect(err).toContain('standard input holds')
})

test('refuses an endless line before it ends', async () => {
  let chunks = 0
  const stdin = (async function* () {
    for (; chunks < 1000; chunks++) yield 'a'.repeat(100_000)
  })()
  const { readReferences } = await import('../../src/cli/standard-input.js')
  await expect(readReferences({ stdin, signal: never })).rejects.toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
  expect(chunks).toBeLessThan(3)
})

test('joins letters that two chunks share', async () => {
  const { readReferences } = await import('../../src/cli/standard-input.js')
  const bytes = new TextEncoder().encode('alpine # für\nbusybox')
  const stdin = (async function* () {
    for (const byte of bytes) yield Uint8Array.of(byte)
  })()
  expect(await readReferences({ stdin, signal: never })).toEqual(['alpine', 'busybox'])
})
