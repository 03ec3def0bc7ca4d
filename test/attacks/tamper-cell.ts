/** One cell of the tamper matrix: a collection with a history, one role of it tampered with, three clients. */
import { createMemoryStore, type MetadataStore, TrustError, verifyTag } from '../../src/index.js'
import {
  createSigningKey,
  createTrustCollection,
  type Fault,
  type SigningKey,
  type Tampering,
  type TargetsDocument,
  type TrustCollection,
} from '../../src/testing/index.js'
import { bytesOf, comparable, DAY, GUN, type Kept, SERVER } from '../client/story.js'

export const SIGNER = 'targets/alice'
export const RELEASES = 'targets/releases'
export const ROLES = ['root', 'timestamp', 'snapshot', 'targets', RELEASES, SIGNER] as const
export type Role = (typeof ROLES)[number]

/** No cache; the cache of an honest run; the same with every file except the root replaced by garbage and intact floors. */
export const CACHES = ['none', 'good', 'spoiled'] as const
export type Cache = (typeof CACHES)[number]

/** The version of every role before the tampering. */
export const BEFORE = 3

/** What every `signed` has. */
export interface CommonDocument {
  _type: string
  version: number
  expires: string
}

/** What is done to one role. */
export interface Tamper extends Tampering<CommonDocument> {
  /** Changes the file on the way, under any name. */
  readonly wire?: Fault
  /** Changes the entry of the file in the roles above, by an attacker with their keys. */
  readonly declared?: (file: { length: number; hashes: Record<string, string> }) => void
}

const START = new Date('2026-03-01T12:00:00Z')
const FALLBACK = 'sha256:'.padEnd(71, 'f')
const keyPool = new Map<string, readonly SigningKey[]>()

/** Two keys, for one role of different kinds (Ed25519 is slow to verify); a role has the same ones in every cell. */
function keysOf(role: string): readonly SigningKey[] {
  const made = keyPool.get(role) ?? [0, 1].map((number) => makeKey(role, number))
  keyPool.set(role, made)
  return made
}

function makeKey(role: string, number: number): SigningKey {
  if (role !== 'root') return createSigningKey({ type: role === SIGNER && number === 1 ? 'ed25519' : 'ecdsa' })
  const notAfter = new Date(START.getTime() + 3650 * DAY)
  return createSigningKey({ type: 'ecdsa-x509', certificate: { subject: { cn: GUN }, notBefore: START, notAfter } })
}

/**
 * Every role has two keys and needs both, and has version 3. `alpine:3.19` is released, signed by alice, and
 * targets has another digest for it, which a silent fallback would find.
 */
function seasonedCollection(): { collection: TrustCollection; digest: string } {
  const signers = (role: string) => ({ keys: keysOf(role), threshold: 2 })
  const collection = createTrustCollection(GUN, {
    now: START,
    roles: {
      root: signers('root'),
      timestamp: signers('timestamp'),
      snapshot: signers('snapshot'),
      targets: signers('targets'),
    },
  })
  for (const role of [RELEASES, SIGNER]) collection.delegate(role, signers(role))
  let digest = ''
  for (let version = 1; version <= BEFORE; version++) {
    collection.sign('3.19', FALLBACK)
    for (const role of [RELEASES, SIGNER]) digest = collection.sign('3.19', `release ${version}`, { role })
    if (version > 1) collection.setVersion('root', version)
    collection.publish()
  }
  return { collection, digest }
}

/** What came of it, one line for each cache. */
export async function outcomes(role: Role, tamper: Tamper): Promise<Record<Cache, string>> {
  const { collection, digest } = seasonedCollection()
  const good = createMemoryStore()
  const client = { collection, digest, now: START }
  if ((await outcome({ ...client, store: good })) !== 'trusted by alice WARN_FIRST_USE') throw new Error('the honest run failed')
  const stores: Record<Cache, MetadataStore> = { none: createMemoryStore(), good, spoiled: await spoiledCopy(good) }
  const now = new Date(START.getTime() + DAY)
  apply(collection, role, tamper)
  collection.publish({ at: now })
  const wire: Record<string, Fault> =
    tamper.wire === undefined ? {} : { [role]: tamper.wire, [`${BEFORE + 1}.${role}`]: tamper.wire }
  const run = (store: MetadataStore) => outcome({ collection, digest, now, store, wire })
  return { none: await run(stores.none), good: await run(stores.good), spoiled: await run(stores.spoiled) }
}

function apply(collection: TrustCollection, role: Role, { wire: _, declared, ...tampering }: Tamper): void {
  // The overloads of `tamper` want the one document of the role; these tamperings fit all.
  collection.tamper(role as 'targets', tampering as Tampering<TargetsDocument>)
  // A timestamp alone may be renewed under its number; here it names another snapshot.
  if (role === 'timestamp') collection.tamper('snapshot', {})
  if (declared === undefined) return
  if (role === 'snapshot') collection.tamper('timestamp', { before: ({ meta }) => declared(meta.snapshot) })
  else collection.tamper('snapshot', { before: ({ meta }) => declared(meta[role] ?? { length: 0, hashes: {} }) })
}

interface Client {
  readonly collection: TrustCollection
  readonly digest: string
  readonly now: Date
  readonly store: MetadataStore
  readonly wire?: Readonly<Record<string, Fault>>
}

/** `trusted by <signers> <warnings>` or `<code> <role>`; also reports a wrong store or answer. */
async function outcome({ collection, digest, now, store, wire = {} }: Client): Promise<string> {
  const before = comparable(await store.read(GUN))
  const transport = collection.transport({ faults: wire })
  const options = { env: {}, disableContentTrust: false, server: SERVER, transport, store, now: () => now }
  try {
    const result = await verifyTag('alpine:3.19', options)
    if (result.status !== 'trusted') return `status ${result.status}`
    if (result.digest !== digest) return `ANOTHER DIGEST FROM ${result.role}`
    const lowered = loweredFloors(before, comparable(await store.read(GUN)))
    if (lowered.length > 0) return `FLOORS LOWERED of ${lowered.join()}`
    const codes = result.warnings.map(({ code }) => code).sort()
    return [result.signers.length === 0 ? 'trusted' : `trusted by ${result.signers.join()}`, ...codes].join(' ')
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    const after = comparable(await store.read(GUN))
    if (JSON.stringify(after) !== JSON.stringify(before)) return `${error.code} ${error.role ?? ''} and the store changed`
    return `${error.code} ${error.role ?? ''}`.trim()
  }
}

function loweredFloors(before: Kept, after: Kept): string[] {
  const [was, is] = [versions(before), versions(after)]
  return [...was].filter(([role, version]) => !((is.get(role) ?? 0) >= version)).map(([role]) => role)
}

function versions({ floors }: Kept): Map<string, number> {
  if (floors === undefined) return new Map()
  const { roles } = JSON.parse(floors) as { roles: { role: string; version: number }[] }
  return new Map(roles.map(({ role, version }) => [role, version]))
}

/** A store that holds the same root and floors, and garbage for everything else. */
async function spoiledCopy(store: MetadataStore): Promise<MetadataStore> {
  const { metadata, floors = new Uint8Array() } = await store.read(GUN)
  const garbage = new Map([...metadata].map(([role, bytes]) => [role, role === 'root' ? bytes : bytesOf('{"signed":')]))
  const copy = createMemoryStore()
  await copy.commit(GUN, { metadata: garbage, floors }, undefined)
  return copy
}
