/** What the server of a collection has: every file that was ever published. */
import { createHash } from 'node:crypto'
import {
  describeFile,
  type FileDocument,
  type RootDocument,
  type SnapshotDocument,
  type TargetsDocument,
  type TimestampDocument,
  type WireForm,
} from './documents.js'
import { signFile, type Tampering } from './envelope.js'
import type { SigningKey } from './keys.js'

/** Fits whichever file it is for. */
export type AnyTampering = Tampering<RootDocument> &
  Tampering<TimestampDocument> &
  Tampering<SnapshotDocument> &
  Tampering<TargetsDocument>

/** Signs files, spoils those that are to be spoiled, keeps them all. */
export class ServedFiles {
  readonly #wire: WireForm
  readonly #files = new Map<string, Uint8Array>()
  readonly #tamperings = new Map<string, AnyTampering>()

  constructor(wire: WireForm) {
    this.#wire = wire
  }

  /** Spoils the next file of the role. */
  tamper(role: string, tampering: AnyTampering): void {
    this.#tamperings.set(role, tampering)
  }

  /** What was asked to be done to the next file of the role; it is done once. */
  tampering(role: string): AnyTampering | undefined {
    const tampering = this.#tamperings.get(role)
    this.#tamperings.delete(role)
    return tampering
  }

  /** Signs a file and serves it under its name, its hash and `alias`. Returns what the roles above say of it. */
  publish<Document>(
    name: string,
    build: () => Document,
    signers: readonly SigningKey[],
    { tampering, alias }: { readonly tampering?: Tampering<Document> | undefined; readonly alias?: string } = {},
  ): FileDocument {
    const { served, vouched } = signFile(build, signers, this.#wire, tampering)
    this.#files.set(name, served)
    if (alias !== undefined) this.#files.set(alias, served)
    if (name !== 'timestamp') this.#files.set(`${name}.${createHash('sha256').update(vouched).digest('hex')}`, served)
    return describeFile(vouched)
  }

  /** A file by name. */
  get(name: string): Uint8Array | undefined {
    return this.#files.get(name)
  }

  /** Takes a name away; what was served under its hash stays. */
  remove(name: string): void {
    this.#files.delete(name)
  }

  /** All of them. */
  all(): Map<string, Uint8Array> {
    return new Map(this.#files)
  }
}
