/** How each role is loaded: its keys, its parser, and which part of it may not change without a new version. */
import { hex, utf8 } from '../bytes.js'
import type { FileMeta, RoleKeys, RootMetadata, SnapshotMetadata, TargetsMetadata, TimestampMetadata } from '../metadata/model.js'
import { parseSnapshot, parseTargets, parseTimestamp } from '../metadata/parse.js'
import type { RoleLoader } from './load.js'
import type { Trusted } from './trusted.js'
import { floorOf, type VersionFloor } from './version-floors.js'

export function timestampLoader(gun: string, root: RootMetadata): RoleLoader<TimestampMetadata> {
  return {
    role: 'timestamp',
    keys: root.roles.timestamp,
    parse: (file) => parseTimestamp(file, { gun, role: 'timestamp' }),
    // A server under load may renew the expiry without a new version; the snapshot entry may not change.
    content: ({ metadata: { snapshot } }) => utf8(fileText(snapshot)),
  }
}

export function snapshotLoader(gun: string, root: RootMetadata): RoleLoader<SnapshotMetadata> {
  return {
    role: 'snapshot',
    keys: root.roles.snapshot,
    parse: (file) => parseSnapshot(file, { gun, role: 'snapshot' }),
    content: ({ signedBytes }) => signedBytes,
  }
}

/** `targets` or a delegation. */
export function targetsLoader(gun: string, role: string, keys: RoleKeys): RoleLoader<TargetsMetadata> {
  return { role, keys, parse: (file) => parseTargets(file, { gun, role }), content: ({ signedBytes }) => signedBytes }
}

/** The floor that a root leaves. */
export function rootFloor(gun: string, { metadata, signedBytes, keys, signedBy, file }: Trusted<RootMetadata>): VersionFloor {
  return floorOf({ gun, role: 'root', version: metadata.version, content: signedBytes, keys, signedBy, file })
}

function fileText({ length, hashes: { sha256, sha512 } }: FileMeta): string {
  return `${length} ${sha256 === undefined ? '' : hex(sha256)} ${sha512 === undefined ? '' : hex(sha512)}`
}
