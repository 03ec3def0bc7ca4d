import { bench, describe } from 'vitest'
import { importKey } from '../../src/crypto/keys.js'
import { verifySignature } from '../../src/crypto/verify-signature.js'
import { createSigningKey, type KeyRecipe } from '../../src/testing/index.js'
import { SHORT, SIZES } from './collections.js'

const KEYS: readonly (readonly [string, KeyRecipe])[] = [
  ['ECDSA P-224', { curve: 'P-224' }],
  ['ECDSA P-256', {}],
  ['ECDSA P-384', { curve: 'P-384' }],
  ['ECDSA P-521', { curve: 'P-521' }],
  ['Ed25519', { type: 'ed25519' }],
  ['RSA-2048 PSS', { type: 'rsa' }],
  ['RSA-2048 PKCS #1 v1.5', { type: 'rsa', rsaMethod: 'rsapkcs1v15' }],
]

// About the size of a targets file with so many tags.
for (const size of SIZES) {
  const message = new Uint8Array(size * 95).fill(0x20)

  describe(`a signature of ${message.length} bytes`, () => {
    for (const [name, recipe] of KEYS) {
      const { id, type, method, document, sign } = createSigningKey(recipe)
      const key = importKey({ id, type, bytes: new Uint8Array(Buffer.from(document.keyval.public, 'base64')) })
      const signature = sign(message)
      const verify = () => {
        if (key.kind === 'unusable' || !verifySignature(key, method, message, signature))
          throw new Error(`${name} does not verify`)
      }
      bench(name, verify, SHORT)
    }
  })
}
