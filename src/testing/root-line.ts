/** The chain of roots of a collection. */
import type { KeyDocument, RootDocument } from './documents.js'
import { dictionary } from './documents.js'
import type { SigningKey } from './keys.js'
import { type BaseRole, defaultExpiry, type RoleRecipe, type RoleState, type Signers } from './roles.js'

/** A root rotation: the new keys, and the keys that sign. */
export interface RootRotation extends RoleRecipe {
  /** False leaves out the signatures of the old root keys. */
  readonly signedByOld?: boolean
  /** Keys of older roots, which servers without a chain of versions need. */
  readonly alsoSignedBy?: readonly SigningKey[]
}

/** A root that is not published yet. */
export interface RootDraft {
  version: number
  expires: Date
  readonly signers: readonly SigningKey[]
  readonly trusted: Readonly<Record<BaseRole, Signers>>
}

/** The roots that wait for publication, in order. */
export class RootLine {
  readonly state: RoleState
  #drafts: RootDraft[] = []

  constructor(state: RoleState) {
    this.state = state
  }

  /** Begins the next version; the current root keys sign it, and the others given. */
  begin(trusted: Readonly<Record<BaseRole, Signers>>, others: readonly SigningKey[], now: Date): RootDraft {
    const signers = new Map([...trusted.root.keys, ...others].map((key) => [key.id, key]))
    const version = (this.newest?.version ?? this.state.version) + 1
    const draft = { version, expires: defaultExpiry('root', now), signers: [...signers.values()], trusted }
    this.#drafts.push(draft)
    return draft
  }

  /** The newest root that is not published. */
  get newest(): RootDraft | undefined {
    return this.#drafts.at(-1)
  }

  /** Returns the drafts in order, and removes them. */
  take(): RootDraft[] {
    const drafts = this.#drafts
    this.#drafts = []
    this.state.version = drafts.at(-1)?.version ?? this.state.version
    return drafts
  }
}

/** `signed` of a root. */
export function rootDocument({ version, expires, trusted }: RootDraft): RootDocument {
  const role = ({ keys, threshold }: Signers) => ({ keyids: keys.map(({ id }) => id), threshold })
  const { root, targets, snapshot, timestamp } = trusted
  const keys = [root, targets, snapshot, timestamp].flatMap((signers) => signers.keys)
  return {
    _type: 'Root',
    consistent_snapshot: false,
    expires: expires.toISOString(),
    keys: keyDocuments(keys),
    roles: { root: role(root), targets: role(targets), snapshot: role(snapshot), timestamp: role(timestamp) },
    version,
  }
}

/** Keys by their ID. */
export function keyDocuments(keys: readonly SigningKey[]): Record<string, KeyDocument> {
  return dictionary(keys.map(({ id, document }) => [id, structuredClone(document)]))
}
