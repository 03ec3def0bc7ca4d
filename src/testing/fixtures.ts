/**
 * Fixtures: folders with the files of a server, byte for byte, and a `case.json` with questions, their times and the expected
 * results.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createMemoryStore } from '../cache/memory-store.js'
import type { CachedCollection, MetadataStore } from '../cache/metadata-store.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { createSimulatedTransport, type FileHolder } from './faults.js'
import { type CompleteStep, type FixtureCase, type FixtureQuestion, parseFixtureCase, stepsOf } from './fixture-case.js'
import { readJsonFiles, readServedFolder } from './served-folder.js'

/** Files by name without `.json`. */
export type FixtureFiles = ReadonlyMap<string, Uint8Array>

/** A fixture that was read. */
export interface Fixture {
  readonly about: string
  readonly gun: string
  /** The URL in the client's options. No request is sent to it. */
  readonly server: string
  /** At least one. */
  readonly steps: readonly LoadedStep[]
  /** The store for all steps: empty, or with the files of `cache/`. */
  createStore(): MetadataStore
}

/** A step, with the collection and the options of its client. */
export interface LoadedStep extends CompleteStep {
  /** The files that are served. */
  readonly collection: FileHolder
  /** For `createTrustClient` or `verifyTag`; add the `store` of the fixture. The clock is that of the step. */
  readonly clientOptions: TrustClientOptions
}

/** The content of a fixture to write. */
export interface FixtureContent {
  readonly file: FixtureCase
  /** By folder: `served`, `served-1`, ... */
  readonly served: Readonly<Record<string, FixtureFiles>>
  /** The cache before the first step. */
  readonly cache?: FixtureFiles
  /** Other files that options name, by file name. */
  readonly files?: Readonly<Record<string, string>>
}

/** A fixture of one question to one published state. */
export interface RecordOptions extends Omit<FixtureQuestion, 'now' | 'expect'>, Required<Pick<FixtureQuestion, 'expect'>> {
  /** A description; the reference when absent. */
  readonly about?: string
  /** The time of the question. */
  readonly now: Date
  /** https://trust.example when absent. */
  readonly server?: string
  /** Other files that options name, by file name, for example CA files of pins. */
  readonly files?: Readonly<Record<string, string>>
}

/** A collection that can list its files. */
export interface RecordableCollection {
  readonly gun: string
  /** All files on its server, by name. */
  files(): FixtureFiles
}

/**
 * Writes the files that the collection serves now, and a question with its expected result, as a fixture. Replaces the folder.
 *
 * @throws TypeError for a case that `loadFixture` would refuse
 */
export async function recordFixture(folder: string, collection: RecordableCollection, options: RecordOptions): Promise<void> {
  const { now, about = options.reference ?? options.target ?? '', server = 'https://trust.example', files, ...question } = options
  const file = { about, gun: collection.gun, server, now: now.toISOString(), ...question }
  await writeFixture(folder, { file, served: { served: withoutCopies(collection.files()) }, ...(files && { files }) })
}

/**
 * Writes a fixture with any number of steps. Replaces the folder.
 *
 * @throws TypeError for a case that `loadFixture` would refuse, and for a private key in any file
 */
export async function writeFixture(folder: string, { file, served, cache, files = {} }: FixtureContent): Promise<void> {
  stepsOf(parseFixtureCase(file))
  const all = new Map<string, Uint8Array | string>(Object.entries(files))
  for (const [place, content] of Object.entries({ ...served, ...(cache && { cache }) }))
    for (const [name, bytes] of content) all.set(`${place}/${name}.json`, bytes)
  all.set('case.json', `${JSON.stringify(file, undefined, 2)}\n`)
  for (const [name, content] of all) {
    if (Buffer.from(content).includes('PRIVATE KEY')) throw new TypeError(`a private key is about to be written to ${name}`)
  }
  await rm(folder, { recursive: true, force: true })
  for (const [name, content] of all) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

/** Reads a fixture. @throws TypeError for a case with missing or unknown fields */
export async function loadFixture(folder: string): Promise<Fixture> {
  const file = parseFixtureCase(JSON.parse(await readFile(join(folder, 'case.json'), 'utf8')))
  const cache = await readJsonFiles(join(folder, 'cache')).catch(() => new Map())
  const steps = await Promise.all(stepsOf(file).map((step) => loadStep(folder, file, step)))
  const { about, gun, server } = file
  return { about, gun, server, steps, createStore: () => storeStartingWith(gun, cache) }
}

async function loadStep(folder: string, { gun, server }: FixtureCase, step: CompleteStep): Promise<LoadedStep> {
  const { pinning, ...options } = step.options ?? {}
  const collection = step.unreachable ? { gun, served: () => undefined } : await readServedFolder(gun, join(folder, step.served))
  const ca = Object.entries(pinning?.ca ?? {}).map(([prefix, name]) => [prefix, join(folder, name)])
  const clientOptions: TrustClientOptions = {
    ...options,
    ...(pinning && { pinning: { ...pinning, ...(pinning.ca && { ca: Object.fromEntries(ca) }) } }),
    env: {},
    disableContentTrust: false,
    server,
    transport: createSimulatedTransport([collection], step.unreachable ? { faults: { '*': 'unreachable' } } : {}),
    now: () => new Date(step.now),
  }
  return { ...step, collection, clientOptions }
}

/** Leaves out copies under the file's own hash, which `loadFixture` makes again. A file under another hash is a recorded tampering. */
function withoutCopies(files: FixtureFiles): FixtureFiles {
  return new Map([...files].filter(([name, bytes]) => !name.endsWith(`.${createHash('sha256').update(bytes).digest('hex')}`)))
}

/** A memory store that begins with files as Docker or notary leave them: without version floors. */
function storeStartingWith(gun: string, cache: FixtureFiles): MetadataStore {
  const kept = createMemoryStore()
  let found = cache
  const withFound = (asked: string, collection: CachedCollection): CachedCollection =>
    asked === gun ? { ...collection, metadata: new Map([...found, ...collection.metadata]) } : collection
  return {
    ...kept,
    async read(asked) {
      return withFound(asked, await kept.read(asked))
    },
    async forget(asked) {
      if (asked === gun) found = new Map()
      return kept.forget(asked)
    },
  }
}
