/**
 * A trust collection and its publisher in memory: a Notary repository and server in one, with real keys and signatures.
 *
 * Changes take effect at the next `publish`, which signs the files that Notary would sign again, with the versions that Notary
 * would give them. Every published file stays available under its hash, and every root under its version.
 */

import { DEFAULT_START } from './clock.js'
import { begin, type SignOptions, type TrustCollectionOptions } from './collection-options.js'
import type { RootDocument, SnapshotDocument, TargetsDocument, TimestampDocument } from './documents.js'
import type { Tampering } from './envelope.js'
import { createSimulatedTransport, type Faults, type SimulatedTransport } from './faults.js'
import type { SigningKey } from './keys.js'
import { digestBytes, parentOf, snapshotDocument, targetsDocument, timestampDocument } from './role-documents.js'
import { type BaseRole, KeyMaker, newRole, type RoleRecipe, type RoleState, type Signers } from './roles.js'
import { type RootDraft, RootLine, type RootRotation, rootDocument } from './root-line.js'
import { type AnyTampering, ServedFiles } from './served-files.js'
import type { NamedTampering, TamperedRole } from './tamperings.js'

/** Makes a new collection, which is not published yet. The same name, options and calls give the same bytes. */
export function createTrustCollection(gun: string, options: TrustCollectionOptions = {}): TrustCollection {
  const collection = new TrustCollection(gun, options)
  begin(collection, options)
  return collection
}

/** See `createTrustCollection`. */
export class TrustCollection {
  readonly gun: string
  /** The publisher's clock. */
  now: Date
  readonly #maker: KeyMaker
  readonly #root: RootLine
  /** Every role but root, parents before children. */
  readonly #roles = new Map<string, RoleState>()
  readonly #files: ServedFiles

