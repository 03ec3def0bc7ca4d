/** Keys for cases that repeat byte for byte: keys of the testing kit, with few RSA pairs because their primes are slow to find. */
import { createHash } from 'node:crypto'
import {
  createCertificate,
  createSigningKey,
  type KeyRecipe,
  type MadeCertificate,
  type SigningKey,
} from '../../../src/testing/index.js'
import { BEGUN, LASTING } from './dates.js'

/** A repeatable key with repeatable signatures. `seededCa` issues certificates of EC keys; those of RSA keys are self-signed. */
export function createSeededKey(recipe: KeyRecipe & { readonly seed: string }): SigningKey {
  const { type, seed, certificate } = recipe
  if (type?.startsWith('rsa') === true)
    return createSigningKey({ ...recipe, seed: `one of three: ${(sha256(seed)[0] ?? 0) % 3}` })
  return createSigningKey(certificate === undefined ? recipe : { ...recipe, certificate: { issuer: seededCa(), ...certificate } })
}

let authority: MadeCertificate | undefined

/** The CA that issues the certificates. */
export function seededCa(): MadeCertificate {
  authority ??= createCertificate({
    subject: { cn: 'differential CA' },
    keys: createSigningKey({ type: 'ed25519', seed: 'differential CA' }).pair,
    notBefore: BEGUN,
    notAfter: LASTING,
    ca: true,
  })
  return authority
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
