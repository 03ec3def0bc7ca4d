/** The content of files with a valid shape: names as in the file, `null` lists as empty ones. */

import type { JsonObject, JsonValue } from './json-value.js'

/** `{signed, signatures}` around every file. */
export interface EnvelopeWire {
  readonly signed: JsonObject
  readonly signatures: readonly SignatureWire[]
}

export interface SignatureWire {
  readonly keyid: string
  readonly method: string
  /** Base64. */
  readonly sig: string
}

/** Members of all four kinds of metadata. */
interface CommonWire<Type extends string> {
  readonly _type: Type
  readonly version: number
  /** RFC 3339. */
  readonly expires: string
}

export interface KeyWire {
  readonly keytype: string
  /** `public` is base64. */
  readonly keyval: { readonly public: string }
}

export interface RoleWire {
  readonly keyids: readonly string[]
  readonly threshold: number
}

export interface RootWire extends CommonWire<'Root'> {
  readonly keys: ReadonlyMap<string, KeyWire>
  readonly roles: Readonly<Record<'root' | 'targets' | 'snapshot' | 'timestamp', RoleWire>>
}

/** A file as another role describes it. */
export interface FileWire {
  readonly length: number
  /** Algorithm to base64. */
  readonly hashes: ReadonlyMap<string, string>
}

export interface TimestampWire extends CommonWire<'Timestamp'> {
  readonly meta: ReadonlyMap<string, FileWire>
}

export interface SnapshotWire extends CommonWire<'Snapshot'> {
  readonly meta: ReadonlyMap<string, FileWire>
}

/** A target: an image's digest and size, and optional data of its publisher. */
export interface TargetWire extends FileWire {
  readonly custom?: JsonValue | undefined
}

interface DelegationWire extends RoleWire {
  readonly name: string
  readonly paths: readonly string[]
}

export interface TargetsWire extends CommonWire<'Targets'> {
  readonly targets: ReadonlyMap<string, TargetWire>
  readonly delegations: { readonly keys: ReadonlyMap<string, KeyWire>; readonly roles: readonly DelegationWire[] }
}
