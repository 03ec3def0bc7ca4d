/** One collection of a case while it is made. Every change has a name, and every publication makes a state. */
import type {
  CertificateChanges,
  Envelope,
  KeyRecipe,
  RoleRecipe,
  SigningKey,
  Tampering,
  TrustCollection,
  WireForm,
} from '../../../src/testing/index.js'
import { createTrustCollection, type TargetsDocument } from '../../../src/testing/index.js'
import { BEGUN, ENDED, LASTING, PUBLISHED } from './dates.js'
import type { Random } from './random.js'
import { createSeededKey } from './seeded-keys.js'
import { SigningLog } from './signing-log.js'

export const RELEASES = 'targets/releases'

/** The members that every `signed` has, among others. */
export interface Signed {
  _type: string
  version: number
  expires: string
  [member: string]: unknown
}

export type Spoiling = Tampering<Signed>
export type SignedFile = Envelope<Signed>
export type Files = Map<string, Uint8Array>

/** The files of a server, and the changes that made them. */
export interface State {
  readonly files: Files
  /** The changes of this state. One whose name begins with `honest` must not change a verdict. */
  readonly mutations: readonly string[]
}

const KEY_TYPES = [
  [8, { type: 'ecdsa' }],
  [1, { type: 'ecdsa', curve: 'P-224' }],
  [2, { type: 'ecdsa', curve: 'P-384' }],
  [1, { type: 'ecdsa', curve: 'P-521' }],
  [4, { type: 'ed25519' }],
  [3, { type: 'ecdsa-x509' }],
  [1, { type: 'rsa', rsaMethod: 'rsapkcs1v15' }],
  [1, { type: 'rsa', rsaMethod: 'rsapss' }],
  [1, { type: 'rsa-x509', rsaMethod: 'rsapkcs1v15' }],
] as const
const ROOT_KEY_TYPES = [
  [6, { type: 'ecdsa-x509' }],
  [1, { type: 'ecdsa-x509', curve: 'P-384' }],
  [2, { type: 'rsa-x509', rsaMethod: 'rsapkcs1v15' }],
] as const

/** Properties of a key that are not chosen at random. */
export type KeyChanges = Omit<KeyRecipe, 'seed' | 'certificate'> & { readonly certificate?: CertificateChanges }

export class Draft {
  readonly gun: string
  readonly random: Random
  readonly collection: TrustCollection
  readonly log = new SigningLog()
  readonly #tamperings = new Map<string, Spoiling[]>()
  readonly #onWire: ((files: Files, before: Files) => void)[] = []
  readonly #delegations: string[] = []
  #mutations: string[] = []
  #aim = ''
  #before: Files = new Map()
  #keysMade = 0

  constructor(gun: string, random: Random, wire: WireForm = random.chance(0.15) ? 'pretty' : 'canonical') {
    this.gun = gun
    this.random = random
    const roles = {
      root: this.signers('root'),
      timestamp: this.signers('timestamp'),
      snapshot: this.signers('snapshot'),
      targets: this.signers('targets'),
    }
    this.collection = createTrustCollection(gun, { now: PUBLISHED, roles, wire })
  }

  /** The four base roles and the delegations that have a file. */
  get roles(): string[] {
    return ['root', 'timestamp', 'snapshot', 'targets', ...this.signedDelegations]
  }

  get delegations(): readonly string[] {
    return this.#delegations
  }

  get signedDelegations(): string[] {
    return this.#delegations.filter((role) => this.collection.version(role) > 0)
  }

  /** True before the first publication. */
  get isNew(): boolean {
    return this.collection.version('timestamp') === 0
  }

  /** One to three keys and a threshold that they reach. */
  signers(role: string, changes: KeyChanges = {}): RoleRecipe & { keys: SigningKey[]; threshold: number } {
    const count = this.random.weighted([
      [6, 1],
      [3, 2],
      [1, 3],
    ])
    const keys: SigningKey[] = []
    // There are few RSA keys, and the same key twice in a role counts once.
    while (keys.length < count) {
      const key = this.key(role, changes)
      if (!key.type.startsWith('rsa') || !keys.some(({ type }) => type.startsWith('rsa'))) keys.push(key)
    }
    return { keys, threshold: 1 + this.random.int(count) }
  }

  /** A key of a type that the role may have. */
  key(role: string, { certificate, ...changes }: KeyChanges = {}): SigningKey {
    const recipe = this.random.weighted<KeyChanges>(role === 'root' ? ROOT_KEY_TYPES : KEY_TYPES)
    const notAfter = role === 'root' ? LASTING : this.random.pick([ENDED, LASTING, LASTING]) // the validity of other certificates is not checked
    const key = createSeededKey({
      ...recipe,
      ...changes,
      seed: `${this.gun} ${role} ${this.#keysMade++}`,
      certificate: {
        subject: { cn: role === 'root' ? this.gun : role },
        notBefore: BEGUN,
        notAfter,
        serial: BigInt(this.#keysMade),
        ca: false,
        keyUsage: ['digitalSignature'],
        extendedKeyUsage: ['codeSigning'],
        ...certificate,
      },
    })
    return this.log.watch(key)
  }

  delegate(role: string, recipe: RoleRecipe & { readonly paths?: readonly string[] }): void {
    this.collection.delegate(role, recipe)
    this.#delegations.push(role)
  }

  undelegate(role: string): void {
    this.collection.undelegate(role)
    const left = this.#delegations.filter((name) => name !== role && !name.startsWith(`${role}/`))
    this.#delegations.splice(0, this.#delegations.length, ...left)
  }

  /** Applies a named change to a role, and records it with the role that was really changed. */
  apply(name: string, role: string, mutation: (draft: Draft, role: string) => void): void {
    this.#aim = role
    mutation(this, role)
    this.did(`${name} (${this.#aim})`)
  }

  /** Records that the current change applies to this role. */
  aim(role: string): void {
    this.#aim = role
  }

  /** Records a change of this state. */
  did(mutation: string): void {
    this.#mutations.push(mutation)
  }

  /** Tampers with the next file of a role; several tamperings are combined. */
  spoil(role: string, tampering: Spoiling): void {
    this.#tamperings.set(role, [...(this.#tamperings.get(role) ?? []), tampering])
  }

  /** Changes the served files after publication; `before` has the files of the state before. */
  onWire(change: (files: Files, before: Files) => void): void {
    this.#onWire.push(change)
  }

  publish(): State {
    for (const [role, list] of this.#tamperings) {
      // The overloads of `tamper` require the document type of the role; these tamperings fit all types.
      this.collection.tamper(role as 'targets', together(list) as Tampering<object> as Tampering<TargetsDocument>)
    }
    this.collection.publish()
    const files = this.collection.files()
    for (const change of this.#onWire) change(files, this.#before)
    const state = { files, mutations: this.#mutations }
    this.#tamperings.clear()
    this.#onWire.length = 0
    this.#mutations = []
    this.#before = files
    return state
  }
}

function together(list: readonly Spoiling[]): Spoiling {
  const spoilers = list.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]))
  return {
    before: (signed) => {
      for (const { before } of list) before?.(signed)
    },
    after: (envelope) => {
      for (const { after } of list) after?.(envelope)
    },
    ...(spoilers.length === 0 ? {} : { bytes: (file) => spoilers.reduce((bytes, spoil) => spoil(bytes), file) }),
    parents: list.some(({ parents }) => parents === 'honest') ? 'honest' : 'forged',
  }
}
