/**
 * The pipelines of docs/guides/ci-without-first-use.md: their commands are run in bash as a runner runs them, against the kit's trust
 * server, and then against an attacker at the same address.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createTrustCollection, startTrustServer, type TestTrustServer, type TrustCollection } from '../../src/testing/index.js'
import { readDocuments } from './markdown.js'
import { createPlace } from './world.js'

const GUIDE = 'docs/guides/ci-without-first-use.md'
const blocks = readDocuments().find(({ path }) => path === GUIDE)?.blocks ?? []

interface Pipeline {
  readonly env: Readonly<Record<string, string>>
  readonly lines: readonly string[]
}

/** What a runner runs: of GitHub Actions the steps with `run`, of GitLab CI the `script`. */
function pipelineOf(code: string): Pipeline {
  const document: Record<string, unknown> = parse(code)
  const [job] = Object.values(Object(document['jobs'] ?? document))
  const { env, variables, steps, script } = Object(job)
  const lines: unknown[] = steps === undefined ? script : steps.flatMap((step: object) => Reflect.get(step, 'run') ?? [])
  return { env: env ?? variables, lines: lines.map(String) }
}

const [github, gitlab, roots] = blocks.filter(({ language }) => language === 'yaml').map(({ code }) => pipelineOf(code))
const [setup] = blocks.filter(({ language }) => language === 'sh')
if (github === undefined || gitlab === undefined || roots === undefined || setup === undefined)
  throw new Error(`${GUIDE} changed`)

const APP = 'registry.example/team/app'
const now = new Date(Date.now() - 3_600_000)
const made = (gun: string, tag: string, seed?: string): TrustCollection =>
  createTrustCollection(gun, { now, tags: { [tag]: seed ?? 'image' }, ...(seed === undefined ? {} : { seed }) }).publish()

let place: string
let server: TestTrustServer
let app: TrustCollection
let alpine: TrustCollection
beforeEach(async () => {
  place = await createPlace()
  alpine = made('docker.io/library/alpine', '3.19')
  app = made(APP, '1.0')
  server = await startTrustServer({ collections: [alpine, app] })
  await mkdir(join(place, 'bin'))
  // The packages are here already, and the real npx takes longer than all the rest.
  await program('npm', 'test "$*" = ci')
  await program('npx', 'test "$1" = --no-install && shift && exec "$@"')
  await mkdir(join(place, 'deploy'))
  await writeFile(join(place, 'deploy', 'Dockerfile'), `FROM ${APP}:1.0\n`)
  expect(await bash(setup.code)).toMatchObject({ status: 0 })
  expect(await bash('git init -q . && git add content-trust.lock.json')).toMatchObject({ status: 0 })
})
afterEach(async () => {
  await server.close()
  await rm(place, { recursive: true })
})

async function program(name: string, line: string): Promise<void> {
  await writeFile(join(place, 'bin', name), `#!/bin/sh\n${line}\n`)
  await chmod(join(place, 'bin', name), 0o755)
}

/** As both runners do: the first command that fails ends it. */
function bash(script: string, pipeline: Partial<Pipeline> = {}): Promise<{ status: number; err: string }> {
  const PATH = [join(place, 'bin'), join(place, 'node_modules', '.bin'), process.env['PATH']].join(':')
  // The guide names a server that does not exist.
  const env = { ...pipeline.env, ...server.env, HOME: place, PATH }
  return new Promise((done) =>
    execFile('bash', ['-eo', 'pipefail', '-c', script], { cwd: place, env }, (error, out, err) =>
      done({ status: error === null ? 0 : Number(error.code), err: `${out}${err}` }),
    ),
  )
}

/** An attacker answers at the address of the server, with a certificate that the machine trusts. */
async function attack(): Promise<void> {
  await server.close()
  const port = Number(new URL(server.url).port)
  const collections = [made(alpine.gun, '3.19', 'attacker'), made(APP, '1.0', 'attacker')]
  server = await startTrustServer({ collections, port })
}

describe.each([
  ['GitHub Actions', github],
  ['GitLab CI', gitlab],
])('%s', { timeout: 120_000 }, (_, pipeline) => {
  const verifying = pipeline.lines.filter((line) => line.includes('dct verify'))

  test('the pipeline passes, with its cache too, and leaves the digests and a report', async () => {
    expect(pipeline.env['DOCKER_CONTENT_TRUST_SERVER']).toMatch(/^https:/)
    expect(await bash([...pipeline.lines, verifying[0]].join('\n'), pipeline)).toMatchObject({ status: 0 })
    const digests = [`${alpine.gun}@${alpine.digest('3.19')}`, `${APP}@${app.digest('1.0')}`]
    expect(await readFile(join(place, 'images.lock'), 'utf8')).toBe(`${digests.join('\n')}\n`)
    expect(await bash('ls dct.sarif || ls dct.xml')).toMatchObject({ status: 0 })
  })

  test('attack: another root at the same address is refused by each command, on an empty machine and with a cache', async () => {
    expect(verifying).toHaveLength(2)
    await attack()
    for (const line of pipeline.lines.slice(1)) expect(await bash(line, pipeline), line).toMatchObject({ status: 1 })
    expect(await readFile(join(place, 'images.lock'), 'utf8')).toBe('')
    await bash('rm -rf .trust && dct verify --trust-dir .trust alpine:3.19')
    expect(await bash(verifying.at(-1) ?? '', pipeline)).toMatchObject({ status: 1 })
  })

  test('an image without an entry in the lockfile is refused', async () => {
    expect(await bash('echo docker.io/library/other:1 >> images.txt')).toMatchObject({ status: 0 })
    const [first = ''] = verifying
    const { status, err } = await bash(first, pipeline)
    expect({ status, code: /ERR_[A-Z_]+/.exec(err)?.[0] }).toEqual({ status: 3, code: 'ERR_NOT_LOCKED' })
  })
})

test('after a rotation the images are still verified, and the scheduled job asks for a commit once', {
  timeout: 120_000,
}, async () => {
  expect(await bash(roots.lines.join('\n'), roots)).toMatchObject({ status: 0 })
  app.rotateRoot().publish()
  const [verify = ''] = github.lines.filter((line) => line.includes('dct verify'))
  expect(await bash(verify, github)).toMatchObject({ status: 0 })
  expect(await bash('npx --no-install dct lock --check', github)).toMatchObject({ status: 1 })
  expect(await bash(roots.lines.join('\n'), roots)).toMatchObject({ status: 1 })
  expect(await bash('git add content-trust.lock.json')).toMatchObject({ status: 0 })
  expect(await bash(roots.lines.join('\n'), roots)).toMatchObject({ status: 0 })
  expect(await bash('npx --no-install dct lock --check', github)).toMatchObject({ status: 0 })
})
