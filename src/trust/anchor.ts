/**
 * Whether the newest root stands up today: certificates, pins, expiry. Judged once, after the walk.
 * Source: notary 0.7.0 trustpinning/certs.go ValidateRoot; stricter: a pin binds on every run, cached root or not.
 *
 * This file and what it imports cost an ASN.1 library, so `client/` loads it when a root has to be judged.
 */
import { checkPath } from '../crypto/certificate-path.js'
import { canonicalKeyId, type KeyId, type PublicKey } from '../crypto/keys.js'
import { StaleError } from '../errors.js'
import { type Pin, pinFor, type TrustPinning } from './pinning.js'
import { expired, pinMismatch, untrustedRoot } from './refusals.js'
import { type RootCertificate, rootCertificate } from './root-certificate.js'
import type { RootChain } from './root-chain.js'
import { verdict } from './signatures.js'

/** Why the root is trusted. */
export type RootTrust = 'pinned-certificate' | 'pinned-ca' | 'cached-root' | 'first-use'

/** A root that stands up today. */
export interface Anchor {
  readonly chain: RootChain
  readonly trust: RootTrust
  /** The earliest end of validity among the certificates that count; ms since 1970. */
  readonly certificateExpires: number
}

/** How the root came to be there, and what it is held against. */
export interface AnchorPolicy {
  /** Where the chain started. */
  readonly start: 'cached-root' | 'first-use'
  readonly pinning: TrustPinning
  /** Milliseconds since 1970. */
  readonly now: number
}

/**
 * Judges the newest root of a chain.
 *
 * @throws UntrustedError ERR_ROOT_UNTRUSTED, ERR_PIN_MISMATCH
 * @throws StaleError ERR_CERTIFICATE_EXPIRED, ERR_METADATA_EXPIRED
 */
export function anchorRoot(chain: RootChain, { start, pinning, now }: AnchorPolicy): Anchor {
  const { gun, root } = chain
  const pin = pinFor(gun, pinning)
  const certificates = new Map<KeyId, RootCertificate>()
  const problems: string[] = []
  for (const id of root.signedBy) {
    const key = root.keys.keys.get(id)
    const certificate = key === undefined ? 'not listed' : rootCertificate(key, gun, now)
    if (typeof certificate === 'string') problems.push(`${id}: ${certificate}`)
    else certificates.set(id, certificate)
  }
  const counted = (ids: Iterable<KeyId>) => verdict([...ids], root.keys)

  const bound = counted(certificates.keys())
  if (!bound.met) throw untrustedRoot(gun, `unable to retrieve valid leaf certificates (${problems.join('; ')})`, bound.evidence)
  if (pin.kind === 'none' && pin.firstUse === 'refused' && start === 'first-use') {
    throw untrustedRoot(
      gun,
      'invalid trust pinning specified: trust on first use is disabled and no pin applies to this collection',
    )
  }
  const pinned = pinnedKeys(chain, certificates, pin, now)
  if (!counted(pinned.keys).met) {
    const rule = pin.kind === 'none' ? '' : pin.rule
    throw pinMismatch(gun, `${pin.kind} of ${JSON.stringify(rule)} (${pinned.problems.join('; ')})`, {
      pin: rule,
      signedBy: root.signedBy,
      problems: pinned.problems,
    })
  }
  const current = pinned.keys.filter((id) => now <= (certificates.get(id)?.leaf.notAfter ?? Number.NaN))
  if (!counted(current).met) throw certificateExpired(chain, pinned.keys, certificates)
  if (!(now < root.metadata.expires)) throw expired({ gun, role: 'root' }, root.metadata.expires)
  return {
    chain,
    trust: pin.kind === 'certificates' ? 'pinned-certificate' : pin.kind === 'ca' ? 'pinned-ca' : start,
    certificateExpires: Math.min(...current.map((id) => certificates.get(id)?.leaf.notAfter ?? Number.NaN)),
  }
}

function pinnedKeys(
  { root }: RootChain,
  certificates: ReadonlyMap<KeyId, RootCertificate>,
  pin: Pin,
  now: number,
): { keys: KeyId[]; problems: string[] } {
  const problems: string[] = []
  const keys = [...certificates].filter(([id, { leaf, bundle }]) => {
    if (pin.kind === 'none') return true
    const problem =
      pin.kind === 'ca' ? checkPath(leaf, bundle, pin.certificates, now) : checkPinned(id, root.keys.keys.get(id), pin.keyIds)
    if (problem !== undefined) problems.push(`${id}: ${problem}`)
    return problem === undefined
  })
  return { keys: keys.map(([id]) => id), problems }
}

/** `docker trust inspect` shows another ID of the same key, which is easily pinned by mistake. */
function checkPinned(id: KeyId, key: PublicKey | undefined, pinned: readonly KeyId[]): string | undefined {
  if (pinned.includes(id)) return undefined
  const shown = key === undefined ? undefined : canonicalKeyId(key)
  if (shown === undefined || !pinned.includes(shown)) return 'not a pinned key'
  return `pinned is ${shown}, the ID that Docker shows for it; trust_pinning takes the one before the colon`
}

function certificateExpired(
  { gun, root }: RootChain,
  ids: readonly KeyId[],
  certificates: ReadonlyMap<KeyId, RootCertificate>,
): StaleError {
  const ends = ids.map((id) => `${id} ended ${new Date(certificates.get(id)?.leaf.notAfter ?? Number.NaN).toISOString()}`)
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
