/**
 * Certificates made to order, the wrong ones too: for tests of those who must refuse them.
 *
 * The DER is written by hand here, on purpose without an ASN.1 library: the reader under test must not be checked
 * against its own encoder.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'
import { bitString, bits, integer, objectIdentifier, sequence, time, tlv } from './der-writer.js'

/** A private key and its public half. */
export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** The kinds of key that `createKeys` makes. RSA-1024 is there to be refused. */
export type KeyKind = 'P-224' | 'P-256' | 'P-384' | 'P-521' | 'RSA-1024' | 'RSA-2048' | 'RSA-3072' | 'Ed25519'

/** One text in a name, with its ASN.1 string type; a bare string is a UTF8String. */
export type NameText = string | { readonly text: string; readonly type: keyof typeof STRING_TAGS }

/** The parts of a name. Several texts make several attributes, in the order given. */
export interface NameParts {
  readonly cn?: NameText | readonly NameText[]
  readonly o?: NameText | readonly NameText[]
  readonly ou?: NameText | readonly NameText[]
}

/** An extension as it is to stand in the certificate; `value` is the DER inside the OCTET STRING. */
export interface ExtensionParts {
  readonly oid: string
  readonly critical?: boolean
  readonly value: Uint8Array
}

/** Who signs: a certificate made here, or any name with any key (a forger's, for one). */
export interface Issuer extends KeyPair {
  /** DER of the Name. */
  readonly subject: Uint8Array
}

/** A certificate and its keys; it can be the `issuer` of the next. */
export interface MadeCertificate extends Issuer {
  readonly pem: string
  readonly der: Uint8Array
}

/** What the certificate is to say. Absent parts are left out of it. */
export interface CertificateOptions {
  readonly subject: NameParts
  /** Self-signed when absent. */
  readonly issuer?: Issuer
  /** A fresh P-256 pair when absent. */
  readonly keys?: KeyPair
  /** Taken from the subject and the key when absent, so that equal input gives an equal number. */
  readonly serial?: bigint
  readonly notBefore: Date
  readonly notAfter: Date
  /** Basic constraints, critical; true adds keyCertSign and cRLSign unless `keyUsage` is given. */
  readonly ca?: boolean
  readonly pathLength?: number
  /** DNS names and IP addresses. */
  readonly san?: readonly string[]
  readonly keyUsage?: readonly (keyof typeof KEY_USAGE_BITS)[]
  /** Names below, or dotted object identifiers. */
  readonly extendedKeyUsage?: readonly string[]
  /** DNS subtrees. */
  readonly nameConstraints?: { readonly permitted?: readonly string[]; readonly excluded?: readonly string[] }
  /** The hash that is signed; sha256 when absent. md5 needs an RSA issuer; an Ed25519 issuer ignores it. */
  readonly signatureAlgorithm?: 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'
  readonly extensions?: readonly ExtensionParts[]
}

const STRING_TAGS = { utf8: 0x0c, printable: 0x13, teletex: 0x14, ia5: 0x16, universal: 0x1c, bmp: 0x1e } as const

const KEY_USAGE_BITS = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const

const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['serverAuth', '1.3.6.1.5.5.7.3.1'],
  ['clientAuth', '1.3.6.1.5.5.7.3.2'],
  ['codeSigning', '1.3.6.1.5.5.7.3.3'],
  ['emailProtection', '1.3.6.1.5.5.7.3.4'],
])

const RSA_SIGNATURES = {
  md5: '1.2.840.113549.1.1.4',
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
} as const

const ECDSA_SIGNATURES = {
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
} as const

/** A fresh key pair. */
export function createKeys(kind: KeyKind = 'P-256'): KeyPair {
  if (kind === 'Ed25519') return generateKeyPairSync('ed25519')
  if (kind.startsWith('RSA-')) return generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)) })
  return generateKeyPairSync('ec', { namedCurve: kind })
}

/** Makes and signs an X.509 v3 certificate. */
export function createCertificate(options: CertificateOptions): MadeCertificate {
  const keys = options.keys ?? createKeys()
  const subject = encodeName(options.subject)
  const issuer = options.issuer ?? { ...keys, subject }
  const publicKey = new Uint8Array(keys.publicKey.export({ type: 'spki', format: 'der' }))
  const algorithm = signatureAlgorithm(issuer.privateKey, options.signatureAlgorithm ?? 'sha256')
  const extensions = encodeExtensions(options)
  const body = sequence(
    tlv(0xa0, integer(2n)),
    integer(options.serial ?? defaultSerial(subject, publicKey)),
    algorithm.identifier,
    issuer.subject,
    sequence(time(options.notBefore), time(options.notAfter)),
    subject,
    publicKey,
    ...(extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]),
  )
  const der = sequence(body, algorithm.identifier, bitString(sign(algorithm.hash, body, issuer.privateKey)))
  return { pem: toPem('CERTIFICATE', der), der, subject, privateKey: keys.privateKey, publicKey: keys.publicKey }
}

