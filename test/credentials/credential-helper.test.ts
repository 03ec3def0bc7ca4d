import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { askHelper } from '../../src/credentials/credential-helper.js'
import { isHelperName } from '../../src/credentials/docker-auths.js'
import { systemCode } from '../../src/errors.js'

let bin: string

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'dct-helper-'))
})
afterEach(() => rm(bin, { recursive: true }))

async function helper(script: string): Promise<void> {
  const file = join(bin, 'docker-credential-slow')
  await writeFile(file, `#!/bin/sh\nPATH=/bin:/usr/bin\necho $$ > '${bin}/pid'\n${script}\n`)
  await chmod(file, 0o755)
}

async function helperIsAlive(): Promise<boolean> {
  const pid = Number(await readFile(join(bin, 'pid'), 'utf8'))
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    if (systemCode(cause) === 'ESRCH') return false
    throw cause
  }
}

test('a helper that never answers is ended', async () => {
  await helper('sleep 30')
  const started = Date.now()
  await expect(askHelper('slow', 'host', { env: { PATH: bin }, timeoutMs: 500 })).rejects.toMatchObject({
    code: 'ERR_UNAUTHORIZED',
    message: 'error getting credentials - err: docker-credential-slow: no answer within 0.5 s',
    hint: expect.stringMatching(/^Unlock the keychain/),
  })
  expect(Date.now() - started).toBeLessThan(5_000)
  await expect.poll(helperIsAlive).toBe(false)
})

test.each([
  ['osxkeychain', 'User interaction is not allowed.'],
  ['secretservice', 'The collection "login" is locked'],
  ['secretservice without a session', 'Cannot autolaunch D-Bus without X11 $DISPLAY'],
  ['pass', 'exit status 2: gpg: decryption failed: No secret key'],
  ['pass, never set up', 'pass not initialized: exit status 1: Error: password store is empty'],
])('a locked keychain is distinguished from one without credentials: %s', async (_, words) => {
  await helper(`cat >/dev/null; echo '${words} pa55word'; exit 1`)
  const failure = await askHelper('slow', 'host', { env: { PATH: bin } }).catch((cause: unknown) => cause)
  expect(failure).toMatchObject({
    code: 'ERR_UNAUTHORIZED',
    message: 'error getting credentials - err: docker-credential-slow: the keychain is locked or cannot be reached',
    hint: expect.stringMatching(/^Unlock the keychain of the credential helper slow/),
  })
  expect(JSON.stringify(failure)).not.toContain('pa55word')
})

test('a helper without credentials is no failure', async () => {
  await helper('cat >/dev/null; echo credentials not found in native keychain; exit 1')
  expect(await askHelper('slow', 'host', { env: { PATH: bin } })).toBeUndefined()
})

test('the error for a helper that is not installed names it and the next step', async () => {
  await expect(askHelper('absent', 'host', { env: { PATH: bin } })).rejects.toMatchObject({
    code: 'ERR_UNAUTHORIZED',
    message: 'error getting credentials - err: exec: "docker-credential-absent": executable file not found in $PATH',
    hint: expect.stringContaining('not installed'),
  })
})

test('a signal ends a helper, and rejects with its reason', async () => {
  await helper('sleep 30')
  const controller = new AbortController()
  setTimeout(() => controller.abort('stop'), 500)
  await expect(askHelper('slow', 'host', { env: { PATH: bin }, signal: controller.signal })).rejects.toBe('stop')
  await expect.poll(helperIsAlive).toBe(false)
})

