/**
 * A trust collection and its publisher in memory: a Notary repository and server in one, with real keys and signatures.
 *
 * What is changed is seen at the next `publish`, which signs what Notary would sign again and numbers it as Notary does.
 * Every file ever published stays to be had under its hash, every root under its number.
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

/** A new collection, not yet published. The same name, options and calls give the same bytes. */
export function createTrustCollection(gun: string, options: TrustCollectionOptions = {}): TrustCollection {
  const collection = new TrustCollection(gun, options)
  begin(collection, options)
  return collection
}

/** See `createTrustCollection`. */
export class TrustCollection {
  readonly gun: string
  /** When the publisher works. */
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

  /** The version last published; 0 before the first. */
  version(role: string): number {
    return this.#state(role).version
  }

  /**
   * Signs a name. `digest` is 64 hexadecimal digits, with or without `sha256:`, or a text to be hashed. Returns `sha256:<hex>`.
   *
   * @throws TypeError for a role that is not there, and for what begins as a digest and is none
   */
  sign(tag: string, digest: string, { size = 528, custom, role = 'targets', sha512 }: SignOptions = {}): string {
    const sha256 = digestBytes(digest)
    const hashes = { sha256: sha256.toString('base64'), ...(sha512 === undefined ? {} : { sha512 }) }
    this.#touched(role).targets.set(tag, { hashes, length: size, ...(custom === undefined ? {} : { custom }) })
    return `sha256:${sha256.toString('hex')}`
  }

  /** What is signed for a name, published or not: `sha256:<hex>`. @throws TypeError when nothing is */
  digest(tag: string, role = 'targets'): string {
    const target = this.#state(role).targets.get(tag)
    if (target === undefined) throw new TypeError(`${this.gun} has no ${tag} in ${role}`)
    return `sha256:${Buffer.from(target.hashes['sha256'] ?? '', 'base64').toString('hex')}`
  }

  /** Takes a name away. */
  remove(tag: string, role = 'targets'): this {
    const state = this.#state(role)
    state.changed = state.targets.delete(tag) || state.changed
    return this
  }

  /**
   * Delegates to `targets/...`. As with Notary, the delegation has no file until something in it is signed.
   *
   * @throws TypeError for another name, and when the role above is not there
   */
  delegate(name: string, { paths, ...recipe }: RoleRecipe & { readonly paths?: readonly string[] } = {}): this {
    if (!name.startsWith('targets/')) throw new TypeError(`not the name of a delegation: ${name}; targets/${name} is one`)
    this.#touched(parentOf(name))
    this.#roles.set(name, newRole(name, recipe, this.#maker.signers(name, recipe, this.now), paths))
    return this
  }

  /** Ends a delegation and those below it. */
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

  /** A new root version with new root keys, signed by the old ones too unless told otherwise. */
  rotateRoot({ signedByOld = true, alsoSignedBy = [], ...recipe }: RootRotation = {}): this {
    const { state } = this.#root
    const old = signedByOld ? state.signers.keys : []
    state.signers = this.#fresh(state, recipe)
    this.#root.begin(this.#trusted(), [...old, ...alsoSignedBy], this.now)
    return this
  }

  /** New keys for a role; for the base roles that makes a new root version. The role's file is signed again. */
  rotateKey(role: string, recipe: RoleRecipe = {}): this {
    if (role === 'root') return this.rotateRoot(recipe)
    if (role.startsWith('targets/')) return this.setDelegationKeys(role, recipe)
    const state = this.#state(role)
    state.signers = this.#fresh(state, recipe)
    state.changed = state.changed || state.version > 0
    this.#root.begin(this.#trusted(), [], this.now)
    return this
  }

  /** The expiry of a role's next file alone; of root: of its newest version that is not published, made if there is none. */
  setExpiry(role: string, expires: Date): this {
    if (role === 'root') this.#rootDraft().expires = expires
    else this.#touched(role).nextExpiry = expires
    return this
  }

  /** The version of a role's next file, from which it counts on; of root: as for `setExpiry`. */
  setVersion(role: string, version: number): this {
    if (role === 'root') this.#rootDraft().version = version
    else this.#touched(role).nextVersion = version
    return this
  }

  /**
   * Spoils the next file of a role; of root: as for `setExpiry`. A root that was spoiled is in the chain for good.
   *
   * @throws TypeError for what is no tampering, such as a name that `TAMPERINGS` does not have
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

  /** Signs and serves what was changed, then snapshot and timestamp. `at`: the publisher's clock from now on. */
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

  /** A new timestamp for the same snapshot. */
  touchTimestamp(at: Date = this.now): this {
    this.now = at
    const timestamp = this.#state('timestamp')
    const build = () => timestampDocument(timestamp, this.#state('snapshot'), at)
    this.#write<TimestampDocument>(timestamp, build, this.#files.tampering('timestamp'))
    return this
  }

  /** The bytes that the server has under a name: `root`, `2.root`, `timestamp`, `snapshot.<hex>`, `targets/releases`, ... */
  served(name: string): Uint8Array | undefined {
    return this.#files.get(name)
  }

  /** Everything that the server has, by name. */
  files(): Map<string, Uint8Array> {
    return this.#files.all()
  }

  /** A transport that serves this collection alone. */
  transport(options: { readonly faults?: Faults } = {}): SimulatedTransport {
    return createSimulatedTransport([this], options)
  }

  /** `build` is asked after the role got its number. */
  #write<Document>(role: RoleState, build: () => Document, tampering: Tampering<Document> | undefined): void {
    role.version = role.nextVersion ?? role.version + 1
    role.published = this.#files.publish(role.name, build, role.signers.keys, { tampering })
    role.changed = false
    role.nextVersion = undefined
    role.nextExpiry = undefined
  }

  /** As many new keys as there were, unless told otherwise. */
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
