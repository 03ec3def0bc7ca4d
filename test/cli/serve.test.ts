/** `dct serve`: what it says of its start, and the signals that it takes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runProgram } from './program.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-serve-'))
  await writeFile(join(folder, 'policy.yaml'), 'version: 1\ndefault: { action: deny }\nrules: []\n')
})
afterEach(() => rm(folder, { recursive: true }))

const signals = ['SIGTERM', 'SIGHUP'] as const
const handlers = () => signals.map((name) => process.listenerCount(name))
const words = (listen: string) => ['serve', '--listen', listen, '--policy', join(folder, 'policy.yaml')]

test('handles SIGTERM and SIGHUP before it says that it listens', async () => {
  const before = handlers()
  const stop = new AbortController()
  let then: readonly number[] = []
  const { status, err } = await runProgram(words('127.0.0.1:0'), {
    env: { HOME: folder },
    signal: stop.signal,
    screen: (text) => {
      if (!text.includes('listening on http port')) return
      then = handlers()
      stop.abort()
    },
  })
  expect([status, err]).toEqual([
    0,
    expect.stringMatching(/^dct: listening on http port ([0-9]+): http:\/\/127\.0\.0\.1:\1\ndct: stopping: .*\n$/),
  ])
  expect(then).toEqual(before.map((count) => count + 1))
  expect(handlers()).toEqual(before)
})

test('a start that fails leaves no handlers', async () => {
  const before = handlers()
  expect((await runProgram(words('nonsense'), { env: { HOME: folder } })).status).toBe(2)
  expect(handlers()).toEqual(before)
})