test('with a signal that is aborted already, no helper is started', async () => {
  await helper('sleep 30')
  await expect(askHelper('slow', 'host', { env: { PATH: bin }, signal: AbortSignal.abort('stop') })).rejects.toBe('stop')
  await expect(readFile(join(bin, 'pid'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a program that a helper leaves running does not delay the answer', async () => {
  await helper(`sleep 5 & echo '{"Username":"me","Secret":"x"}'`)
  const started = Date.now()
  expect(await askHelper('slow', 'host', { env: { PATH: bin } })).toEqual({ username: 'me', password: 'x' })
  expect(Date.now() - started).toBeLessThan(4_000)
})

test('a helper that does not read its input may still answer', async () => {
  await helper(`exec <&-; echo '{"Username":"me","Secret":"x"}'`)
  expect(await askHelper('slow', 'h'.repeat(2_000_000), { env: { PATH: bin } })).toEqual({ username: 'me', password: 'x' })
})

test.each([
  ['writes to its error output without end', 'yes >&2 & echo'],
  ['leaves a program behind that holds both pipes', `sleep 5 <&0 & echo`],
])('a helper that %s may still answer', async (_, script) => {
  await helper(`${script} '{"Username":"me","Secret":"x"}'; kill $! 2>/dev/null || true`)
  expect(await askHelper('slow', 'host', { env: { PATH: bin } })).toEqual({ username: 'me', password: 'x' })
})

test('a folder with the name of the helper is skipped, and the next folder of PATH is searched', async () => {
  await helper(`echo '{"Username":"me","Secret":"x"}'`)
  const other = join(bin, 'other')
  await mkdir(join(other, 'docker-credential-slow'), { recursive: true })
  expect(await askHelper('slow', 'host', { env: { PATH: `${other}:${bin}` } })).toEqual({ username: 'me', password: 'x' })
})

test('the error for an environment that no process can have does not hold its values', async () => {
  await helper('true')
  const failure = await askHelper('slow', 'host', { env: { PATH: bin, TOKEN: 'pa55word\0' } }).catch((cause: unknown) => cause)
  expect(failure).toMatchObject({ code: 'ERR_UNAUTHORIZED', message: expect.stringContaining('cannot be started') })
  expect(inspect(failure, { depth: 9 })).not.toContain('pa55word')
})

test.each([
  ['no JSON', 'echo pa55word', 'answered something that is not JSON'],
  ['a list', `echo '["pa55word"]'`, 'answered something that is no JSON object'],
  ['a number for a name', `echo '{"Username":7,"Secret":"pa55word"}'`, 'answered with a Username that is no text'],
  ['nesting without end', `head -c 60000 /dev/zero | tr '\\0' '['`, 'answered something that is not JSON'],
])('a helper that answers %s fails, and the error holds nothing of the answer', async (_, script, message) => {
  await helper(script)
  const failure = await askHelper('slow', 'host', { env: { PATH: bin } }).catch((cause: unknown) => cause)
  expect(failure).toMatchObject({ code: 'ERR_UNAUTHORIZED', message: expect.stringContaining(message) })
  expect(inspect(failure, { depth: 9 })).not.toContain('pa55word')
})

test.each([
  '',
  ' ',
  'null',
  '{}',
  '{"Username":"me"}',
  '{"Secret":"x"}',
  '{"Username":"","Secret":""}',
  '{"Username":null,"Secret":"x"}',
])('a helper that answers %j has no credentials', async (answer) => {
  await helper(`echo '${answer}'`)
  expect(await askHelper('slow', 'host', { env: { PATH: bin } })).toBeUndefined()
})

test('the server is read from stdin, not from the arguments', async () => {
  await helper(`printf '{"Username":"%s","Secret":"%s"}' "$*" "$(cat)"`)
  expect(await askHelper('slow', 'host; echo $(x)', { env: { PATH: bin } })).toEqual({
    username: 'get',
    password: 'host; echo $(x)',
  })
})

test.each([
  ['desktop', true],
  ['osxkeychain', true],
  ['ecr-login', true],
  ['a.b_c', true],
  ['', false],
  ['../x', false],
  ['a/b', false],
  ['a\\b', false],
  ['a b', false],
  ['a;b', false],
  ['a\n', false],
])('%j is the name of a helper: %s', (name, expected) => {
  expect(isHelperName(name)).toBe(expected)
})
