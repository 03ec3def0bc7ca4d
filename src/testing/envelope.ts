/** Signing, and spoiling what is signed. */
import { canonicalBytes, type Envelope, type WireForm, wireBytes } from './documents.js'
import type { SigningKey } from './keys.js'

/** What is changed on the way of one file from the publisher to the server. */
export interface Tampering<Document> {
  /** Before it is signed: whoever does this holds the role's keys. */
  readonly before?: (signed: Document) => void
  /** After it is signed. */
  readonly after?: (envelope: Envelope<Document>) => void
  /** The bytes as served. */
  readonly bytes?: (bytes: Uint8Array) => Uint8Array
  /** `forged` (default): the roles above name the spoiled file, so their keys are stolen too. `honest`: they name the true one. */
  readonly parents?: 'forged' | 'honest'
}

/** A signed file: what the server has, and what the roles above vouch for. */
export interface SignedFile {
  readonly served: Uint8Array
  readonly vouched: Uint8Array
}

/** Signs what `build` makes; it is asked again for every copy. */
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
