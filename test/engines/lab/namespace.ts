/**
 * A network and an /etc of the laboratory's own, in Linux namespaces: hosts have their real names there, a Docker Engine reads
 * certs.d from a temporary folder, and nothing of the machine is touched.
 */
import { spawn } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LabChild, startChild } from '../../interop/lab/child.js'

/** One finished run of a program. */
export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly cwd?: string
  /** Called with each piece of standard output. */
  readonly onOutput?: (text: string, pid: number) => void
}

export interface Namespace {
  /** Stands for the machine's /etc inside. */
  readonly etc: string
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Ran>
  /** A program that goes on until it is stopped. */
  start(program: string, args: readonly string[], log: string, env?: Readonly<Record<string, string>>): Promise<LabChild>
  /** Waits until somebody listens there. */
  waitForPort(address: string, port: number, child: LabChild): Promise<void>
  stop(): Promise<void>
}

/** Milliseconds for one program, and for one to begin to listen. */
const RUN_TIMEOUT = 120_000
const START_TIMEOUT = 30_000

/** What programs look up in /etc: users, the order of name services, libraries. */
const COPIED = ['passwd', 'group', 'nsswitch.conf', 'ld.so.cache', 'ld.so.conf']

const SETUP = `set -e
ip link set lo up
for address in $ADDRESSES; do ip address add "$address/32" dev lo; done
mount --bind "$ETC" /etc
echo ready
exec sleep infinity`

/** `hosts`: names by address. Addresses of RFC 5737 lead nowhere outside. */
export async function createNamespace(folder: string, hosts: Readonly<Record<string, readonly string[]>>): Promise<Namespace> {
  const etc = join(folder, 'etc')
  await mkdir(join(etc, 'docker'), { recursive: true })
  for (const name of COPIED) await copyFile(join('/etc', name), join(etc, name)).catch(() => undefined)
  const lines = Object.entries({ '127.0.0.1': ['localhost'], ...hosts }).map(
    ([address, names]) => `${address} ${names.join(' ')}\n`,
  )
  await writeFile(join(etc, 'hosts'), lines.join(''))
  const log = join(folder, 'namespace.log')
  const env = { PATH: process.env['PATH'], ETC: etc, ADDRESSES: Object.keys(hosts).join(' ') }
  const holder = await startChild('unshare', ['--mount', '--net', '/bin/sh', '-c', SETUP], log, env)
  await waitUntil('the namespace', holder, async () => holder.logTail().includes('ready'))
  // nsenter leaves its program in the root of the mount namespace.
  const inFolder = ['/bin/sh', '-c', 'cd "$0" && exec "$@"']
  const enter = (cwd: string) => ['--target', String(pidOf(holder)), '--mount', '--net', '--', ...inFolder, cwd]
  const run: Namespace['run'] = (program, args, { env: added = {}, input = '', cwd = folder, onOutput } = {}) =>
    new Promise((resolve, reject) => {
      const environment = { PATH: process.env['PATH'], HOME: folder, ...added }
      const child = spawn('nsenter', [...enter(cwd), program, ...args], { env: environment, timeout: RUN_TIMEOUT })
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk
        onOutput?.(chunk.toString(), child.pid ?? 0)
      })
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk))
      child.stdin.on('error', () => undefined)
      child.stdin.end(input)
      child.once('error', reject)
      child.once('close', (status, signal) => {
        if (status === null) reject(new Error(`${program} ${args.join(' ')} ended by ${signal}: ${stdout}${stderr}`))
        else resolve({ status, stdout, stderr })
      })
    })
  return {
    etc,
    run,
    start: (program, args, file, added) =>
      startChild('nsenter', [...enter(folder), program, ...args], file, { PATH: process.env['PATH'], HOME: folder, ...added }),
    waitForPort: (address, port, child) =>
      waitUntil(`${address}:${port}`, child, async () => {
        const { status } = await run('/bin/bash', ['-c', `exec 3<>/dev/tcp/${address}/${port}`])
        return status === 0
      }),
    stop: () => holder.stop(),
  }
}

function pidOf(child: LabChild): number {
  if (child.pid === undefined) throw new Error('a child of the laboratory has no process ID')
  return child.pid
}

/** Asks until it is so, while the child lives. */
export async function waitUntil(what: string, child: LabChild, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT
  while (!(await isSo())) {
    if (child.ended || Date.now() > deadline) throw new Error(`${what} did not start:\n${child.logTail()}`)
    await sleep(50)
  }
}
