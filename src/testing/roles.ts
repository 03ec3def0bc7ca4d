/** Roles of a simulated collection, with the keys that sign them. */
import type { CertificateOptions } from './certificate-maker.js'
import type { FileDocument, RootDocument, TargetDocument } from './documents.js'
import { createSigningKey, type KeyRecipe, type SigningKey } from './keys.js'

/** The four roles that every root lists. */
export type BaseRole = keyof RootDocument['roles']

/** Changes to the certificates of x509 keys. Their defaults: CN = GUN (root) or the role, ten years, code signing. */
export type CertificateChanges = Partial<Omit<CertificateOptions, 'keys'>>

/** The keys of a role. */
export interface RoleRecipe extends Omit<KeyRecipe, 'certificate' | 'pair' | 'seed'> {
  /** Existing keys, or the number of keys to make; 1 when absent. */
  readonly keys?: number | readonly SigningKey[]
  /** 1 when absent. */
  readonly threshold?: number
  readonly certificate?: CertificateChanges
}

/** Keys that sign, and their threshold. */
export interface Signers {
  readonly keys: readonly SigningKey[]
  readonly threshold: number
}

/** A role and its file. Only a publication changes `version` and `published`. */
export interface RoleState {
  readonly name: string
  readonly recipe: RoleRecipe
  signers: Signers
  /** 0 before the first publication. */
  version: number
  /** The next publication signs the file again. */
  changed: boolean
  /** For the next publication only. */
  nextVersion: number | undefined
  nextExpiry: Date | undefined
  /** The file as the roles above list it. */
  published: FileDocument | undefined
  /** Prefixes granted to a delegation. */
  readonly paths: readonly string[]
  readonly targets: Map<string, TargetDocument>
}

/** Makes keys. The same collection and seed give the same keys. */
export class KeyMaker {
  readonly #gun: string
  readonly #seed: string
  readonly #made = new Map<string, number>()

  constructor(gun: string, seed: string) {
    this.#gun = gun
    this.#seed = seed
  }

  /** The signers of a recipe; certificates are valid from `now`. */
  signers(role: string, { keys = 1, threshold = 1, ...recipe }: RoleRecipe, now: Date): Signers {
    const made = typeof keys === 'number' ? Array.from({ length: keys }, () => this.#make(role, recipe, now)) : keys
    return { keys: made, threshold }
  }

  #make(role: string, { certificate, ...recipe }: Omit<RoleRecipe, 'keys' | 'threshold'>, now: Date): SigningKey {
    const number = (this.#made.get(role) ?? 0) + 1
    this.#made.set(role, number)
    const defaults = {
      subject: { cn: role === 'root' ? this.#gun : role },
      notBefore: now,
      notAfter: yearsAfter(now, 10),
      ca: false,
      keyUsage: ['digitalSignature', 'keyEncipherment'],
      extendedKeyUsage: ['codeSigning'],
    } as const
    const seed = [this.#seed, this.#gun, role, number].join('\n')
    return createSigningKey({ ...recipe, seed, certificate: { ...defaults, ...certificate } })
  }
}

/** A role before its first publication. */
export function newRole(name: string, recipe: RoleRecipe, signers: Signers, paths: readonly string[] = ['']): RoleState {
  return {
    name,
    recipe,
    signers,
    version: 0,
    changed: false,
    nextVersion: undefined,
    nextExpiry: undefined,
    published: undefined,
    paths,
    targets: new Map(),
  }
}

/** When a file that is signed at `now` expires, by Notary's lifetimes. */
export function defaultExpiry(role: string, now: Date): Date {
  if (role === 'timestamp') return new Date(now.getTime() + 14 * 86_400_000)
  return yearsAfter(now, role === 'root' ? 10 : 3)
}

function yearsAfter(date: Date, years: number): Date {
  const later = new Date(date)
  later.setUTCFullYear(date.getUTCFullYear() + years)
  return later
}
