/** Every folder of fixtures/: what is served there, under the clock of its case, gives the answer that the case expects. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  type CachedCollection,
  createTrustClient,
  type LookupResult,
  type MetadataStore,
  TrustError,
  type VerifyResult,
} from '../src/index.js'
import { type Fixture, type LoadedStep, loadFixture } from '../src/testing/index.js'

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url))
const cases = readdirSync(fixtures).filter((name) => existsSync(join(fixtures, name, 'case.json')))

/** The collection was verified and kept before these were thrown. */
const verifiedButUnsigned = ['ERR_TAG_NOT_SIGNED', 'ERR_DIGEST_NOT_SIGNED', 'ERR_DIGEST_MISMATCH']

const sizeLimit = 600_000

type Outcome = VerifyResult | LookupResult | TrustError

test.each(cases)('%s', async (name) => {
  const folder = join(fixtures, name)
  const file = await loadFixture(folder)
  expectNothingElse(folder, file.steps)
  const store = file.createStore()
  for (const [index, step] of file.steps.entries()) {
    if (step.forget) await store.forget(file.gun)
    const before = await store.read(file.gun)
    const outcome = await ask(file, step, store)
    const after = await store.read(file.gun)
    const where = `step ${index + 1} (${step.about ?? step.reference ?? step.target})`
    expect(asExpected(outcome, step), where).toEqual(step.expect)
    if (outcome instanceof TrustError) {
      if (!verifiedButUnsigned.includes(outcome.code)) expect(after, `${where}: the store`).toEqual(before)
      continue
    }
    if (!('role' in outcome)) {
      expect(after, `${where}: the store`).toEqual(before)
      continue
    }
    expect(outcome, where).toMatchObject({ gun: file.gun, server: file.server })
    if ('canonicalReference' in outcome) expect(outcome.canonicalReference, where).toBe(`${file.gun}@${outcome.digest}`)
    expectKept(after, before, step, where)
    const again = await ask(file, { ...step, clientOptions: { ...step.clientOptions, offline: true } }, store)
    const same = { digest: outcome.digest, role: outcome.role, freshness: 'offline' }
    expect(again, `${where}: offline`).toMatchObject(step.offline ?? same)
  }
})

describe('fixtures as a whole', () => {
  const all = readdirSync(fixtures, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = all.map(({ parentPath, name }) => join(parentPath, name))

  test('every folder is a case', () => {
    const folders = readdirSync(fixtures, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(folders.map(({ name }) => name)).toEqual(cases)
    expect(cases).toContain('demo')
  })

  test('nothing holds a private key', () => {
    for (const path of paths) {
      const text = readFileSync(path, 'utf8')
      expect(text, path).not.toContain('PRIVATE KEY')
      expect(text, path).not.toMatch(/"private":\s*"/)
    }
  })

  test('they stay small', () => {
    const size = paths.reduce((sum, path) => sum + readFileSync(path).length, 0)
    expect(size).toBeLessThan(sizeLimit)
  })
})

async function ask({ gun }: Fixture, step: LoadedStep, store: MetadataStore): Promise<Outcome> {
  await using client = createTrustClient({ ...step.clientOptions, store })
  try {
    if (step.reference !== undefined) return await client.verifyTag(step.reference)
    return await client.lookup(gun, step.target ?? '', step.roles && { roles: step.roles })
  } catch (error) {
    if (error instanceof TrustError) return error
    throw error
  }
}

/** What the case speaks of, and nothing else; of an error always the code. */
function asExpected(outcome: Outcome, { expect: expected }: LoadedStep): Record<string, unknown> {
  const all: Record<string, unknown> =
    outcome instanceof TrustError
      ? { code: outcome.code, role: outcome.role, message: outcome.message }
      : { ...outcome, ...('warnings' in outcome && { warnings: outcome.warnings.map(({ code }) => code) }) }
  const wanted = outcome instanceof TrustError && !('code' in expected) ? ['code', 'role', 'message'] : Object.keys(expected)
  return Object.fromEntries(wanted.map((key) => [key, all[key]]))
}

/** Everything kept is served now or was kept before, and the answer's own files are there. */
function expectKept({ metadata, floors }: CachedCollection, before: CachedCollection, step: LoadedStep, where: string): void {
  for (const role of ['root', 'timestamp', 'snapshot', 'targets']) expect(metadata.has(role), `${where}: ${role}`).toBe(true)
  expect(floors, where).toBeDefined()
  for (const [role, bytes] of metadata) {
    const known = [step.collection.served(role), before.metadata.get(role)].filter((file) => file !== undefined)
    expect(
      known.some((file) => Buffer.compare(file, bytes) === 0),
      `${where}: ${role}`,
    ).toBe(true)
  }
}

/** A folder that no step uses, or one that is missing, would be a case that tests less than it seems to. */
function expectNothingElse(folder: string, steps: readonly LoadedStep[]): void {
  const named = steps.flatMap(({ served, unreachable, options }) => [
    ...(unreachable ? [] : [served]),
    ...Object.values(options?.pinning?.ca ?? {}),
  ])
  const optional = existsSync(join(folder, 'cache')) ? ['cache'] : []
  expect(readdirSync(folder).sort(), basename(folder)).toEqual([...new Set(['case.json', ...optional, ...named])].sort())
}
