/** A client, a publisher and the server between them; days go by. */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import {
  type CachedCollection,
  createMemoryStore,
  type ErrorCode,
  type MetadataStore,
  type TrustClientOptions,
  TrustError,
  type TrustedDigestResult,
  type TrustedResult,
  verifyTag,
} from '../../src/index.js'
import {
  createTrustCollection,
  type SigningKey,
  type SimulatedTransport,
  type TrustCollection,
  type TrustCollectionOptions,
} from '../../src/testing/index.js'

export const GUN = 'docker.io/library/alpine'
export const SERVER = 'https://notary.example'
export const DAY = 86_400_000

/** Docker's sentence, to the letter. */
export const STALE_SENTENCE =
  'Error while downloading remote metadata, using cached timestamp - this might not be the latest version available remotely'

/** What a store keeps of a collection, comparable. */
export interface Kept {
  readonly files: Readonly<Record<string, string>>
  readonly floors: string | undefined
}

export class Story {
  readonly collection: TrustCollection
  readonly store: MetadataStore
  transport: SimulatedTransport
  /** The client's clock. */
  now: Date

  /** A published collection in which `alpine:3.19` is signed, and a client that never saw it. */
  constructor(options: TrustCollectionOptions = {}, { store = createMemoryStore() }: { readonly store?: MetadataStore } = {}) {
    this.collection = createTrustCollection(GUN, options)
    this.collection.sign('3.19', 'alpine 3.19')
    this.collection.publish()
    this.transport = this.collection.transport()
    this.store = store
    this.now = this.collection.now
  }

  get options(): TrustClientOptions {
    return {
      env: {},
      disableContentTrust: false,
      server: SERVER,
      transport: this.transport,
      store: this.store,
      now: () => this.now,
    }
  }

  /** Both clocks go on. */
  wait(days: number): this {
    this.now = new Date(this.now.getTime() + days * DAY)
    this.collection.now = this.now
    return this
  }

  /** Verifies a tag; anything but `trusted` fails the test. */
  async verify(reference = 'alpine:3.19', more: TrustClientOptions = {}): Promise<TrustedResult> {
    const result = await verifyTag(reference, { ...this.options, ...more })
    if (result.status !== 'trusted') throw new Error(`status ${result.status}`)
    return result
  }

  /** Verifies a digest; anything but `trusted-digest` fails the test. */
  async verifyDigest(digest: string, more: TrustClientOptions = {}): Promise<TrustedDigestResult> {
    const result = await verifyTag(`alpine@${digest}`, { ...this.options, ...more })
    if (result.status !== 'trusted-digest') throw new Error(`status ${result.status}`)
    return result
  }

  /** The code (and role) of the refusal; the store must be as it was before. */
  async refused(reference = 'alpine:3.19', more: TrustClientOptions = {}): Promise<TrustError> {
    const before = await this.kept()
    const error = await refusalOf(this.verify(reference, more))
    expect(await this.kept(), 'a refusal leaves the store untouched').toEqual(before)
    return error
  }

  /** What the store keeps. */
  async kept(): Promise<Kept> {
    return comparable(await this.store.read(GUN))
  }

  /** Versions of the metadata kept, by role. */
  async keptVersions(): Promise<Record<string, number>> {
    const { metadata } = await this.store.read(GUN)
    return Object.fromEntries([...metadata].map(([role, bytes]) => [role, versionOf(bytes)]))
  }

  /** The highest version in the floors, by role. */
  async floors(): Promise<Record<string, number>> {
    const { floors } = await this.store.read(GUN)
    if (floors === undefined) return {}
    const { roles } = JSON.parse(text(floors)) as { roles: { role: string; version: number }[] }
    return Object.fromEntries(roles.map(({ role, version }) => [role, version]))
  }

  /** Requests since the last call. */
  requests(): string[] {
    return this.transport.requests.splice(0)
  }

  /** The files of the server as they are now, to be served again later. */
  replay(): Map<string, Uint8Array> {
    return this.collection.files()
  }

  /** From now on the server is this one. */
  serve(files: ReadonlyMap<string, Uint8Array>): this {
    this.transport.faults.set('*', missing)
    for (const [name, bytes] of files) this.transport.faults.set(name, bytes)
    return this
  }
}

const missing = 'missing'

/** What the promise is refused with; a digest, or another kind of error, fails the test. */
export async function refusalOf(answer: Promise<unknown>): Promise<TrustError> {
  const outcome = await answer.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  )
  if (!('error' in outcome)) throw new Error(`not refused: ${JSON.stringify(outcome.result)}`)
  if (!(outcome.error instanceof TrustError)) throw outcome.error
  return outcome.error
}

/** The ID that `notary key list` shows: that of the bare public key, worked out here from its definition. */
export function canonicalId({ id, type, pair }: SigningKey): string {
  if (!type.endsWith('-x509')) return id
  const spki = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  const document = `{"keytype":"${type.replace('-x509', '')}","keyval":{"private":null,"public":"${spki}"}}`
  return createHash('sha256').update(document).digest('hex')
}

/** `{code, role}` of a refusal, to be compared. */
export function codeAndRole({ code, role }: TrustError): { code: ErrorCode; role?: string } {
  return role === undefined ? { code } : { code, role }
}

export function comparable({ metadata, floors }: CachedCollection): Kept {
  const files = Object.fromEntries([...metadata].map(([role, bytes]) => [role, text(bytes)]))
  return { files, floors: floors === undefined ? undefined : text(floors) }
}

export function versionOf(file: Uint8Array): number {
  return (JSON.parse(text(file)) as { signed: { version: number } }).signed.version
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

export function bytesOf(content: string): Uint8Array {
  return new Uint8Array(Buffer.from(content))
}

/** A store whose content a test lays out as it likes. */
export function storeWith(change: (kept: MutableCollection) => void, inner: MetadataStore): Promise<MetadataStore> {
  return inner.read(GUN).then((read) => {
    const kept: MutableCollection = { ...read, metadata: new Map(read.metadata), unreadable: new Map(read.unreadable) }
    change(kept)
    const metadata = kept.metadata
    let commits = 0
    return {
      read: () => Promise.resolve({ ...kept, metadata: new Map(metadata), revision: String(commits) }),
      commit: (_gun, changes, revision) => {
        if (revision !== String(commits)) return Promise.resolve('conflict')
        commits++
        for (const [role, bytes] of changes.metadata) metadata.set(role, bytes)
        kept.floors = changes.floors
        kept.unreadable.clear()
        delete kept.floorsUnreadable
        return Promise.resolve('written')
      },
      forget: () => Promise.resolve(false),
      list: () => Promise.resolve([GUN]),
    }
  })
}

export interface MutableCollection {
  metadata: Map<string, Uint8Array>
  unreadable: Map<string, string>
  floors?: Uint8Array
  floorsUnreadable?: string
}
