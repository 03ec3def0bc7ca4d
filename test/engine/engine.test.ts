/** Running an engine's client: no shell, its output and status, its end with ours. The client is a script that says what it got. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runEngine } from '../../src/engine/engine.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-engine-'))
})
afterAll(() => rm(folder, { recursive: true }))

let scripts = 0
async function script(text: string): Promise<string> {
  const program = join(folder, `client-${scripts++}`)
  await writeFile(program, `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  return program
}

const env = { PATH: process.env['PATH'] }
const never = new AbortController().signal

async function linesOf(program: string, ...args: string[]): Promise<{ status: number; lines: string[] }> {
  const lines: string[] = []
  const status = await runEngine({ program, env, signal: never }, args, (line) => lines.push(line))
  return { status, lines }
}

test('words are passed as they are, whatever a shell would make of them', async () => {
  const args = ['pull', 'a b', '$(id)', '`id`', ';id', "'", '"', '*', '']
  const { lines } = await linesOf(await script('for word in "$@"; do echo "[$word]"; done'), ...args)
  expect(lines).toEqual(args.map((word) => `[${word}]`))
})

test('the status is that of the client', async () => {
  expect((await linesOf(await script('exit 7'))).status).toBe(7)
  expect((await linesOf(await script('exit 0'))).status).toBe(0)
})

test('a client that a signal ended has 128 and its number', async () => {
  expect((await linesOf(await script('kill -9 $$'))).status).toBe(137)
})

test('lines come whole, the last one without an end too, letters of several bytes in one piece', async () => {
  const { lines } = await linesOf(await script('printf "one\\r\\ntwo\\n\\nd\\303"; sleep 0.1; printf "\\251"'))
  expect(lines).toEqual(['one', 'two', '', 'dé'])
})

test('a line that never ends is handed on in pieces', async () => {
  const { lines } = await linesOf(await script('head -c 300000 /dev/zero | tr "\\0" x'))
  expect(lines.length).toBeGreaterThan(1)
  expect(lines.join('')).toBe('x'.repeat(300_000))
})

describe('a client that cannot be run', () => {
  test.each([
    ['is not there', 'no-such-engine', 'there is no such program'],
    ['is a folder', tmpdir(), 'EACCES'],
  ])('%s', async (_, program, message) => {
    const running = runEngine({ program, env, signal: never }, ['pull', 'x'], 'ignore')
    await expect(running).rejects.toMatchObject({
      code: 'ERR_SETTINGS_INVALID',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('--engine'),
    })
  })
})

test('after Ctrl-C nothing is started', async () => {
  const reason = new Error('interrupted')
  await expect(runEngine({ program: 'true', env, signal: AbortSignal.abort(reason) }, [], 'ignore')).rejects.toBe(reason)
})

test('Ctrl-C is passed on, and listeners are let go', async () => {
  const before = process.listenerCount('SIGTERM')
  const interrupted = new AbortController()
  const program = await script('trap "exit 3" INT; echo ready; while :; do sleep 0.05; done')
  const status = await runEngine({ program, env, signal: interrupted.signal }, [], () => interrupted.abort())
  expect(status).toBe(3)
  expect(process.listenerCount('SIGTERM')).toBe(before)
})

test('what would end us ends the client', async () => {
  const program = await script('trap "exit 4" TERM; echo ready; while :; do sleep 0.05; done')
  // As if a signal had come.
  expect(await runEngine({ program, env, signal: never }, [], () => process.emit('SIGTERM', 'SIGTERM'))).toBe(4)
})
