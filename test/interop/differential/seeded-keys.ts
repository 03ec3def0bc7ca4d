/** Keys for cases that can be replayed to the byte: the kit's, but few RSA pairs, whose primes take a while to find. */
import { createHash } from 'node:crypto'
import {
  createCertificate,
  createSigningKey,
  type KeyRecipe,
  type MadeCertificate,
  type SigningKey,
} from '../../../src/testing/index.js'
import { BEGUN, LASTING } from './dates.js'

/** A key that is the same again, as are its signatures; certificates of EC keys are issued by `seededCa`, of RSA ones by themselves. */
export function createSeededKey(recipe: KeyRecipe & { readonly seed: string }): SigningKey {
  const { type, seed, certificate } = recipe
  if (type?.startsWith('rsa') === true)
    return createSigningKey({ ...recipe, seed: `one of three: ${(sha256(seed)[0] ?? 0) % 3}` })
  return createSigningKey(certificate === undefined ? recipe : { ...recipe, certificate: { issuer: seededCa(), ...certificate } })
}

let authority: MadeCertificate | undefined

/** The CA of the certificates. */
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
