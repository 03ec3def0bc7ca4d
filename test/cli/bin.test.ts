/** The program as a process of its own. `npm test` builds it first. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer } from '../../src/testing/index.js'

const BIN = fileURLToPath(new URL('../../dist/cli/bin.cjs', import.meta.url))
const children: ChildProcess[] = []
const servers: Server[] = []
const folders: string[] = []

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const server of servers.splice(0)) server.close()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

function start(argv: readonly string[], env: Record<string, string> = {}): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [BIN, ...argv], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return { child, ended: new Promise((done) => child.on('close', (status) => done({ status, out, err }))) }
}

/** Writes the list of all files that the program loaded, at its exit. */
const LISTER =
  'process.on("exit", () => require("node:fs").writeFileSync(process.env.LOADED, Object.keys(require.cache).join("\\n")))'

test('reads the certificates of a root once: later runs, offline or not, load no library for certificates', async () => {
  const collection = createTrustCollection('docker.io/library/alpine', {
    tags: { '3.19': 'the image' },
    now: new Date(),
  }).publish()
  await using server = await startTrustServer({ collections: [collection] })
  const folder = await mkdtemp(join(tmpdir(), 'dct-loaded-'))
  folders.push(folder)
  await writeFile(join(folder, 'lister.cjs'), LISTER)
  const loaded = async (...options: string[]) => {
    const env = { ...server.env, NODE_OPTIONS: `--require ${join(folder, 'lister.cjs')}`, LOADED: join(folder, 'loaded') }
    expect(await start(['verify', ...options, 'alpine:3.19'], env).ended).toMatchObject({ status: 0 })
    const files = (await readFile(env.LOADED, 'utf8')).split('\n')
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')))
    return ['AsnConvert', 'llhttp', 'ZodMiniObject'].filter((word) => texts.some((text) => text.includes(word)))
  }
  expect(await loaded()).toEqual(['AsnConvert', 'llhttp', 'ZodMiniObject'])
  expect(await loaded()).toEqual(['llhttp', 'ZodMiniObject'])
  expect(await loaded('--offline')).toEqual(['ZodMiniObject'])
})

/** Accepts connections and never answers. */
async function silentServer(): Promise<{ port: number; connected: Promise<void> }> {
  let connected = () => {}
  const first = new Promise<void>((done) => {
    connected = done
  })
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    connected()
  })
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return { port: address.port, connected: first }
}

test('--version prints the version, exits 0, and loads neither tables nor commands', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dct-loaded-'))
  folders.push(folder)
  await writeFile(join(folder, 'lister.cjs'), LISTER)
  const env = { NODE_OPTIONS: `--require ${join(folder, 'lister.cjs')}`, LOADED: join(folder, 'loaded') }
  expect(await start(['--version'], env).ended).toMatchObject({ status: 0, err: '' })
  const files = (await readFile(env.LOADED, 'utf8')).split('\n').map((file) => basename(file))
  // The bundler's own few lines come with every chunk.
  expect(files.filter((file) => file !== 'rolldown-runtime.cjs').sort()).toEqual(['bin.cjs', 'lister.cjs', 'version.cjs'])
})

test('Ctrl-C while a server stays silent: 130, nothing on standard output, no stack trace', async () => {
  const { port, connected } = await silentServer()
  const { child, ended } = start(['verify', '--server', `https://127.0.0.1:${port}`, '--config', '/nonexistent', 'alpine'])
  await connected
  child.kill('SIGINT')
  expect(await ended).toEqual({ status: 130, out: '', err: '' })
})

test('stops waiting for a silent server at the deadline (slow retrieval)', async () => {
  const { port } = await silentServer()
  const before = Date.now()
  const { status, err } = await start([
    'verify',
    '--timeout',
    '0.5',
    '--server',
    `https://127.0.0.1:${port}`,
    '--config',
    '/nonexistent',
    'alpine',
  ]).ended
  expect(status).toBe(5)
  expect(err).toContain('dct: error: error contacting notary server: no answer within 0.5 s')
  expect(Date.now() - before).toBeLessThan(5000)
})

test('does not crash when its reader closes the pipe', async () => {
  const { child, ended } = start(['--help'])
  child.stdout?.destroy()
  expect((await ended).err).toBe('')
})

const BY_DIGEST = `alpine@sha256:${'a'.repeat(64)}`

test('exits 141 when its reader closes the pipe before all references are verified', async () => {
  const { port } = await silentServer()
  const server = ['--server', `https://127.0.0.1:${port}`, '--timeout', '0.3', '--config', '/nonexistent']
  const references = [BY_DIGEST, 'alpine', BY_DIGEST, 'busybox']
  const { child, ended } = start(['verify', '--digest-references', 'accept', ...server, ...references])
  child.stdout?.once('data', () => child.stdout?.destroy())
  expect((await ended).status).toBe(141)
})

test('a closed standard error does not change the status', async () => {
  const { child, ended } = start(['verify', '--digest-references', 'accept', BY_DIGEST, BY_DIGEST, 'Not:a:reference'])
  child.stderr?.destroy()
  expect((await ended).status).toBe(2)
})

test.each([
  ['a callback throws', 'setTimeout(() => { throw new RangeError("boom") }, 100)', 'RangeError: boom'],
  [
    'a promise is rejected and not awaited',
    'setTimeout(() => void Promise.reject(new RangeError("boom")), 100)',
    'RangeError: boom',
  ],
  ['the package cannot be read', 'JSON.parse = () => { throw new RangeError("boom") }', 'RangeError: boom'],
])('exits 70 without a stack when %s', async (_, fault, message) => {
  const server = createServer() // accepts connections and stays silent
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const folder = await mkdtemp(join(tmpdir(), 'dct-fault-'))
  folders.push(folder)
  await writeFile(join(folder, 'fault.cjs'), fault)
  await writeFile(join(folder, 'config.json'), '{}')
  const env = { NODE_OPTIONS: `--require ${join(folder, 'fault.cjs')}`, DOCKER_CONFIG: folder }
  const { status, out, err } = await start(['verify', '--server', `https://127.0.0.1:${port}`, 'alpine:3.19'], env).ended
  expect({ status, out }).toEqual({ status: 70, out: '' })
  const [first, second, ...more] = err.split('\n')
  expect(first).toBe(`dct: internal error: ${message}`)
  expect(second).toMatch(/^dct: hint: .*, command: dct verify\. Where: npm bugs docker-content-trust$/)
  expect(more).toEqual([''])
})
