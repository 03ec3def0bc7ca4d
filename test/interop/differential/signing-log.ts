/** Records what was signed and by whom while a case is made. It answers who signed a file without verifying signatures. */
import { createHash } from 'node:crypto'
import { canonicalBytes, type SignatureDocument, type SigningKey } from '../../../src/testing/index.js'

export class SigningLog {
  /** By signed text, key ID, method and signature. The value is the same for two certificates of one key. */
  readonly #signers = new Map<string, string>()

  /** Wraps a key so that its signatures are recorded. */
  watch(key: SigningKey): SigningKey {
    const who = hash(key.pair.publicKey.export({ type: 'spki', format: 'der' }))
    return {
      ...key,
      sign: (message) => {
        const signature = key.sign(message)
        this.#signers.set(entry(message, key.id, key.method, Buffer.from(signature)), who)
        return signature
      },
    }
  }

  /** The signers of these signatures, by key ID; unrecorded signatures are left out. */
  signersOf(signed: unknown, signatures: readonly SignatureDocument[]): ReadonlyMap<string, string> {
    const message = canonicalBytes(signed)
    return new Map(
      signatures.flatMap(({ keyid, method, sig }): [string, string][] => {
        if (typeof method !== 'string' || typeof sig !== 'string') return []
        const who = this.#signers.get(entry(message, keyid, method.toLowerCase(), Buffer.from(sig, 'base64')))
        return who === undefined ? [] : [[keyid, who]]
      }),
    )
  }
}

function entry(message: Uint8Array, keyid: string, method: string, signature: Buffer): string {
  return [hash(message), keyid, method, signature.toString('hex')].join(' ')
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
