/** An environment for the documents' commands and snippets: a home, a `dct`, and a trust server with the images they name. */
import { type ExecFileException, execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTrustCollection, startTrustServer } from '../../src/testing/index.js'
import { ROOT } from './markdown.js'

const HOUR = 3_600_000
const DCT = `exec "${process.execPath}" "${join(ROOT, 'dist/cli/bin.cjs')}" "$@"`

interface Ran {
  readonly error: ExecFileException | null
  readonly out: string
  readonly err: string
}

export interface World extends AsyncDisposable {
  /** The working directory of every command. */
  readonly folder: string
  /** The signed digest of alpine:3.19, Oracle Linux 9 and registry.example/team/app:1.1. */
  readonly digest: string
  run(program: string, argv: readonly string[]): Promise<Ran>
}

/** Makes a folder for worlds, where Node and TypeScript find the package as a user has it installed. */
export async function createPlace(): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'dct-docs-'))
  await mkdir(join(place, 'node_modules'))
  await writeFile(join(place, 'package.json'), '{"type":"module"}')
  await symlink(ROOT, join(place, 'node_modules', 'docker-content-trust'), 'junction')
  await mkdir(join(place, 'node_modules', '.bin'))
  await program(join(place, 'node_modules', '.bin'), 'dct', DCT)
  await symlink(join(ROOT, 'node_modules', '@types'), join(place, 'node_modules', '@types'), 'junction')
  return place
}

/** Makes a world in a folder of a place. `Symbol.asyncDispose` ends its server and leaves its files. */
export async function createWorld(folder: string): Promise<World> {
  // The commands use the real clock.
  const now = new Date(Date.now() - HOUR)
  const oracle = createTrustCollection('container-registry.oracle.com/os/oraclelinux', { now })
  oracle.sign('9', 'the image')
  const alpine = createTrustCollection('docker.io/library/alpine', { now })
  const digest = alpine.sign('3.19', 'the image')
  alpine.sign('3.20', 'another image')
  const app = createTrustCollection('registry.example/team/app', { now })
  for (const role of ['targets/releases', 'targets/alice']) app.delegate(role).sign('1.0', 'the app', { role })
  app.sign('1.1', 'the image')
  const collections = [oracle, alpine, app]
  for (const collection of collections) collection.publish()
  const server = await startTrustServer({ collections })
  const home = join(folder, 'home')
  const tls = join(home, '.docker', 'tls', new URL(server.url).host)
  const bin = join(folder, 'bin')
  for (const one of [tls, bin]) await mkdir(one, { recursive: true })
  await writeFile(join(tls, 'ca.crt'), server.ca)
  await writeFile(join(folder, 'ca.crt'), server.ca)
  // Files that the documents name.
  const rules = '  - match: registry.example/team/app\n    requireSigners: { all: [alice] }\n'
  await writeFile(join(folder, 'policy.yaml'), `version: 1\nrules:\n${rules}`)
  await writeFile(join(folder, 'config.json'), '{"trust_pinning": {"disable_tofu": true}}')
  await program(bin, 'dct', DCT)
  // What the examples of commands on files name.
  await writeFile(join(folder, 'Dockerfile'), 'FROM alpine:3.19\n')
  await mkdir(join(folder, 'deploy'), { recursive: true })
  await writeFile(join(folder, 'deploy', 'compose.yaml'), 'services:\n  web:\n    image: alpine:3.20\n')
  // Programs to which the documents pass a digest print their arguments.
  for (const name of ['docker', 'kubectl', 'cosign', 'notation']) await program(bin, name, `echo ${name} "$@"`)
  const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: home, DOCKER_CONTENT_TRUST_SERVER: server.url }
  return {
    folder,
    digest,
    run: (file, argv) =>
      new Promise((done) => execFile(file, argv, { cwd: folder, env }, (error, out, err) => done({ error, out, err }))),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

async function program(bin: string, name: string, line: string): Promise<void> {
  await writeFile(join(bin, name), `#!/bin/sh\n${line}\n`)
  await chmod(join(bin, name), 0o755)
}

/** Matches the output that a document shows: `...` stands for anything, and on a line by itself for any lines. */
export function asShown(shown: string): RegExp {
  const escaped = shown.split('\n').map((line) => {
    if (line.trim() === '...') return '(?:.*\\n)*?'
    return `${line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\.\\.\\.', '.*')}\\n`
  })
  return new RegExp(`^${escaped.join('')}$`)
}
