/**
 * `docker trust inspect` byte for byte, from the record of docker 28.2.2: what a real notary-server served, and what the real
 * docker printed of it. Kept by test/engines/inspect.test.ts.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createMemoryStore, createTrustClient, type Inspection, type TagList } from '../../src/index.js'
import { parseReference } from '../../src/reference/reference.js'
import { type InspectedImage, inspectJson, inspectPretty } from '../../src/report/docker-trust.js'
import { compareNaturally } from '../../src/report/natural-order.js'
import { readCollection } from '../../src/tasks/collection.js'
import { createSimulatedTransport, readServedFolder } from '../../src/testing/index.js'

interface Recorded {
  readonly docker: string
  readonly now: string
  readonly registry: string
  readonly cases: readonly { about: string; references: readonly string[]; json: string; pretty: string }[]
}

const FOLDER = fileURLToPath(new URL('docker-trust', import.meta.url))
const recorded: Recorded = JSON.parse(await readFile(`${FOLDER}/cases.json`, 'utf8'))

async function imageOf(name: string): Promise<InspectedImage> {
  const { gun, tag, tagDefaulted } = parseReference(name)
  const collection = await readServedFolder(gun, `${FOLDER}/served/${gun.slice(recorded.registry.length)}`)
  const transport = createSimulatedTransport([collection])
  await using client = createTrustClient({
    env: {},
    server: 'https://trust.example',
    transport,
    store: createMemoryStore(),
    now: () => new Date(recorded.now),
  })
  return { name, ...(await readCollection(client, name)), ...(tag === undefined || tagDefaulted ? {} : { tag }) }
}

test('the record is that of docker 28.2.2, and of every shape', () => {
  expect(recorded.docker).toMatch(/^docker 28\.2\.2,/)
  expect(recorded.cases.length).toBeGreaterThan(12)
})

describe.each(recorded.cases.map((one) => [one.about, one] as const))('%s', (_, { references, json, pretty }) => {
  test('JSON', async () => {
    expect(inspectJson(await Promise.all(references.map(imageOf)))).toBe(json)
  })

  test('--pretty', async () => {
    const images = await Promise.all(references.map(imageOf))
    // Docker prints two line ends behind each but the last.
    expect(images.map(inspectPretty).join('\n\n')).toBe(pretty)
  })
})

const PROVENANCE = {
  gun: 'docker.io/library/x',
  rootTrust: 'first-use',
  freshness: 'fresh',
  expires: '',
  server: '',
  warnings: [],
} as const
const inspection: Inspection = { ...PROVENANCE, roles: [], delegations: [] }
const listOf = (...names: string[]): TagList => ({
  ...PROVENANCE,
  tags: names.map((tag) => ({ tag, digest: `sha256:${'ab'.repeat(32)}`, size: 1, role: 'targets', signers: [] })),
})

test('what a terminal would obey is a space with --pretty, and escaped in JSON', () => {
  const image = { name: 'x', inspection, list: listOf('red\u001b[31m', 'turned\u202e', 'two\nlines', 'tab\tbed') }
  expect(inspectPretty(image)).toMatch(/^[\n\t -~]*$/)
  expect(inspectPretty(image)).toContain('two lines')
  expect(JSON.parse(inspectJson([image]))[0].SignedTags.map(({ SignedTag: tag }: { SignedTag: string }) => tag)).toContain(
    'red\u001b[31m',
  )
})

test('JSON is escaped as Go does it', () => {
  const name = 'a<b>&\u2028\u2029\u007f"\\ud800\ud800'
  const text = inspectJson([{ name, inspection, list: listOf() }])
  expect(text).toContain('"Name": "a\\u003cb\\u003e\\u0026\\u2028\\u2029\u007f\\"\\\\ud800\ufffd"')
  expect(text).toContain('"SignedTags": [],')
})

test('tags are in the natural order of sortorder', () => {
  const order = [
    '',
    '0',
    '00',
    '1',
    '01',
    '001',
    '2',
    '02a',
    '10',
    'A',
    'a',
    'a0',
    'a00',
    'a1',
    'a01',
    'a2',
    'a2b',
    'a10',
    'ab',
    'b',
    'é',
  ]
  for (const [index, one] of order.entries())
    for (const [at, other] of order.entries())
      expect(Math.sign(compareNaturally(one, other)), `${one}, ${other}`).toBe(Math.sign(index - at))
})
