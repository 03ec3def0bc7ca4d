/** The README's first screen and commands. test/docs/ runs the blocks of the README, as of every other document. */
import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { helpText } from '../src/cli/help.js'
import { ROOT, readDocument, readDocuments } from './docs/markdown.js'
import { createPlace, createWorld, type World } from './docs/world.js'

const run = (program: string, argv: readonly string[], options: { readonly cwd: string }) =>
  new Promise<{ error: unknown; out: string }>((done) => execFile(program, argv, options, (error, out) => done({ error, out })))

const readme = readDocument('README.md')

let place: string
let world: World
beforeAll(async () => {
  place = await createPlace()
  world = await createWorld(join(place, 'readme'))
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await rm(place, { recursive: true })
})

test('the first screen has one command and one snippet', () => {
  const firstScreen = readme.text.split('\n').slice(0, 20)
  expect(firstScreen.filter((line) => line.startsWith('```'))).toEqual(['```console', '```', '```ts', '```'])
  expect(readme.blocks[0]?.code).toBe('$ npm ci && npm run demo')
})

test('the command prints the reference that the README shows', async () => {
  expect((await world.run('/bin/sh', ['-c', 'dct verify container-registry.oracle.com/os/oraclelinux:9'])).out).toBe(
    `container-registry.oracle.com/os/oraclelinux@${world.digest}\n`,
  )
})

test('the snippets print the signed digest, also as plain JavaScript', { timeout: 60_000 }, async () => {
  const snippets = readme.blocks.filter(({ language }) => language === 'ts')
  expect(snippets.length).toBeGreaterThan(1)
  for (const { line, code } of snippets) {
    const file = join(world.folder, `line-${line}.mjs`)
    await writeFile(file, code)
    const { error, out, err } = await world.run(process.execPath, [file])
    expect(error, err).toBeNull()
    expect(out).toContain(world.digest)
  }
})

test('every line of the commands works alone', { timeout: 180_000 }, async () => {
  const lines = readme.blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.split('\n'))
  expect(lines.length).toBeGreaterThan(5)
  for (const line of lines) {
    const { error, err } = await world.run('/bin/sh', ['-c', line])
    expect(error, `${line}: ${err}`).toBeNull()
  }
})

test('in a built clone, npx finds the command without asking a registry', async () => {
  const { error, out } = await run('npx', ['--no-install', 'dct', '--version'], { cwd: ROOT })
  expect(error).toBeNull()
  expect(out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('no document, help or output says to run a bare `npx dct`, or to install by name from a registry, where another project has the name', async () => {
  const demo = await readFile(join(ROOT, 'src/cli/demo.ts'), 'utf8')
  const texts = [...readDocuments().map(({ path, text }) => [path, text]), ['help', helpText([])], ['demo', demo]]
  const commands = texts.map(([name = '', text = '']) => [name, text.replace('never run a bare `npx dct`', '')])
  for (const [name, text] of commands) {
    expect(text, name).not.toMatch(/npx (?!--no-install )(?:docker-content-trust|dct)\b/)
    expect(text, name).not.toMatch(/npm (?:i|install|add)(?: -\S+)* (?:docker-content-trust|dct)(?:@\S+)?(?=\s|`|$)/)
  }
})

test('every exit status of the table is in the help', () => {
  const statuses = readme.rows.map(([cell = '']) => cell).filter((cell) => /^\d+$/.test(cell))
  expect(statuses.length).toBeGreaterThan(5)
  for (const status of statuses) expect(helpText(['verify'])).toContain(status)
})
