/**
 * A root and its successors.
 *
 * Invariants: the first root is signed by its own keys at its own threshold. Every later root is signed by the keys of the
 * root before it, at that root's threshold, and by its own. Expiry, certificates and pins are not judged here: an expired root
 * may still sign its successor, and only the newest root has to be valid today (see anchor.ts).
 * Source: TUF 1.0.33 section 5.3; notary 0.7.0 trustpinning/certs.go.
 */
import { sameBytes } from '../bytes.js'
import { sha256Hex } from '../crypto/hash.js'
import type { RoleKeys, RootMetadata } from '../metadata/model.js'
import { parseRoot } from '../metadata/parse.js'
import type { Budget } from './budget.js'
import { nameList, namesOf } from './key-names.js'
import { brokenRotation, equivocation, rollback, untrustedRoot } from './refusals.js'
import type { SignatureVerdict } from './signatures.js'
import { type Trusted, trust } from './trusted.js'

/** A root reached by a chain of signatures; not yet judged for today. */
export class RootChain {
  readonly gun: string
  readonly root: Trusted<RootMetadata>
  /** True when versions between two roots were skipped (`root.json` of a server that keeps no old roots). */
  readonly bridged: boolean

  private constructor(gun: string, root: Trusted<RootMetadata>, bridged: boolean) {
    this.gun = gun
    this.root = root
    this.bridged = bridged
  }

  get version(): number {
    return this.root.metadata.version
  }

  /**
   * Starts from a root file: the cached one, or the first that a server gives.
   *
   * @throws UntrustedError ERR_METADATA_MALFORMED, ERR_METADATA_TOO_LARGE, ERR_ROOT_UNTRUSTED
   */
  static start(gun: string, file: Uint8Array, budget: Budget): RootChain {
    const unverified = parseRoot(file, { gun, role: 'root' })
    budget.spendOn(gun, unverified, unverified.metadata.roles.root)
    const root = trust(unverified, unverified.metadata.roles.root, (verdict) =>
      untrustedRoot(gun, 'failed to validate integrity of roots', verdict.evidence),
    )
    return new RootChain(gun, root, false)
  }

  /**
   * The chain with the next version, as `<N+1>.root` gave it.
   *
   * @throws UntrustedError ERR_METADATA_MALFORMED, ERR_ROOT_ROTATION
   */
  next(file: Uint8Array, budget: Budget): RootChain {
    const due = this.version + 1
    const root = this.#successor(file, budget, due)
    const found = root.metadata.version
    if (found !== due) throw brokenRotation(this.gun, `${due}.root holds version ${found}`, { asked: due, found })
    return new RootChain(this.gun, root, this.bridged)
  }

  /**
   * The chain with the root that `root.json` holds, when the roots between are not available. The same bytes change nothing.
   *
   * @throws UntrustedError ERR_METADATA_MALFORMED, ERR_ROOT_ROTATION, ERR_VERSION_ROLLBACK, ERR_EQUIVOCATION
   */
  bridge(file: Uint8Array, budget: Budget): RootChain {
    if (sameBytes(file, this.root.file)) return this
    const root = this.#successor(file, budget)
    const { version } = root.metadata
    if (version < this.version) throw rollback({ gun: this.gun, role: 'root' }, version, this.version)
    if (version > this.version) return new RootChain(this.gun, root, true)
    // The same content signed afresh is the same root, and the snapshot may name these bytes.
    const [accepted, offered] = [sha256Hex(this.root.signedBytes), sha256Hex(root.signedBytes)]
    if (accepted !== offered) throw equivocation({ gun: this.gun, role: 'root' }, version, accepted, offered)
    return new RootChain(this.gun, root, this.bridged)
  }

  #successor(file: Uint8Array, budget: Budget, due?: number): Trusted<RootMetadata> {
    const unverified = parseRoot(file, { gun: this.gun, role: 'root' })
    const { version, roles } = unverified.metadata
    const evidence = { trusted: this.version, offered: version, ...(due === undefined ? {} : { asked: due }) }
    const trusted = this.root.metadata.roles.root
    for (const keys of [trusted, roles.root]) budget.spendOn(this.gun, unverified, keys)
    const named = ({ keys }: RoleKeys) => `root ${namesOf([...keys.keys()], keys)}`
    const refuse = (whose: string) => (verdict: SignatureVerdict) =>
      brokenRotation(
        this.gun,
        `failed to validate data with ${whose}: trusted is ${named(trusted)}, offered is ${named(roles.root)}`,
        {
          ...evidence,
          trustedRootKeys: nameList(trusted.keys),
          offeredRootKeys: nameList(roles.root.keys),
          ...verdict.evidence,
        },
      )
    trust(unverified, trusted, refuse('current trusted certificates'))
    return trust(unverified, roles.root, refuse('its own keys'))
  }
}
