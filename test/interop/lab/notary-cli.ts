/** The real `notary` program with its own trust folder. A failed run is an Error; answers are parsed. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NotaryServer } from './notary-server.js'
import { requirePrograms } from './requirements.js'

export interface Output {
  readonly stdout: string
  readonly stderr: string
}

interface FoundTarget {
  readonly target: string
  /** 'sha256:...' */
  readonly digest: string
  readonly size: number
}

interface ListedTarget extends FoundTarget {
  readonly role: string
}

export interface ClientOptions {
  readonly server: Pick<NotaryServer, 'url' | 'ca'>
  /** A folder that is kept. By default a temporary folder that `close` removes. */
  readonly trustDir?: string
  /** Added to the program's environment, for example NOTARY_AUTH (base64 of user:password). */
  readonly env?: Record<string, string>
}

export interface NotaryCli extends AsyncDisposable {
  readonly trustDir: string
  /** The folder of a collection's metadata files. */
  cacheDir(gun: string): string
  /** Runs `notary ...args`; rejects with its whole output if it fails. */
  run(...args: string[]): Promise<Output>
  /** The same, with a text on standard input. */
  runWithInput(input: string, ...args: string[]): Promise<Output>
  lookup(gun: string, target: string): Promise<FoundTarget>
  /** Without a role: targets and its delegations, each name once. */
  list(gun: string, role?: string): Promise<ListedTarget[]>
  close(): Promise<void>
}

/** A fresh client, unless `trustDir` is given. */
export async function createReader(options: ClientOptions): Promise<NotaryCli> {
  requirePrograms('notary')
  const temporary = options.trustDir === undefined ? await mkdtemp(join(tmpdir(), 'notary-lab-client-')) : undefined
  const trustDir = options.trustDir ?? join(temporary ?? '', 'trust')
  await mkdir(trustDir, { recursive: true, mode: 0o700 })
  const env = environment(trustDir, options.env)
  const always = ['-s', options.server.url, '-d', trustDir, '--tlscacert', options.server.ca]
  const runWithInput = (input: string, ...args: string[]): Promise<Output> => execute([...always, ...args], input, env)
  const run = (...args: string[]): Promise<Output> => runWithInput('', ...args)
  const close = async (): Promise<void> => {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true })
  }
  return {
    trustDir,
    cacheDir: (gun) => join(trustDir, 'tuf', gun, 'metadata'),
    run,
    runWithInput,
    lookup: async (gun, target) => parseLookup((await run('lookup', gun, target)).stdout),
    list: async (gun, role) => parseList((await run('list', gun, ...(role === undefined ? [] : ['-r', role]))).stdout),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Without the user's settings: no ~/.notary, no proxy. */
function environment(home: string, added: Record<string, string> = {}): NodeJS.ProcessEnv {
  const roles = ['ROOT', 'TARGETS', 'SNAPSHOT', 'DELEGATION']
  const passphrases = Object.fromEntries(roles.map((role) => [`NOTARY_${role}_PASSPHRASE`, 'passphrase']))
  return { PATH: process.env['PATH'], HOME: home, ...passphrases, ...added }
}

function execute(args: string[], input: string, env: NodeJS.ProcessEnv): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = execFile('notary', args, { env, timeout: 120_000, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout, stderr })
      // It prints its error, "* fatal: ...", to stdout, and only its log to stderr.
      const how = error.killed === true ? 'was stopped after two minutes' : `failed (${error.code ?? error.signal})`
      reject(new Error(`notary ${args.slice(6).join(' ')} ${how}: ${`${stdout}\n${stderr}`.trim()}`))
    })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

/** Parses TARGET sha256:HEX SIZE; a target may contain spaces. */
function parseLookup(stdout: string): FoundTarget {
  const match = /^(.*) (sha256:[0-9a-f]{64}) (\d+)$/m.exec(stdout)
  if (match === null) throw new Error(`unknown output of notary lookup: ${stdout}`)
  const [, target = '', digest = '', size = ''] = match
  return { target, digest, size: Number(size) }
}

/** Parses a table without borders: NAME, DIGEST, SIZE (BYTES), ROLE. */
function parseList(stdout: string): ListedTarget[] {
  return stdout.split('\n').flatMap((line) => {
    const match = /^(.*?) {4,}([0-9a-f]{64}) {4,}(\d+) {4,}(\S+) *$/.exec(line)
    if (match === null) return []
    const [, target = '', digits = '', size = '', role = ''] = match
    return [{ target, digest: `sha256:${digits}`, size: Number(size), role }]
  })
}
