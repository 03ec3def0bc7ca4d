/** Every folder of fixtures/: what is served there, under the clock of its case, gives the answer that the case expects. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  type CachedCollection,
  createMemoryStore,
  createTrustClient,
  type LookupResult,
  type MetadataStore,
  type Transport,
  TrustError,
  UnavailableError,
  UntrustedError,
  type VerifyResult,
} from '../src/index.js'
import { type CompleteStep, caseSchema, type FixtureCase, stepsOf } from './interop/lab/fixture-cases/case-file.js'

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url))
const cases = readdirSync(fixtures).filter((name) => existsSync(join(fixtures, name, 'case.json')))

/** The collection was verified and kept before these were thrown. */
const verifiedButUnsigned = ['ERR_TAG_NOT_SIGNED', 'ERR_DIGEST_NOT_SIGNED', 'ERR_DIGEST_MISMATCH']

const sizeLimit = 600_000

type Files = ReadonlyMap<string, Uint8Array>
type Outcome = VerifyResult | LookupResult | TrustError

test.each(cases)('%s', async (name) => {
  const folder = join(fixtures, name)
  const file = caseSchema.parse(JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')))
  const steps = stepsOf(file)
  expectNothingElse(folder, steps)
  const store = startingWith(file.gun, readFiles(join(folder, 'cache')))
  for (const [index, step] of steps.entries()) {
    if (step.forget) await store.forget(file.gun)
    const before = await store.read(file.gun)
    const outcome = await ask(file, step, folder, store)
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
    expectKept(after, before, readFiles(join(folder, step.served)), where)
    const again = await ask(file, { ...step, options: { ...step.options, offline: true } }, folder, store)
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

async function ask({ gun, server }: FixtureCase, step: CompleteStep, folder: string, store: MetadataStore): Promise<Outcome> {
  const { pinning, ...options } = step.options ?? {}
  await using client = createTrustClient({
    ...options,
    ...(pinning && { pinning: { ...pinning, ...(pinning.ca && { ca: filesIn(folder, pinning.ca) }) } }),
    env: {},
    disableContentTrust: false,
    server,
    store,
    transport: step.unreachable ? nobody : serving(gun, readFiles(join(folder, step.served))),
    now: () => new Date(step.now),
  })
  try {
    if (step.reference !== undefined) return await client.verifyTag(step.reference)
    return await client.lookup(gun, step.target ?? '', step.roles && { roles: step.roles })
  } catch (error) {
    if (error instanceof TrustError) return error
    throw error
  }
}

function filesIn(folder: string, names: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(names).map(([key, name]) => [key, join(folder, name)]))
}

/** What the case speaks of, and nothing else; of an error always the code. */
function asExpected(outcome: Outcome, { expect: expected }: CompleteStep): Record<string, unknown> {
  const all: Record<string, unknown> =
    outcome instanceof TrustError
      ? { code: outcome.code, role: outcome.role, message: outcome.message }
      : { ...outcome, ...('warnings' in outcome && { warnings: outcome.warnings.map(({ code }) => code) }) }
  const wanted = outcome instanceof TrustError && !('code' in expected) ? ['code', 'role', 'message'] : Object.keys(expected)
  return Object.fromEntries(wanted.map((key) => [key, all[key]]))
}

/** Everything kept is served now or was kept before, and the answer's own files are there. */
function expectKept({ metadata, floors }: CachedCollection, before: CachedCollection, served: Files, where: string): void {
  for (const role of ['root', 'timestamp', 'snapshot', 'targets']) expect(metadata.has(role), `${where}: ${role}`).toBe(true)
  expect(floors, where).toBeDefined()
  for (const [role, bytes] of metadata) {
    const known = [served.get(role), before.metadata.get(role)].filter((file) => file !== undefined)
    expect(
      known.some((file) => Buffer.compare(file, bytes) === 0),
      `${where}: ${role}`,
    ).toBe(true)
  }
}

/** Consistent names are answered from the plain file when it is the very file, so that a wrong reference shows. */
function serving(gun: string, files: Files): Transport {
  return {
    async fetchMetadata(request) {
      expect(request.gun).toBe(gun)
      const [, role = request.name, hash] = /^(.*)\.([0-9a-f]{64})$/.exec(request.name) ?? []
      const file = files.get(role)
      if (file === undefined || (hash !== undefined && sha256(file) !== hash)) return undefined
      if (file.length <= request.maxBytes) return file
      throw new UntrustedError('ERR_METADATA_TOO_LARGE', `${request.name} is longer than ${request.maxBytes}`, { gun, role })
    },
    close: () => Promise.resolve(),
  }
}

const nobody: Transport = {
  fetchMetadata: ({ gun }) => Promise.reject(new UnavailableError('ERR_SERVER_UNREACHABLE', 'nobody answers', { gun })),
  close: () => Promise.resolve(),
}

/** A memory store that found Docker's files, which come without floors of ours. */
function startingWith(gun: string, cache: Files): MetadataStore {
  const kept = createMemoryStore()
  let found = cache
  const withFound = (asked: string, collection: CachedCollection): CachedCollection =>
    asked === gun ? { ...collection, metadata: new Map([...found, ...collection.metadata]) } : collection
  return {
    ...kept,
    async read(asked) {
      return withFound(asked, await kept.read(asked))
    },
    commit(asked, changes) {
      return kept.commit(asked, { ...changes, isSuperseded: (now) => changes.isSuperseded(withFound(asked, now)) })
    },
    async forget(asked) {
      if (asked === gun) found = new Map()
      return kept.forget(asked)
    },
  }
}

/** By name without `.json`; none when there is no such folder. */
function readFiles(folder: string): Files {
  if (!existsSync(folder)) return new Map()
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))
  return new Map(
    names.map((name) => [name.slice(0, -'.json'.length).replaceAll('\\', '/'), new Uint8Array(readFileSync(join(folder, name)))]),
  )
}

/** A folder that no step uses, or one that is missing, would be a case that tests less than it seems to. */
function expectNothingElse(folder: string, steps: readonly CompleteStep[]): void {
  const named = steps.flatMap(({ served, unreachable, options }) => [
    ...(unreachable ? [] : [served]),
    ...Object.values(options?.pinning?.ca ?? {}),
  ])
  const optional = existsSync(join(folder, 'cache')) ? ['cache'] : []
  expect(readdirSync(folder).sort(), basename(folder)).toEqual([...new Set(['case.json', ...optional, ...named])].sort())
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
