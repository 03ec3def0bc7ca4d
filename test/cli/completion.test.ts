/** The completions, typed with the Tab key in real shells on a real terminal. `npm test` builds the program first. */
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SHOWN_COMMANDS } from '../../src/cli/commands.js'
import { createTrustCollection, startTrustServer } from '../../src/testing/index.js'
import { runProgram } from './program.js'

const BIN = fileURLToPath(new URL('../../dist/cli/bin.cjs', import.meta.url))
const GUN = 'registry.example:5000/team/app'
const TAB = '\t'
const START_OF_LINE = '\u0001'
/** Milliseconds for a shell to answer. Stops a shell that waits for something else. */
const PATIENCE = 30_000

const SHELLS = {
  bash: { start: 'bash --norc --noprofile -i', setUp: "PS1='READY''> '; source <(dct completion bash)" },
  zsh: {
    start: 'zsh -f -i',
    setUp: "PROMPT='READY''> '; unsetopt PROMPT_CR; autoload -U compinit; compinit -u -D; source <(dct completion zsh)",
  },
  fish: { start: 'fish --no-config -i', setUp: "dct completion fish | source; function fish_prompt; echo 'READY''> '; end" },
}
type Shell = keyof typeof SHELLS

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'dct-completion-'))
  await writeFile(join(home, 'dct'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`)
  await chmod(join(home, 'dct'), 0o755)
  await writeFile(join(home, 'a file.json'), '')
  const app = createTrustCollection(GUN, { now: new Date(), tags: { '1.0': 'x' } }).publish()
  const server = await startTrustServer({ collections: [app] })
  expect(
    await runProgram(['verify', '--trust-dir', join(home, 'trust'), `${GUN}:1.0`], { env: { ...server.env, HOME: home } }),
  ).toMatchObject({ status: 0 })
  await server.close()
})
afterAll(() => rm(home, { recursive: true }))

interface RunningShell {
  /** What the shell makes of the line when Tab is pressed behind it, as words. */
  completed(line: string): Promise<string[]>
  end(): Promise<void>
}

async function startShell(shell: Shell): Promise<RunningShell> {
  const { start, setUp } = SHELLS[shell]
  const env = { PATH: `${home}:${process.env['PATH']}`, HOME: home, SHELL: '/bin/sh', TERM: 'xterm', DOCKER_CONFIG: home }
  const command = `stty cols 200; exec ${start}`
  const child = spawn('script', ['-qec', command, '/dev/null'], { env, cwd: home, stdio: ['pipe', 'pipe', 'inherit'] })
  let shown = ''
  let look = (): void => undefined
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    look()
  })
  const ended = new Promise<void>((resolve, reject) => child.on('error', reject).on('close', () => resolve()))
  const until = (wanted: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${shell} does not answer: ${JSON.stringify(shown)}`)), PATIENCE)
      look = () => {
        const found = wanted.exec(shown)
        if (found === null) return
        clearTimeout(timer)
        shown = shown.slice(found.index + found[0].length)
        resolve(found)
      }
      look()
    })
  child.stdin.write(`${setUp}\r`)
  await until(/READY> /)
  return {
    completed: async (line) => {
      child.stdin.write(`${line}${TAB}${START_OF_LINE}printf '[%s]' begin \r`)
      const [, words = ''] = await until(/\[begin\]((?:\[[^\]]*\])+)[\s\S]*READY> /)
      return [...words.matchAll(/\[([^\]]*)\]/g)].map(([, word = '']) => word)
    },
    end: () => {
      child.stdin.end('\u0004')
      child.kill('SIGKILL')
      return ended
    },
  }
}

describe.each(['bash', 'zsh', 'fish'] as const)('%s completes', (shell) => {
  let running: RunningShell
  beforeAll(async () => {
    running = await startShell(shell)
  })
  afterAll(() => running.end())

  test.each([
    ['a command', 'dct ver', ['dct', 'verify']],
    ['the second word of a command', 'dct cache for', ['dct', 'cache', 'forget']],
    ['an option', 'dct verify --stale', ['dct', 'verify', '--stale-fallback']],
    ['the value of an option', 'dct verify --stale-fallback ref', ['dct', 'verify', '--stale-fallback', 'refuse']],
    ['a value behind "="', 'dct verify --stale-fallback=ref', ['dct', 'verify', '--stale-fallback=refuse']],
    ['what follows an option with a value', 'dct cache --config /tmp for', ['dct', 'cache', '--config', '/tmp', 'forget']],
    ['a collection in the cache', 'dct cache forget registry.ex', ['dct', 'cache', 'forget', GUN]],
    ['a collection whose colon is typed', 'dct verify registry.example:50', ['dct', 'verify', GUN]],
    ['a shell', 'dct completion zs', ['dct', 'completion', 'zsh']],
    ['a file whose name has a space', 'dct verify --pinning a\\ fi', ['dct', 'verify', '--pinning', 'a file.json']],
  ])('%s', async (_, typed, words) => {
    expect(await running.completed(typed)).toEqual(words)
  })
})

test.each(['bash', 'zsh', 'fish'])('the script of %s knows every command and option', async (shell) => {
  const { out } = await runProgram(['completion', shell])
  for (const { name, options } of SHOWN_COMMANDS) {
    for (const word of name.split(' ')) expect(out).toContain(word)
    for (const option of options) expect(out).toContain(option)
  }
})
