/**
 * Fixtures: folders with the files of a server, byte for byte, and with a `case.json` that says when they are asked for
 * what, and what must come of it.
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
  /** The URL that the client is told; nothing is asked there. */
  readonly server: string
  /** At least one. */
  readonly steps: readonly LoadedStep[]
  /** A store as the first step finds it: empty, or with what `cache/` holds. One for all steps. */
  createStore(): MetadataStore
}

/** A step, and what a client needs to take it. */
export interface LoadedStep extends CompleteStep {
  /** What is served. */
  readonly collection: FileHolder
  /** For `createTrustClient` or `verifyTag`, with a `store` from the fixture. The clock is that of the step. */
  readonly clientOptions: TrustClientOptions
}

/** A fixture to be written. */
export interface FixtureContent {
  readonly file: FixtureCase
  /** By folder: `served`, `served-1`, ... */
  readonly served: Readonly<Record<string, FixtureFiles>>
  /** What a cache holds at the beginning. */
  readonly cache?: FixtureFiles
  /** Texts that options name, by file name. */
  readonly files?: Readonly<Record<string, string>>
}

/** A fixture of one question to one published state. */
export interface RecordOptions extends Omit<FixtureQuestion, 'now' | 'expect'>, Required<Pick<FixtureQuestion, 'expect'>> {
  /** A sentence for people; the reference when absent. */
  readonly about?: string
  /** When it is asked. */
  readonly now: Date
  /** https://trust.example when absent. */
  readonly server?: string
  /** Texts that options name, by file name: CA files of pins, say. */
  readonly files?: Readonly<Record<string, string>>
}

/** A collection that can tell all its files. */
export interface RecordableCollection {
  readonly gun: string
  /** Everything that its server has, by name. */
  files(): FixtureFiles
}

/**
 * Writes what the collection serves now, and what must come of a question, as a fixture. The folder is made anew.
 *
 * @throws TypeError for a case that `loadFixture` would not read
 */
export async function recordFixture(folder: string, collection: RecordableCollection, options: RecordOptions): Promise<void> {
  const { now, about = options.reference ?? options.target ?? '', server = 'https://trust.example', files, ...question } = options
  const file = { about, gun: collection.gun, server, now: now.toISOString(), ...question }
  await writeFixture(folder, { file, served: { served: withoutCopies(collection.files()) }, ...(files && { files }) })
}

/**
 * Writes a fixture of any number of steps. The folder is made anew.
 *
 * @throws TypeError for a case that `loadFixture` would not read, and for a private key in any file
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

/** Reads a fixture. @throws TypeError for a case that says too little, or what is not known here */
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

/** A file under its own hash is found again by its name; one under another's hash is the tampering that was recorded. */
function withoutCopies(files: FixtureFiles): FixtureFiles {
  return new Map([...files].filter(([name, bytes]) => !name.endsWith(`.${createHash('sha256').update(bytes).digest('hex')}`)))
}

/** A memory store that found files of Docker's or notary's, which come without floors of ours. */
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
