/** Counts distinct signing keys against a threshold. Source: TUF 1.0.33 section 4.2 and 5; notary 0.7.0 tuf/signed/verify.go. */
import type { KeyId } from '../crypto/keys.js'
import { verifySignature } from '../crypto/verify-signature.js'
import type { Evidence } from '../errors.js'
import type { RoleKeys, Signature, Unverified } from '../metadata/model.js'
import { canonicalIds } from './key-names.js'

/** Signatures tried for one key of a file before the rest of them is ignored (denial of service). */
const MAX_TRIES_PER_KEY = 16

/** The result of checking the signatures of a file. */
export interface SignatureVerdict {
  /** Listed keys of the role that signed the file, ascending. */
  readonly signedBy: readonly KeyId[]
  /** How many different keys that is: two certificates of one key count once. */
  readonly count: number
  readonly threshold: number
  /** True when enough different keys signed. */
  readonly met: boolean
  /** The same for people and reports. */
  readonly evidence: Evidence
}

/** Counts the keys of the role that signed. Signatures by other keys, or that do not verify, are ignored. */
export function checkSignatures(unverified: Unverified<unknown>, { keys, threshold }: RoleKeys): SignatureVerdict {
  const signedBy = new Set<KeyId>()
  for (const { keyId, method, bytes } of worthTrying(unverified, keys)) {
    const verifying = keys.get(keyId)?.verifying
    if (verifying === undefined || verifying.kind === 'unusable' || signedBy.has(keyId)) continue
    if (verifySignature(verifying, method, unverified.signedBytes, bytes)) signedBy.add(keyId)
  }
  return verdict([...signedBy].sort(), { keys, threshold })
}

/** The highest number of signature checks that `checkSignatures` makes. */
export function checksFor(unverified: Unverified<unknown>, { keys }: RoleKeys): number {
  return worthTrying(unverified, keys).length
}

/** Signatures by keys of the role, the first few of each. */
function worthTrying({ signatures }: Unverified<unknown>, keys: RoleKeys['keys']): Signature[] {
  const tries = new Map<KeyId, number>()
  return signatures.filter(({ keyId }) => {
    const tried = tries.get(keyId) ?? 0
    tries.set(keyId, tried + 1)
    return tried < MAX_TRIES_PER_KEY && keys.has(keyId)
  })
}

/** The verdict when only these signing keys count, as for a root whose certificates or pins are judged. */
export function verdict(signedBy: readonly KeyId[], { keys, threshold }: RoleKeys): SignatureVerdict {
  const identities = new Set<string>()
  for (const id of signedBy) {
    const verifying = keys.get(id)?.verifying
    if (verifying !== undefined && verifying.kind !== 'unusable') identities.add(verifying.identity)
  }
  const count = identities.size
  return {
    signedBy,
    count,
    threshold,
    met: count >= threshold,
    // Computed on demand: only a refusal needs it.
    get evidence() {
      const unusable = [...keys].flatMap(([id, { verifying }]) =>
        verifying.kind === 'unusable' ? [`${id}: ${verifying.reason}`] : [],
      )
      return {
        threshold,
        validSignatures: count,
        signedBy,
        listedKeys: [...keys.keys()],
        ...canonicalIds(keys.keys(), keys),
        ...(unusable.length === 0 ? {} : { unusableKeys: unusable }),
      }
    },
  }
}

/** True when the role lists enough keys to meet its threshold. */
export function canMeetThreshold({ keys, threshold }: RoleKeys): boolean {
  return keys.size >= threshold
}
