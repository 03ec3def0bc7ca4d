/**
 * Which word is the image: the real docker is the oracle. Generated command lines are given to `docker create`, `docker run` and
 * `docker pull` with an engine that records what it is asked to make. Where docker asks for an image, dct must find the same one.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askDockerOptions } from '../../src/engine/docker-help.js'
import { readDockerLine } from '../../src/engine/docker-line.js'
import type { DockerOptions } from '../../src/engine/docker-options.js'
import { readDockerWords } from '../../src/engine/docker-words.js'
import { TrustError } from '../../src/errors.js'
import { requireEngines } from './lab/requirements.js'

const LINES = Number(process.env['DOCKER_LINES'] ?? 250)
/** Lines that run at the same time. */
const AT_ONCE = 4
const DOCKER = { program: 'docker', env: process.env }

let folder: string
/** The image that docker asked for last, by the socket of the engine. */
const recorded = new Map<string, string>()
const servers: Server[] = []

/** An engine on a socket of its own, that records the image that it is asked for, and makes nothing. */
async function startRecorder(path: string): Promise<void> {
  const started = createServer((request, answer) => {
    const url = new URL(request.url ?? '', 'http://engine')
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      if (url.pathname.endsWith('/containers/create')) recorded.set(path, JSON.parse(body).Image)
      if (url.pathname.endsWith('/images/create')) {
        const tag = url.searchParams.get('tag') ?? ''
        recorded.set(path, `${url.searchParams.get('fromImage')}${tag === '' ? '' : `:${tag}`}`)
      }
      const isPing = url.pathname === '/_ping'
      answer.writeHead(isPing ? 200 : 500, { 'api-version': '1.50', ostype: 'linux', 'content-type': 'application/json' })
      answer.end(isPing ? 'OK' : '{"message":"recorded"}')
    })
  })
  await new Promise<void>((resolve) => started.listen(path, resolve))
  servers.push(started)
}

beforeAll(async () => {
  requireEngines()
  folder = await mkdtemp(join(tmpdir(), 'dct-words-'))
  for (let index = 0; index < AT_ONCE; index += 1) await startRecorder(join(folder, `${index}.sock`))
})
afterAll(async () => {
  for (const one of servers) one.close()
  await rm(folder, { recursive: true })
})

/** The image that docker asks the engine for; undefined when it asks for none. */
async function imageOfDocker(socket: string, argv: readonly string[]): Promise<string | undefined> {
  recorded.delete(socket)
  const env = { PATH: process.env['PATH'], HOME: folder, DOCKER_HOST: `unix://${socket}` }
  await new Promise<void>((resolve) => {
    const child = execFile('docker', argv, { env, timeout: 20_000 }, () => resolve())
    child.stdin?.end()
  })
  return recorded.get(socket)
}

interface Known {
  readonly global: DockerOptions
  readonly commands: ReadonlyMap<string, DockerOptions>
}

/** The image that dct finds; undefined when it finds none, or refuses. */
function imageOfDct(argv: readonly string[], { global, commands }: Known): string | undefined {
  try {
    const { task, command, words } = readDockerLine(argv, global)
    const options = commands.get(command.join(' '))
    if (options === undefined) return undefined
    const read = readDockerWords(words, options, task === 'pull')
    return words[read.operands[0] ?? -1]
  } catch (error) {
    if (error instanceof TrustError) return undefined
    throw error
  }
}

