/** The examples of the alias, in real shells. `npm test` builds the program first. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findImageUses } from '../../src/formats/find-image-uses.js'

const BIN = fileURLToPath(new URL('../../dist/cli/bin.cjs', import.meta.url))
const EXAMPLES = fileURLToPath(new URL('../../examples/docker-alias/', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-examples-'))
  await mkdir(join(folder, 'bin'))
  const programs = { dct: `exec '${process.execPath}' '${BIN}' "$@"`, 'real-docker': 'echo "real docker: $*"' }
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`)
    await chmod(join(folder, 'bin', name), 0o755)
  }
})
afterAll(() => rm(folder, { recursive: true }))

function execute(program: string, args: readonly string[], PATH: string): Promise<{ out: string; err: string }> {
  const env = {
    PATH: `${PATH}:${folder}/bin:${process.env['PATH']}`,
    HOME: folder,
    DCT_DOCKER: join(folder, 'bin', 'real-docker'),
  }
  return new Promise((resolve) => void execFile(program, args, { env }, (_, out, err) => resolve({ out, err })))
}

test.each([
  ['bash', ['--norc', '-c', `shopt -s expand_aliases\n. '${EXAMPLES}profile.sh'\nDOCKER_CONTENT_TRUST=0\ndocker ps -a`]],
  ['zsh', ['-f', '-c', `setopt aliases; . '${EXAMPLES}profile.sh'; DOCKER_CONTENT_TRUST=0; eval 'docker ps -a'`]],
])('the profile makes docker dct in %s', async (shell, args) => {
  expect(await execute(shell, args, '')).toEqual({ out: 'real docker: ps -a\n', err: '' })
})

test('the program for CI images is docker for scripts, and does not run itself', async () => {
  expect(await execute('sh', ['-c', 'docker ps -a'], EXAMPLES)).toEqual({ out: 'real docker: ps -a\n', err: '' })
})

test('the Containerfile is one that dct can read, and what it copies is beside it', async () => {
  const text = await readFile(join(EXAMPLES, 'Containerfile'), 'utf8')
  const { uses, problems } = findImageUses('Containerfile', text)
  expect(problems).toEqual([])
  const [, source = ''] = /^COPY --chmod=755 (\S+) \/usr\/local\/bin\/docker$/m.exec(text) ?? []
  expect(await readFile(join(EXAMPLES, source), 'utf8')).toMatch(/^#!\/bin\/sh\n(?:#.*\n)*.*exec dct docker "\$@"\n$/)
  expect(uses.map(({ reference }) => reference)).toEqual(['docker.io/library/node:22-bookworm-slim'])
})
