/** Turns a pin of a root key into a key ID. A pin is a key ID, PEM of the public key, or PEM of its certificate. */
import { utf8 } from '../bytes.js'
import { certificateKey, encodePem, isOnlyPem, pemBlocks, readCertificate } from './certificate.js'
import { canonicalKeyId, importKey, type KeyId, keyId } from './keys.js'

/** Why a text is not a pin. The reason does not hold the text, which may be a private key. */
interface NoPin {
  readonly problem: string
}

/**
 * The key ID that a text pins. PEM of a public key pins the key in any certificate: the result is its canonical ID. PEM of a
 * certificate (with those above it, as in the root) pins that certificate: the result is the ID as root.json lists it.
 */
export function readPinnedKey(text: string): KeyId | NoPin {
  return readKey(text, 'root')
}

function readKey(text: string, of: 'root' | 'signer'): KeyId | NoPin {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return text.toLowerCase()
  const blocks = pemBlocks(text)
  const [first] = blocks
  if (first === undefined) return { problem: 'neither 64 hexadecimal digits nor PEM of a public key or certificate' }
  if (!isOnlyPem(text)) return { problem: 'text beside the PEM' }
  if (blocks.some(({ label }) => label.endsWith('PRIVATE KEY')))
    return { problem: 'a private key; pin the public one, which "openssl pkey -pubout" prints' }
  const ders = blocks.flatMap(({ der }) => (der === undefined ? [] : [der]))
  if (ders.length !== blocks.length) return { problem: 'PEM that is not base64' }
  const isAllOf = (label: string) => blocks.every((block) => block.label === label)
  if (isAllOf('CERTIFICATE')) return certificateId(ders, of)
  if (!isAllOf('PUBLIC KEY')) return { problem: `PEM that holds ${first.label}, not only a public key or a certificate` }
  const [der, ...more] = ders
  if (der === undefined || more.length > 0) return { problem: 'several public keys in one text; write each by itself' }
  return usable(['ecdsa', 'rsa'], der)
}

/**
 * The canonical ID of a signer's key: the text is that ID, or PEM of the public key or of a certificate for it. The headers that
 * `docker trust key generate` writes into PEM (`role: alice`) are passed over.
 */
export function readSignerKey(text: string): KeyId | NoPin {
  const plain = text.replace(PEM_HEADERS, '$1')
  const id = readKey(plain, 'signer')
  const [leaf] = pemBlocks(plain)
  if (typeof id !== 'string' || leaf?.label !== 'CERTIFICATE' || leaf.der === undefined) return id
  const certificate = readCertificate(leaf.der)
  const key = typeof certificate === 'string' ? certificate : certificateKey(certificate)
  if (typeof key === 'string') return { problem: key }
  const type = key.asymmetricKeyType === 'rsa' ? 'rsa-x509' : 'ecdsa-x509'
  return canonicalKeyId({ id, type, bytes: utf8(encodePem([leaf.der])) }) ?? { problem: 'a certificate without a usable key' }
}

/** Header lines and the empty line behind them (RFC 1421 4.4). */
const PEM_HEADERS = /(-----BEGIN [A-Z0-9 ]{1,64}-----\r?\n)(?:[A-Za-z-]{1,64}: [^\r\n]{0,1000}\r?\n){1,16}\r?\n/g

/** The ID of a certificate's key as root.json lists it. */
function certificateId(ders: readonly Uint8Array[], of: 'root' | 'signer'): KeyId | NoPin {
  const [leaf = new Uint8Array()] = ders
  const certificate = readCertificate(leaf)
  if (typeof certificate === 'string') return { problem: certificate }
  // notary asks of a signer's certificate no more than its key, and openssl makes self-signed ones as those of a CA.
  if (certificate.ca && of === 'root') return { problem: 'the certificate of a CA; give the path of its file under "ca"' }
  const key = certificateKey(certificate)
  if (typeof key === 'string') return { problem: key }
  return usable([key.asymmetricKeyType === 'rsa' ? 'rsa-x509' : 'ecdsa-x509'], utf8(encodePem(ders)))
}

/** The ID of the key with the first type that can verify. A key that no root can have is refused as a mistake. */
function usable(types: readonly string[], bytes: Uint8Array): KeyId | NoPin {
  const problems = new Set<string>()
  for (const type of types) {
    const verifying = importKey({ id: '', type, bytes })
    if (verifying.kind !== 'unusable') return keyId(type, bytes)
    problems.add(verifying.reason)
  }
  return { problem: `no key that a root can have (${[...problems].join('; ')})` }
}
