/** The gates in the guides verify even if the environment switches content trust off. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readDocument } from './markdown.js'
import { asShown, createPlace, createWorld, type World } from './world.js'

const PAGES = ['docs/guides/ci-gate.md', 'docs/guides/deploy-script.md']
const blocks = PAGES.flatMap((page) => readDocument(page).blocks)
const commands = blocks.filter(({ language }) => language === 'sh')

let place: string
let world: World
beforeAll(async () => {
  place = await createPlace()
  world = await createWorld(join(place, 'gates'))
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await rm(place, { recursive: true })
})

test.each(commands)(
  'with DOCKER_CONTENT_TRUST=0 the command at $document:$line still verifies',
  async ({ code, prints = '' }) => {
    const { error, out, err } = await world.run('/bin/sh', ['-e', '-c', `export DOCKER_CONTENT_TRUST=0\n${code}`])
    expect(error, err).toBeNull()
    expect(out).toMatch(asShown(prints))
  },
)

test('the job of the CI guide switches content trust on', () => {
  const { jobs } = parse(blocks.find(({ language }) => language === 'yaml')?.code ?? '')
  expect(jobs.verify.env).toMatchObject({ DOCKER_CONTENT_TRUST: '1' })
})
