/** Runs `docker-credential-<helper> get` (the protocol of docker/docker-credential-helpers). */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { access, constants, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { UnavailableError } from '../errors.js'
import type { Credentials } from './credentials.js'
import { GoObject, lastNamed, NotJson, readFirstValue } from './go-json.js'

/** Milliseconds until a helper is stopped: it may wait forever for a user to unlock a keychain. */
const HELPER_TIMEOUT_MS = 20_000

/** Bytes that are read from a helper: stops endless output. */
const MAX_HELPER_OUTPUT_BYTES: number = 64 * 1024

/** Milliseconds to read on after a helper has ended: a program that it started may keep the pipe open. */
const PIPE_GRACE_MS = 500

/** The message of a helper that has no credentials (errCredentialsNotFoundMessage). */
const NOT_FOUND = 'credentials not found in native keychain'

/** Messages of helpers whose keychain is locked: osxkeychain, secretservice, pass with gpg, wincred. */
const LOCKED = /locked|interaction|passphrase|decryption failed|secret key|D-?Bus|cancel|denied|not initialized/i

/** The username of an identity token. */
const TOKEN_USERNAME = '<token>'

/** How to run a helper. */
export interface HelperOptions {
  /** Holds PATH. The helper gets all variables except `DOCKER_AUTH_CONFIG`, since it does not need those logins. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal | undefined
  /** For tests: another limit. */
  readonly timeoutMs?: number | undefined
  /** Called when the helper is stopped because of its timeout. */
  readonly onTimeout?: () => void
}

/**
 * The credentials that a helper keeps for a server address; undefined when it has none, or its answer is blank.
 *
 * @throws UnavailableError ERR_UNAUTHORIZED when the helper is not installed, fails, is too slow, or its answer is not valid
 */
export async function askHelper(helper: string, serverAddress: string, options: HelperOptions): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`
  const file = await findProgram(program, options.env)
  if (file === undefined) {
    // Docker's words, which users search for.
    throw helperError(`exec: "${program}": executable file not found in $PATH`, {
      hint: `config.json names the credential helper ${helper}, which is not installed: install it, or take credsStore or credHelpers out of config.json.`,
    })
  }
  const { status, output } = await run(helper, program, file, serverAddress, options)
  if (status !== 0) {
    if (output.trim() === NOT_FOUND) return undefined
    // Without its output, which may hold secrets.
    if (LOCKED.test(output)) {
      throw helperError(`${program}: the keychain is locked or cannot be reached`, { hint: unlockHint(helper) })
    }
    throw helperError(`${program}: ${typeof status === 'number' ? `exit status ${status}` : `ended by ${status}`}`)
  }
  return parseAnswer(program, output)
}

function run(
  helper: string,
  program: string,
  file: string,
  serverAddress: string,
  options: HelperOptions,
): Promise<{ status: number | string; output: string }> {
  options.signal?.throwIfAborted()
  const { timeoutMs = HELPER_TIMEOUT_MS, signal } = options
  return new Promise((resolve, reject) => {
    const child = start(file, options.env)
    if (child === undefined) return reject(helperError(`${program}: cannot be started`))
    const chunks: Buffer[] = []
    let size = 0
    let grace: NodeJS.Timeout | undefined
    const settle = (end: () => void): void => {
      clearTimeout(timer)
      clearTimeout(grace)
      signal?.removeEventListener('abort', onAbort)
      child.stdout.destroy()
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      end()
    }
    const fail = (reason: string, hint?: string): void =>
      settle(() => reject(helperError(`${program}: ${reason}`, hint === undefined ? {} : { hint })))
    const onAbort = (): void => settle(() => reject(signal?.reason))
    const timer = setTimeout(() => {
      options.onTimeout?.()
      fail(`no answer within ${timeoutMs / 1000} s`, unlockHint(helper))
    }, timeoutMs)
    const finish = (): void =>
      settle(() =>
        resolve({ status: child.exitCode ?? child.signalCode ?? 'unknown', output: Buffer.concat(chunks).toString('utf8') }),
      )
    signal?.addEventListener('abort', onAbort)
    child.on('error', () => fail('cannot be started'))
    child.on('exit', () => {
      grace = setTimeout(finish, PIPE_GRACE_MS)
    })
    child.on('close', finish)
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_HELPER_OUTPUT_BYTES) fail(`more than ${MAX_HELPER_OUTPUT_BYTES} bytes of output`)
      else chunks.push(chunk)
    })
    // A helper that ends without reading closes the pipe. Its exit status says whether it failed.
    child.stdin.on('error', () => undefined)
    child.stdin.end(serverAddress)
  })
}

/** Starts a helper. Undefined for an environment that no process can have, such as one with a zero byte; Node's error would quote it. */
function start(file: string, env: HelperOptions['env']): ChildProcessByStdio<Writable, Readable, null> | undefined {
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => name.toUpperCase() !== 'DOCKER_AUTH_CONFIG'))
  try {
    return spawn(file, ['get'], { env: own, stdio: ['pipe', 'pipe', 'ignore'], windowsHide: true })
  } catch (cause) {
    if (cause instanceof Error) return undefined
    throw cause
  }
}

/** Reads an answer as docker-credential-helpers and Docker do: without one of the two texts, there are no credentials. */
function parseAnswer(program: string, output: string): Credentials | undefined {
  const answer = readAnswer(program, output)
  if (answer === undefined) return undefined
  const text = (name: string): string => {
    const value = lastNamed(answer, name) ?? ''
    if (typeof value !== 'string') throw helperError(`${program}: answered with a ${name} that is no text`)
    return value
  }
  const [username, secret] = [text('Username'), text('Secret')]
  if (username === '' || secret === '') return undefined
  return username === TOKEN_USERNAME ? { identityToken: secret } : { username, password: secret }
}

function readAnswer(program: string, output: string): GoObject | undefined {
  let answer: ReturnType<typeof readFirstValue>['value']
  try {
    answer = readFirstValue(output).value
  } catch (cause) {
    if (!(cause instanceof NotJson)) throw cause
    throw helperError(`${program}: answered something that is not JSON`)
  }
  if (answer === undefined || answer === null || answer instanceof GoObject) return answer ?? undefined
  throw helperError(`${program}: answered something that is no JSON object`)
}

/** Searches the absolute folders of PATH, never the current folder (as Go's os/exec). */
async function findProgram(program: string, env: HelperOptions['env']): Promise<string | undefined> {
  const windows = process.platform === 'win32'
  const folders = (env['PATH'] ?? (windows ? env['Path'] : undefined) ?? '').split(delimiter)
  for (const folder of folders.filter((one) => isAbsolute(one))) {
    const file = join(folder, windows ? `${program}.exe` : program)
    try {
      await access(file, constants.X_OK)
      if ((await stat(file)).isFile()) return file // folders may be executable too
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause)) throw cause
    }
  }
  return undefined
}

function unlockHint(helper: string): string {
  return `Unlock the keychain of the credential helper ${helper}, or start what it needs (a desktop session, gpg-agent), and try again.`
}

function helperError(what: string, details: { readonly hint?: string } = {}): UnavailableError {
  return new UnavailableError('ERR_UNAUTHORIZED', `error getting credentials - err: ${what}`, {
    hint: 'The server asks for credentials and the credential helper that config.json names did not give any: try it with docker login.',
    ...details,
  })
}