/** Values that docker takes, by option, so that many lines get as far as the engine. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  attach: ['stdout', 'stderr'],
  env: ['A=b', 'A', 'image-of-env'],
  'cap-add': ['NET_ADMIN'],
  label: ['a=b', '-x', '--'],
  name: ['name'],
  hostname: ['host', 'alpine'],
  net: ['host', 'none'],
  network: ['bridge'],
  'net-alias': ['x'],
  'dns-opt': ['ndots:1'],
  dns: ['192.0.2.1'],
  publish: ['80:80'],
  volume: ['x:/y'],
  workdir: ['/w'],
  user: ['1'],
  memory: ['10m'],
  'cpu-shares': ['5'],
  cpus: ['1'],
  entrypoint: ['-e', '/bin/sh', ''],
  platform: ['linux/amd64'],
  pull: ['missing', 'never'],
  restart: ['no'],
  'stop-signal': ['SIGTERM'],
  tmpfs: ['/t'],
  ulimit: ['nofile=5'],
  'log-driver': ['none'],
  runtime: ['runc'],
  'shm-size': ['64m'],
}

/** Words: options of the command, well and badly spelled, their values, and images, in any order. */
function linesFor(command: readonly string[], { global, commands }: Known): fc.Arbitrary<string[]> {
  const options = commands.get(command.join(' '))
  if (options === undefined) throw new Error(`no options of ${command.join(' ')}`)
  const letters = [...options.short]
  const flags = [...options.long.values()].filter(
    ({ name }) => !['help', 'detach', 'cidfile', 'env-file', 'label-file'].includes(name),
  )
  const value = (name: string) => fc.constantFrom(...(VALUES[name] ?? ['1', 'x', 'alpine']))
  const long = fc
    .constantFrom(...flags)
    .chain<readonly string[]>(({ name, takesValue }) =>
      takesValue
        ? value(name).chain((text) => fc.constantFrom([`--${name}`, text], [`--${name}=${text}`], [`--${name}=${text}`]))
        : fc.constantFrom([`--${name}`], [`--${name}=true`], [`--${name}=false`]),
    )
  const booleans = letters
    .filter(([letter, { takesValue }]) => !takesValue && letter !== 'd' && letter !== 'a')
    .map(([letter]) => letter)
  const taking = letters.filter(([, { takesValue }]) => takesValue)
  const cluster = fc
    .tuple(fc.array(fc.constantFrom('', ...booleans), { maxLength: 3 }), fc.constantFrom(...taking, undefined))
    .chain<readonly string[]>(([first, last]) => {
      const start = `-${first.join('')}`
      if (last === undefined) return fc.constant(start === '-' ? [] : [start])
      const [letter, { name }] = last
      return value(name).chain((text) =>
        fc.constantFrom([`${start}${letter}`, text], [`${start}${letter}${text}`], [`${start}${letter}=${text}`]),
      )
    })
  const odd = fc.constantFrom(['--'], ['-'], ['--no-such'], ['-Z'], ['--env='], ['-e='], ['--=x'], ['---x'], ['-t='], [''])
  const image = fc.constantFrom('alpine', 'alpine:3', 'registry.example:5000/a/b:1', 'busybox', 'localhost/x').map((one) => [one])
  const part = fc.oneof(
    { weight: 6, arbitrary: long },
    { weight: 5, arbitrary: cluster },
    { weight: 1, arbitrary: odd },
    { weight: 2, arbitrary: image },
  )
  const globals = fc.array(
    fc.constantFrom(
      ['-D'],
      ['--debug=false'],
      ['-l', 'error'],
      ['--log-level=error'],
      ['-lerror'],
      ['-Dl', 'error'],
      ['--config', folder],
    ),
    { maxLength: 2 },
  )
  expect(global.short.has('H')).toBe(true)
  return fc
    .tuple(globals, fc.array(part, { maxLength: 5 }), image, fc.array(part, { maxLength: 2 }))
    .map(([before, parts, last, behind]) => [...before.flat(), ...command, ...parts.flat(), ...last, ...behind.flat()])
}

test(`docker and dct find the same image in ${LINES} command lines`, { timeout: 900_000 }, async () => {
  const names = [['create'], ['container', 'create'], ['run'], ['container', 'run'], ['pull'], ['image', 'pull']]
  const commands = new Map<string, DockerOptions>()
  for (const name of names) commands.set(name.join(' '), await askDockerOptions(DOCKER, name, undefined))
  const known = { global: await askDockerOptions(DOCKER, [], undefined), commands }
  expect(commands.get('run')?.long.size).toBeGreaterThan(90)

  const seed = Number(process.env['DOCKER_SEED'] ?? 20_261_129)
  const lines = names.flatMap((name, index) =>
    fc.sample(linesFor(name, known), { numRuns: Math.ceil(LINES / names.length), seed: seed + index }),
  )
  const different: unknown[] = []
  let asked = 0
  let refused = 0
  const work = async (socket: string): Promise<void> => {
    for (let argv = lines.pop(); argv !== undefined; argv = lines.pop()) {
      const theirs = await imageOfDocker(socket, argv)
      if (theirs === undefined) continue
      asked += 1
      const ours = imageOfDct(argv, known)
      if (ours === undefined) refused += 1
      if (ours === undefined || normal(ours) !== normal(theirs)) different.push({ argv, ours, theirs })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => work(join(folder, `${index}.sock`))))
  expect(different).toEqual([])
  expect(refused).toBe(0)
  // Lines that docker refuses say nothing.
  expect(asked).toBeGreaterThan(LINES / 3)
  console.log(`${LINES} command lines, of which docker asked its engine for an image in ${asked}`)
})

/** `docker pull` spells names in full. */
function normal(image: string): string {
  const full = /[.:].*\/|^localhost\//.test(image) ? image : `docker.io/${image.includes('/') ? image : `library/${image}`}`
  return /:[^/]*$/.test(full) ? full : `${full}:latest`
}