/** DER of a Name. */
export function encodeName(parts: NameParts): Uint8Array {
  const attributes = (oid: string, texts: NameText | readonly NameText[] | undefined): Uint8Array[] =>
    (texts === undefined ? [] : isTextList(texts) ? texts : [texts]).map((text) =>
      tlv(0x31, sequence(objectIdentifier(oid), nameText(text))),
    )
  return sequence(...attributes('2.5.4.10', parts.o), ...attributes('2.5.4.11', parts.ou), ...attributes('2.5.4.3', parts.cn))
}

/** PEM armour around DER. */
export function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function encodeExtensions(options: CertificateOptions): Uint8Array[] {
  const { ca, pathLength, san, extendedKeyUsage, nameConstraints } = options
  const keyUsage = options.keyUsage ?? (ca === true ? (['keyCertSign', 'cRLSign'] as const) : undefined)
  const list: ExtensionParts[] = []
  if (ca !== undefined || pathLength !== undefined) {
    const authority = ca === true ? [tlv(0x01, Uint8Array.of(0xff))] : []
    const length = pathLength === undefined ? [] : [integer(BigInt(pathLength))]
    list.push({ oid: '2.5.29.19', critical: true, value: sequence(...authority, ...length) })
  }
  if (keyUsage !== undefined)
    list.push({ oid: '2.5.29.15', critical: true, value: bits(keyUsage.map((use) => KEY_USAGE_BITS[use])) })
  if (extendedKeyUsage !== undefined) {
    list.push({ oid: '2.5.29.37', value: sequence(...extendedKeyUsage.map((use) => objectIdentifier(PURPOSES.get(use) ?? use))) })
  }
  if (san !== undefined) list.push({ oid: '2.5.29.17', value: sequence(...san.map(generalName)) })
  if (nameConstraints !== undefined) {
    const subtrees = (tag: number, names: readonly string[] | undefined): Uint8Array[] =>
      names === undefined ? [] : [tlv(tag, ...names.map((name) => sequence(generalName(name))))]
    const value = sequence(...subtrees(0xa0, nameConstraints.permitted), ...subtrees(0xa1, nameConstraints.excluded))
    list.push({ oid: '2.5.29.30', critical: true, value })
  }
  return [...list, ...(options.extensions ?? [])].map(({ oid, critical, value }) =>
    sequence(objectIdentifier(oid), ...(critical === true ? [tlv(0x01, Uint8Array.of(0xff))] : []), tlv(0x04, value)),
  )
}

function signatureAlgorithm(
  key: KeyObject,
  hash: keyof typeof RSA_SIGNATURES,
): { readonly identifier: Uint8Array; readonly hash: string | null } {
  if (key.asymmetricKeyType === 'ed25519') return { identifier: sequence(objectIdentifier('1.3.101.112')), hash: null }
  if (key.asymmetricKeyType === 'rsa') {
    return { identifier: sequence(objectIdentifier(RSA_SIGNATURES[hash]), tlv(0x05)), hash }
  }
  if (hash === 'md5') throw new TypeError('there is no ECDSA signature with MD5 in X.509')
  return { identifier: sequence(objectIdentifier(ECDSA_SIGNATURES[hash])), hash }
}

function isTextList(texts: NameText | readonly NameText[]): texts is readonly NameText[] {
  return Array.isArray(texts)
}

function nameText(value: NameText): Uint8Array {
  const { text, type } = typeof value === 'string' ? { text: value, type: 'utf8' as const } : value
  if (type === 'bmp') return tlv(STRING_TAGS[type], Buffer.from(text, 'utf16le').swap16())
  if (type !== 'universal') return tlv(STRING_TAGS[type], Buffer.from(text, type === 'utf8' ? 'utf8' : 'latin1'))
  const characters = [...text].map((character) => character.codePointAt(0) ?? 0)
  return tlv(STRING_TAGS[type], ...characters.map((code) => Uint8Array.of(code >> 24, code >> 16, code >> 8, code)))
}

function generalName(name: string): Uint8Array {
  if (isIPv4(name)) return tlv(0x87, Uint8Array.from(name.split('.').map(Number)))
  if (isIP(name) === 6) return tlv(0x87, ipv6Bytes(name))
  return tlv(0x82, Buffer.from(name, 'latin1'))
}

function ipv6Bytes(address: string): Uint8Array {
  const [head = '', tail] = address.split('::')
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const all = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

function defaultSerial(subject: Uint8Array, publicKey: Uint8Array): bigint {
  return createHash('sha256').update(subject).update(publicKey).digest().readBigUInt64BE() >> 1n
}
