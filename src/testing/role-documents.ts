/** Makes the documents of the roles below root from their state. */
import { createHash } from 'node:crypto'
import { dictionary, type SnapshotDocument, type TargetsDocument, type TimestampDocument } from './documents.js'
import { defaultExpiry, type RoleState } from './roles.js'
import { keyDocuments } from './root-line.js'

/** The role that delegates to this one; empty for the base roles. */
export function parentOf(role: string): string {
  return role.slice(0, Math.max(0, role.lastIndexOf('/')))
}

/** The bytes of 64 hexadecimal digits, with or without `sha256:`; the SHA-256 of any other text. @throws TypeError for a misspelt digest */
export function digestBytes(text: string): Buffer {
  const given = /^(?:sha256:)?([0-9a-f]{64})$/.exec(text)?.[1]
  if (given === undefined && /^sha\d+:/.test(text)) throw new TypeError(`not a sha256 digest: ${text}`)
  return given === undefined ? createHash('sha256').update(text).digest() : Buffer.from(given, 'hex')
}

/** `signed` of targets or a delegation. */
export function targetsDocument(role: RoleState, all: readonly RoleState[], now: Date): TargetsDocument {
  const delegated = all.filter(({ name }) => parentOf(name) === role.name)
  const roles = delegated.map(({ name, paths, signers: { keys, threshold } }) => {
    return { keyids: keys.map(({ id }) => id), name, paths: [...paths], threshold }
  })
  const keys = keyDocuments(delegated.flatMap(({ signers }) => signers.keys))
  const targets = dictionary([...role.targets].map(([name, target]) => [name, structuredClone(target)] as const))
  return { _type: 'Targets', delegations: { keys, roles }, ...dated(role, now), targets }
}

/** `signed` of the snapshot: lists all published files except itself and the timestamp. */
export function snapshotDocument(role: RoleState, all: readonly RoleState[], now: Date): SnapshotDocument {
  const listed = all.filter(({ name }) => name === 'root' || name.startsWith('targets'))
  const meta = listed.flatMap(({ name, published }) =>
    published === undefined ? [] : [[name, structuredClone(published)] as const],
  )
  return { _type: 'Snapshot', ...dated(role, now), meta: dictionary(meta) }
}

/** `signed` of the timestamp. */
export function timestampDocument(role: RoleState, { published }: RoleState, now: Date): TimestampDocument {
  if (published === undefined) throw new TypeError('publish the collection first')
  return { _type: 'Timestamp', ...dated(role, now), meta: { snapshot: structuredClone(published) } }
}

function dated(role: RoleState, now: Date): { expires: string; version: number } {
  return { expires: (role.nextExpiry ?? defaultExpiry(role.name, now)).toISOString(), version: role.version }
}
