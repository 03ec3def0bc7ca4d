/**
 * Judges whether the newest root is valid today, by certificates, pins and expiry. Done once, after the walk.
 * Source: notary 0.7.0 trustpinning/certs.go ValidateRoot; stricter: a pin binds on every run, cached root or not.
 *
 * root-certificate.ts reads the certificates themselves, and needs an ASN.1 library for it.
 */
import { canonicalKeyId, type KeyId } from '../crypto/keys.js'
import { StaleError } from '../errors.js'
import { canonicalIds, nameOf } from './key-names.js'
import { nearPins, type Pin, pinFor, type TrustPinning } from './pinning.js'
import { expired, firstUseRefused, pinMismatch, untrustedRoot } from './refusals.js'
import type { RootChain } from './root-chain.js'
import { verdict } from './signatures.js'

/** Why the root is trusted. */
export type RootTrust = 'lockfile' | 'pinned-certificate' | 'pinned-key' | 'pinned-ca' | 'cached-root' | 'first-use'

/** When a certificate is good; ms since 1970, both ends included. */
export interface Validity {
  readonly notBefore: number
  readonly notAfter: number
}

/** What is known of the certificates of the keys that signed a root: read now, or recorded when they were read. */
export interface RootCertificates {
  /** Validity by key, for keys whose certificate names the collection. */
  readonly bound: ReadonlyMap<KeyId, Validity>
  /** Why the certificates of other keys do not count. */
  readonly problems: readonly string[]
  /** Why no path leads from the certificate of a key to one of the CAs, undefined when one does. `now` in ms. */
  readonly pathProblem: (id: KeyId, anchors: readonly Uint8Array[], now: number) => string | undefined
}

/** A root that is valid today. */
export interface Anchor {
  readonly chain: RootChain
  readonly trust: RootTrust
  readonly certificates: RootCertificates
  /** The earliest end of validity among the certificates that count; ms since 1970. */
  readonly certificateExpires: number
}

/** Where the root came from, and what it is judged by. */
export interface AnchorPolicy {
  /** Where the chain started. `lockfile`: it leads from a locked root, whatever a cache holds beside it. */
  readonly start: 'lockfile' | 'cached-root' | 'first-use'
  readonly pinning: TrustPinning
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * Judges the newest root of a chain by the certificates of the keys that signed it.
 *
 * @throws UntrustedError ERR_ROOT_UNTRUSTED, ERR_PIN_MISMATCH
 * @throws StaleError ERR_CERTIFICATE_EXPIRED, ERR_METADATA_EXPIRED
 */
export function anchorRoot(chain: RootChain, certificates: RootCertificates, { start, pinning, now }: AnchorPolicy): Anchor {
  const { gun, root } = chain
  const pin = pinFor(gun, pinning)
  const counted = (ids: Iterable<KeyId>) => verdict([...ids], root.keys)
  const end = (id: KeyId): number => certificates.bound.get(id)?.notAfter ?? Number.NaN

  const bound = counted(certificates.bound.keys())
  if (!bound.met)
    throw untrustedRoot(gun, `unable to retrieve valid leaf certificates (${certificates.problems.join('; ')})`, bound.evidence)
  if (pin.kind === 'none' && pin.firstUse === 'refused' && start === 'first-use') {
    throw firstUseRefused(gun, root, nearPins(gun, pinning))
  }
  const pinned = pinnedKeys(chain, certificates, pin, now)
  if (!counted(pinned.keys).met) {
    const rule = pin.kind === 'none' ? '' : pin.rule
    throw pinMismatch(gun, `${pin.kind} of ${JSON.stringify(rule)} (${pinned.problems.join('; ')})`, {
      pin: rule,
      ...(pin.kind === 'certificates' ? { pinned: pin.keyIds } : {}),
      signedBy: root.signedBy,
      ...canonicalIds(root.signedBy, root.keys.keys),
      problems: pinned.problems,
    })
  }
  // `pinned-certificate` only when no canonical ID was needed: a pinned certificate binds more than its key.
  const trustByKeys = (ids: readonly KeyId[]): RootTrust =>
    counted(pinned.keys.filter((id) => ids.includes(id))).met ? 'pinned-certificate' : 'pinned-key'
  const current = pinned.keys.filter((id) => now <= end(id))
  if (!counted(current).met) throw certificateExpired(chain, pinned.keys, end)
  if (!(now < root.metadata.expires)) throw expired({ gun, role: 'root' }, root.metadata.expires)
  return {
    chain,
    certificates,
    trust: start === 'lockfile' || pin.kind === 'none' ? start : pin.kind === 'ca' ? 'pinned-ca' : trustByKeys(pin.keyIds),
    certificateExpires: Math.min(...current.map(end)),
  }
}

/** `anchorRoot` under several sets of pins: each is checked, and the first says why the root is trusted. @throws as `anchorRoot` */
export function anchorWithAll(
  chain: RootChain,
  certificates: RootCertificates,
  { start, pinning, alsoPinned, now }: AnchorPolicy & { readonly alsoPinned: readonly TrustPinning[] },
): Anchor {
  const anchor = anchorRoot(chain, certificates, { start, pinning, now })
  for (const more of alsoPinned) anchorRoot(chain, certificates, { start, pinning: more, now })
  return anchor
}

function pinnedKeys(
  { root }: RootChain,
  { bound, pathProblem }: RootCertificates,
  pin: Pin,
  now: number,
): { keys: KeyId[]; problems: string[] } {
  const problems: string[] = []
  const listed = root.keys.keys
  const pinnedIds = pin.kind === 'certificates' ? pin.keyIds : []
  const isPinned = (id: KeyId) => {
    if (pinnedIds.includes(id)) return true
    const key = listed.get(id)
    const canonical = key === undefined ? undefined : canonicalKeyId(key)
    return canonical !== undefined && pinnedIds.includes(canonical)
  }
  const keys = [...bound.keys()].filter((id) => {
    if (pin.kind === 'none') return true
    const problem = pin.kind === 'ca' ? pathProblem(id, pin.certificates, now) : isPinned(id) ? undefined : 'not a pinned key'
    if (problem !== undefined) problems.push(`${nameOf(id, listed)}: ${problem}`)
    return problem === undefined
  })
  return { keys, problems }
}

function certificateExpired({ gun, root }: RootChain, ids: readonly KeyId[], end: (id: KeyId) => number): StaleError {
  const ends = ids.map((id) => `${nameOf(id, root.keys.keys)} ended ${new Date(end(id)).toISOString()}`)
  return new StaleError(
    'ERR_CERTIFICATE_EXPIRED',
    `remote repository ${gun} out-of-date: the certificate of root key ${ends.join(', ')} (root version ${root.metadata.version}, the newest that the server offers)`,
    {
      gun,
      role: 'root',
      hint: 'The publisher must rotate the root key to one with a current certificate; until then nothing in this collection can be verified.',
      evidence: { certificates: ends, rootVersion: root.metadata.version },
    },
  )
}
