/** The files on the server of a collection: all that were ever published. */
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

/** A tampering for a file of any role. */
export type AnyTampering = Tampering<RootDocument> &
  Tampering<TimestampDocument> &
  Tampering<SnapshotDocument> &
  Tampering<TargetsDocument>

/** Signs files, applies tamperings, and keeps all files. */
export class ServedFiles {
  readonly #wire: WireForm
  readonly #files = new Map<string, Uint8Array>()
  readonly #tamperings = new Map<string, AnyTampering>()

  constructor(wire: WireForm) {
    this.#wire = wire
  }

  /** Applies a tampering to the next file of the role. */
  tamper(role: string, tampering: AnyTampering): void {
    this.#tamperings.set(role, tampering)
  }

  /** Returns the tampering for the next file of the role, and removes it. */
  tampering(role: string): AnyTampering | undefined {
    const tampering = this.#tamperings.get(role)
    this.#tamperings.delete(role)
    return tampering
  }

  /** Signs a file and serves it under its name, its hash and `alias`. Returns its entry for the roles above. */
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

  /** Removes the file under a name; it stays available under its hash. */
  remove(name: string): void {
    this.#files.delete(name)
  }

  /** All files by name. */
  all(): Map<string, Uint8Array> {
    return new Map(this.#files)
  }
}
