/** The first screen keeps its promise. That all of the README works is seen in docs/, as for every other document. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { helpText } from '../src/cli/help.js'
import { readDocument } from './docs/markdown.js'
import { createPlace, createWorld, type World } from './docs/world.js'

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

test('one sentence, one command, one snippet', () => {
  const firstScreen = readme.text.split('\n').slice(0, 20)
  expect(firstScreen.filter((line) => line.startsWith('```'))).toEqual(['```console', '```', '```ts', '```'])
  expect(readme.blocks[0]?.code).toBe('$ npm ci && npm run demo')
})

test('its command prints what it promises', async () => {
  expect((await world.run('/bin/sh', ['-c', 'dct verify alpine:3.19'])).out).toBe(`docker.io/library/alpine@${world.digest}\n`)
})

test('its snippets print the signed digest, in plain JavaScript too', async () => {
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

test('every line of its commands works by itself', async () => {
  const lines = readme.blocks.filter(({ language }) => language === 'sh').flatMap(({ code }) => code.split('\n'))
  expect(lines.length).toBeGreaterThan(5)
  for (const line of lines) {
    const { error, err } = await world.run('/bin/sh', ['-c', line])
    expect(error, `${line}: ${err}`).toBeNull()
  }
})

test('every exit status of its table stands in the help', () => {
  const statuses = readme.rows.map(([cell = '']) => cell).filter((cell) => /^\d+$/.test(cell))
  expect(statuses.length).toBeGreaterThan(5)
  for (const status of statuses) expect(helpText('verify')).toContain(status)
})
