/** The program on a real terminal, which `script` of util-linux makes. `npm test` builds it first. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { Screen } from './screen.js'

const BIN = fileURLToPath(new URL('../../dist/cli/bin.cjs', import.meta.url))
const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const COLUMNS = 100
const INVITATION = 'dct: reading image references from standard input, one a line; Ctrl-D ends the list, Ctrl-C stops'

let server: TestTrustServer
let folder: string
let child: ChildProcess | undefined

beforeEach(async () => {
  const app = createTrustCollection('registry.example/team/app', { now: new Date(), tags: { '1.0': 'x' } }).publish()
  server = await startTrustServer({ collections: [app] })
  folder = await mkdtemp(join(tmpdir(), 'dct-pty-'))
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await server.close()
  await rm(folder, { recursive: true })
})

interface OnTerminal {
  readonly screen: Screen
  type(keys: string): void
  /** Once it is shown, above the cursor or where it stands. */
  shown(text: string): Promise<void>
  readonly status: Promise<number | null>
}

/** Words for the shell, `dct` among them. */
function start(words: string): OnTerminal {
  const screen = new Screen(COLUMNS)
  const command = `stty cols ${COLUMNS}; ${words}`
  const env = { PATH: process.env['PATH'], HOME: folder, SHELL: '/bin/sh', TERM: 'xterm', ...server.env }
  const started = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  child = started
  let isShown = (): void => undefined
  started.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen.write(text)
    isShown()
  })
  const status = new Promise<number | null>((resolve, reject) => started.on('error', reject).on('close', resolve))
  return {
    screen,
    status,
    type: (keys) => started.stdin.write(keys),
    shown: (text) =>
      new Promise((resolve) => {
        isShown = () => {
          if ([...screen.lines, screen.last].join('\n').includes(text)) resolve()
        }
        isShown()
      }),
  }
}

const DCT = `exec '${process.execPath}' '${BIN}'`

// Other systems have another `script`, or none; the rules themselves are tested in terminal.test.ts.
describe.runIf(process.platform === 'linux')('on a real terminal', () => {
  test('dct verify - prints what it waits for, and the first Ctrl-C ends it', async () => {
    const { screen, shown, type, status } = start(`${DCT} verify -`)
    await shown(INVITATION)
    type(CTRL_C)
    expect(await status).toBe(130)
    expect(screen.lines).toEqual([INVITATION])
    expect(server.requests).toEqual([])
  })

  test('dct verify - verifies what was typed before Ctrl-D', async () => {
    const { screen, shown, type, status } = start(`${DCT} verify -`)
    await shown(INVITATION)
    type(`registry.example/team/app:1.0\n${CTRL_D}`)
    expect(await status).toBe(0)
    expect(screen.lines).toContainEqual(expect.stringMatching(/^registry\.example\/team\/app@sha256:\w{64}/))
  })

  test('prints no invitation for a list from a pipe', async () => {
    const { screen, status } = start(`echo registry.example/team/app:1.0 | '${process.execPath}' '${BIN}' verify -`)
    expect(await status).toBe(0)
    expect(screen.lines).not.toContain(INVITATION)
  })

  test('shows that it waits for a silent server, and erases the line on Ctrl-C', async () => {
    server.faults.set('*', 'silent')
    const { screen, shown, type, status } = start(`${DCT} verify registry.example/team/app:1.0 registry.example/team/app:2.0`)
    await shown('dct: 0 of 2, asking https://localhost:')
    type(CTRL_C)
    expect(await status).toBe(130)
    expect([...screen.lines, screen.last].join('\n')).not.toContain('asking')
  })

  test('writes no terminal codes to standard error that is a file', async () => {
    const words = `${DCT} verify registry.example/team/app:1.0 registry.example/team/app:2.0 2>${folder}/err`
    const { screen, status } = start(words)
    expect(await status).toBe(3)
    expect(screen.lines.filter((line) => line.startsWith('dct: '))).toEqual([])
    const err = await readFile(join(folder, 'err'), 'utf8')
    expect(err).toContain('dct: error: ')
    expect(err).not.toMatch(/\u001b|^dct: (?:of|verified) /m)
  })
})