  constructor(gun: string, { now = new Date(DEFAULT_START), roles = {}, seed = '', wire = 'canonical' }: TrustCollectionOptions) {
    this.gun = gun
    this.now = now
    this.#files = new ServedFiles(wire)
    this.#maker = new KeyMaker(gun, seed)
    const base = (role: BaseRole, recipe: RoleRecipe = {}) => newRole(role, recipe, this.#maker.signers(role, recipe, now))
    for (const role of ['targets', 'snapshot', 'timestamp'] as const) this.#roles.set(role, base(role, roles[role]))
    this.#root = new RootLine(base('root', { type: 'ecdsa-x509', ...roles.root }))
    this.#root.begin(this.#trusted(), [], now)
    this.#state('targets').changed = true
  }

  /** The keys that sign a role now. */
  keys(role: string): readonly SigningKey[] {
    return this.#state(role).signers.keys
  }

  /** The last published version; 0 before the first publication. */
  version(role: string): number {
    return this.#state(role).version
  }

  /**
   * Signs a name. `digest` is 64 hexadecimal digits, with or without `sha256:`, or a text to be hashed. Returns `sha256:<hex>`.
   *
   * @throws TypeError for an unknown role, and for an invalid digest
   */
  sign(tag: string, digest: string, { size = 528, custom, role = 'targets', sha512 }: SignOptions = {}): string {
    const sha256 = digestBytes(digest)
    const hashes = { sha256: sha256.toString('base64'), ...(sha512 === undefined ? {} : { sha512 }) }
    this.#touched(role).targets.set(tag, { hashes, length: size, ...(custom === undefined ? {} : { custom }) })
    return `sha256:${sha256.toString('hex')}`
  }

  /** The digest that is signed for a name, published or not: `sha256:<hex>`. @throws TypeError when the name is not signed */
  digest(tag: string, role = 'targets'): string {
    const target = this.#state(role).targets.get(tag)
    if (target === undefined) throw new TypeError(`${this.gun} has no ${tag} in ${role}`)
    return `sha256:${Buffer.from(target.hashes['sha256'] ?? '', 'base64').toString('hex')}`
  }

  /** Removes a name. */
  remove(tag: string, role = 'targets'): this {
    const state = this.#state(role)
    state.changed = state.targets.delete(tag) || state.changed
    return this
  }

  /**
   * Delegates to `targets/...`. As in Notary, the delegation has no file until it signs a name.
   *
   * @throws TypeError for another name, and when the role above does not exist
   */
  delegate(name: string, { paths, ...recipe }: RoleRecipe & { readonly paths?: readonly string[] } = {}): this {
    if (!name.startsWith('targets/')) throw new TypeError(`not the name of a delegation: ${name}; targets/${name} is one`)
    this.#touched(parentOf(name))
    this.#roles.set(name, newRole(name, recipe, this.#maker.signers(name, recipe, this.now), paths))
    return this
  }

  /** Removes a delegation and those below it. */
  undelegate(name: string): this {
    this.#touched(parentOf(name))
    for (const role of [...this.#roles.keys()]) {
      if (role !== name && !role.startsWith(`${name}/`)) continue
      this.#roles.delete(role)
      this.#files.remove(role)
    }
    return this
  }

  /** Gives a delegation other keys. Its file is signed again with them, unless `resign` is false or none are left. */
  setDelegationKeys(name: string, recipe: RoleRecipe, { resign = true }: { readonly resign?: boolean } = {}): this {
    const state = this.#state(name)
    state.signers = this.#fresh(state, recipe)
    this.#touched(parentOf(name))
    if (resign && state.version > 0 && state.signers.keys.length > 0) state.changed = true
    return this
  }

  /** Makes a new root version with new root keys. By default the old keys sign it too. */
  rotateRoot({ signedByOld = true, alsoSignedBy = [], ...recipe }: RootRotation = {}): this {
    const { state } = this.#root
    const old = signedByOld ? state.signers.keys : []
    state.signers = this.#fresh(state, recipe)
    this.#root.begin(this.#trusted(), [...old, ...alsoSignedBy], this.now)
    return this
  }

  /** Gives a role new keys, and signs its file again. For a base role this makes a new root version. */
  rotateKey(role: string, recipe: RoleRecipe = {}): this {
    if (role === 'root') return this.rotateRoot(recipe)
    if (role.startsWith('targets/')) return this.setDelegationKeys(role, recipe)
    const state = this.#state(role)
    state.signers = this.#fresh(state, recipe)
    state.changed = state.changed || state.version > 0
    this.#root.begin(this.#trusted(), [], this.now)
    return this
  }

  /** Sets the expiry of a role's next file only. For root: of its newest unpublished version, which is made if there is none. */
  setExpiry(role: string, expires: Date): this {
    if (role === 'root') this.#rootDraft().expires = expires
    else this.#touched(role).nextExpiry = expires
    return this
  }

  /** Sets the version of a role's next file; later versions count from it. For root: as for `setExpiry`. */
  setVersion(role: string, version: number): this {
    if (role === 'root') this.#rootDraft().version = version
    else this.#touched(role).nextVersion = version
    return this
  }

  /**
   * Applies a tampering to the next file of a role. For root: as for `setExpiry`; the changed root stays in the chain.
   *
   * @throws TypeError for a value that is not a tampering, such as an unknown name of `TAMPERINGS`
   */
  tamper(role: TamperedRole, tampering: NamedTampering): this
  tamper(role: 'root', tampering: Tampering<RootDocument>): this
  tamper(role: 'timestamp', tampering: Tampering<TimestampDocument>): this
  tamper(role: 'snapshot', tampering: Tampering<SnapshotDocument>): this
  tamper(role: `targets${string}`, tampering: Tampering<TargetsDocument>): this
  tamper(role: string, tampering: AnyTampering): this {
    if (typeof tampering !== 'object' || tampering === null) throw new TypeError(`not a tampering: ${String(tampering)}`)
    if (role === 'root') this.#rootDraft()
    else this.#touched(role)
    this.#files.tamper(role, tampering)
    return this
  }

  /** Signs and serves the changed files, then snapshot and timestamp. `at` sets the publisher's clock. */
  publish({ at = this.now }: { readonly at?: Date } = {}): this {
    this.now = at
    const drafts = this.#root.take()
    for (const draft of drafts) {
      const tampering = draft === drafts.at(-1) ? this.#files.tampering('root') : undefined
      const alias = `${draft.version}.root`
      this.#root.state.published = this.#files.publish<RootDocument>('root', () => rootDocument(draft), draft.signers, {
        tampering,
        alias,
      })
    }
    const changed = [...this.#roles.values()].filter((role) => role.changed && role.name.startsWith('targets'))
    const all = [this.#root.state, ...this.#roles.values()]
    for (const role of changed) this.#write(role, () => targetsDocument(role, all, at), this.#files.tampering(role.name))
    const snapshot = this.#state('snapshot')
    if (drafts.length + changed.length > 0 || snapshot.changed) {
      this.#write<SnapshotDocument>(snapshot, () => snapshotDocument(snapshot, all, at), this.#files.tampering('snapshot'))
    } else if (!this.#state('timestamp').changed) return this
    return this.touchTimestamp(at)
  }

  /** Signs a new timestamp for the same snapshot. */
  touchTimestamp(at: Date = this.now): this {
    this.now = at
    const timestamp = this.#state('timestamp')
    const build = () => timestampDocument(timestamp, this.#state('snapshot'), at)
    this.#write<TimestampDocument>(timestamp, build, this.#files.tampering('timestamp'))
    return this
  }

  /** The bytes on the server under a name: `root`, `2.root`, `timestamp`, `snapshot.<hex>`, `targets/releases`, ... */
  served(name: string): Uint8Array | undefined {
    return this.#files.get(name)
  }

  /** All files on the server, by name. */
  files(): Map<string, Uint8Array> {
    return this.#files.all()
  }

  /** A transport that serves only this collection. */
  transport(options: { readonly faults?: Faults } = {}): SimulatedTransport {
    return createSimulatedTransport([this], options)
  }

  /** Calls `build` after the role got its version. */
  #write<Document>(role: RoleState, build: () => Document, tampering: Tampering<Document> | undefined): void {
    role.version = role.nextVersion ?? role.version + 1
    role.published = this.#files.publish(role.name, build, role.signers.keys, { tampering })
    role.changed = false
    role.nextVersion = undefined
    role.nextExpiry = undefined
  }

  /** New keys: by default as many as before. */
  #fresh({ name, recipe, signers: { keys, threshold } }: RoleState, changes: RoleRecipe): Signers {
    return this.#maker.signers(name, { ...recipe, keys: Math.max(1, keys.length), threshold, ...changes }, this.now)
  }

  #trusted(): Readonly<Record<BaseRole, Signers>> {
    const signers = (role: BaseRole) => this.#state(role).signers
    return { root: signers('root'), targets: signers('targets'), snapshot: signers('snapshot'), timestamp: signers('timestamp') }
  }

  #state(role: string): RoleState {
    const state = role === 'root' ? this.#root.state : this.#roles.get(role)
    if (state === undefined) throw new TypeError(`${this.gun} has no role ${role}`)
    return state
  }

  #touched(role: string): RoleState {
    const state = this.#state(role)
    state.changed = true
    return state
  }

  #rootDraft(): RootDraft {
    return this.#root.newest ?? this.#root.begin(this.#trusted(), [], this.now)
  }
}
