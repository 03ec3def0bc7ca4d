/**
 * Collections that the real publisher made (`fixtures/`), adopted: the same documents under another name, with keys of the test instead of
 * the original keys. They are signed and dated again, because the original timestamps were valid for two weeks.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  describeFile,
  type FileDocument,
  type KeyDocument,
  type RoleDocument,
  type SigningKey,
  signFile,
} from '../../../src/testing/index.js'
import { BEGUN, LASTING } from './dates.js'
import type { Files, Signed, SignedFile, Spoiling, State } from './draft.js'
import { createSeededKey } from './seeded-keys.js'
import type { SigningLog } from './signing-log.js'

/** The documents of one recorded state, by role. */
export type Recorded = ReadonlyMap<string, SignedFile>

/** Every folder with recorded files of a real server: `<fixture>/<served...>`, in order. */
export function readRecorded(fixtures: string): ReadonlyMap<string, Recorded> {
  const folders = readdirSync(fixtures)
    .filter((name) => !name.startsWith('simulated-'))
    .sort()
    .flatMap((name) =>
      readdirSync(join(fixtures, name))
        .filter((served) => served.startsWith('served'))
        .sort()
        .map((served) => `${name}/${served}`),
    )
  const states = folders.map((folder) => [folder, readState(join(fixtures, folder))] as const)
  return new Map(states.filter(([, state]) => ['root', 'timestamp', 'snapshot', 'targets'].every((role) => state.has(role))))
}

function readState(folder: string): Recorded {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /^(?:[a-z]+|targets\/.*)\.json$/.test(path),
  )
  return new Map(
    files.sort().map((path) => [path.slice(0, -'.json'.length), JSON.parse(readFileSync(join(folder, path), 'utf8'))]),
  )
}

export interface Adoption {
  readonly gun: string
  /** The log that records who signs. */
  readonly log: SigningLog
  readonly spoilings: ReadonlyMap<string, Spoiling>
  /** The changes that were made; mutations add details when they run. */
  readonly mutations: readonly string[]
}

/** Signs the documents with keys of the test. */
export function adopt(recorded: Recorded, { gun, log, spoilings, mutations }: Adoption): State {
  const documents = new Map([...recorded].map(([role, { signed }]) => [role, structuredClone(signed)]))
  const keys = new Map<string, SigningKey>()
  for (const document of documents.values()) takeOverKeys(document, keys, gun)
  // The signers, including those with a key that is no longer listed.
  const signersOf = (role: string): SigningKey[] =>
    (recorded.get(role)?.signatures ?? []).map(({ keyid }) =>
      log.watch(keys.get(keyid) ?? createSeededKey({ type: 'ed25519', seed: `${gun} removed ${keyid}` })),
    )

  const files: Files = new Map()
  const meta = new Map<string, FileDocument>()
  const publish = (role: string): void => {
    const document = documents.get(role)
    if (document === undefined) return
    const build = (): Signed => ({ ...structuredClone(document), expires: LASTING.toISOString() })
    const { served, vouched } = signFile<Signed>(build, signersOf(role), 'canonical', spoilings.get(role))
    meta.set(role, describeFile(vouched))
    files.set(role, served)
    if (role === 'root') files.set(`${document.version}.root`, served)
    if (role !== 'timestamp') files.set(`${role}.${createHash('sha256').update(vouched).digest('hex')}`, served)
  }
  for (const role of ['root', ...[...documents.keys()].filter((name) => name.startsWith('targets'))]) publish(role)
  Object.assign(documents.get('snapshot') ?? {}, { meta: Object.fromEntries(meta) })
  publish('snapshot')
  Object.assign(documents.get('timestamp') ?? {}, { meta: { snapshot: meta.get('snapshot') } })
  publish('timestamp')
  return { files, mutations }
}

/** Lists a key of the test for each original key, of the same type. */
function takeOverKeys(document: Signed, taken: Map<string, SigningKey>, gun: string): void {
  const holder = 'keys' in document ? document : Object(document['delegations'])
  const listed: Record<string, KeyDocument> = holder?.keys ?? {}
  for (const [id, { keytype }] of Object.entries(listed)) {
    const type = (['ecdsa', 'ecdsa-x509', 'rsa', 'rsa-x509', 'ed25519'] as const).find((known) => known === keytype) ?? 'ecdsa'
    const certificate = {
      subject: { cn: gun },
      notBefore: BEGUN,
      notAfter: LASTING,
      serial: 7n,
    }
    const key =
      taken.get(id) ?? createSeededKey({ type, rsaMethod: 'rsapkcs1v15', certificate, seed: `${gun} adopted ${taken.size}` })
    taken.set(id, key)
  }
  if (Object.keys(listed).length > 0) holder.keys = Object.fromEntries(Object.keys(listed).flatMap((id) => named(taken.get(id))))
  const roles: RoleDocument[] = Object.values(Object(document['roles'] ?? holder?.roles))
  for (const role of roles) if (Array.isArray(role.keyids)) role.keyids = role.keyids.map((id) => taken.get(id)?.id ?? id)
}

function named(key: SigningKey | undefined): [string, KeyDocument][] {
  return key === undefined ? [] : [[key.id, key.document]]
}
