/** Signs files, and applies tamperings to them. */
import { canonicalBytes, type Envelope, type WireForm, wireBytes } from './documents.js'
import type { SigningKey } from './keys.js'

/** Changes to one file between the publisher and the server. */
export interface Tampering<Document> {
  /** Changes the document before it is signed: an attacker with the role's keys. */
  readonly before?: (signed: Document) => void
  /** Changes the envelope after it is signed. */
  readonly after?: (envelope: Envelope<Document>) => void
  /** Changes the served bytes. */
  readonly bytes?: (bytes: Uint8Array) => Uint8Array
  /** `forged` (default): the roles above name the changed file, as if their keys were stolen too. `honest`: they name the original. */
  readonly parents?: 'forged' | 'honest'
}

/** A signed file: the bytes on the server, and the bytes that the roles above name. */
export interface SignedFile {
  readonly served: Uint8Array
  readonly vouched: Uint8Array
}

/** Signs a document. Calls `build` again for every copy. */
export function signFile<Document>(
  build: () => Document,
  signers: readonly SigningKey[],
  wire: WireForm,
  { before, after, bytes, parents = 'forged' }: Tampering<Document> = {},
): SignedFile {
  const spoiled = build()
  before?.(spoiled)
  const envelope = envelopeOf(spoiled, signers)
  after?.(envelope)
  const file = wireBytes(envelope, wire)
  const served = bytes === undefined ? file : bytes(file)
  return { served, vouched: parents === 'honest' ? wireBytes(envelopeOf(build(), signers), wire) : served }
}

function envelopeOf<Document>(signed: Document, signers: readonly SigningKey[]): Envelope<Document> {
  const message = canonicalBytes(signed)
  const signatures = signers.map(({ id, method, sign }) => ({
    keyid: id,
    method,
    sig: Buffer.from(sign(message)).toString('base64'),
  }))
  return { signed, signatures }
}
