/** Makes certificates with any content, also invalid ones, for tests of code that must refuse them. */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  KeyUsage,
  Name,
  NameConstraints,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509'
import { signatureAlgorithm, signatureOf } from './certificate-signature.js'
import { bytesOf } from './numbers.js'

/** A private key and its public half. */
export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** The kinds of key that `createKeys` makes. RSA-1024 is for tests of its refusal. */
export type KeyKind = 'P-224' | 'P-256' | 'P-384' | 'P-521' | 'RSA-1024' | 'RSA-2048' | 'RSA-3072' | 'Ed25519'

/** One text in a name, with its ASN.1 string type; a bare string is a UTF8String. */
export type NameText = string | { readonly text: string; readonly type: keyof typeof STRING_TAGS }

/** The parts of a name. Several texts make several attributes, in the order given. */
export interface NameParts {
  readonly cn?: NameText | readonly NameText[]
  readonly o?: NameText | readonly NameText[]
  readonly ou?: NameText | readonly NameText[]
}

/** An extension of the certificate; `value` is the DER inside the OCTET STRING. */
export interface ExtensionParts {
  readonly oid: string
  readonly critical?: boolean
  readonly value: Uint8Array
}

/** The issuer: a certificate made here, or any name with any key, for example a forger's. */
export interface Issuer extends KeyPair {
  /** DER of the Name. */
  readonly subject: Uint8Array
}

/** A certificate and its keys; it can be the `issuer` of the next. */
export interface MadeCertificate extends Issuer {
  readonly pem: string
  readonly der: Uint8Array
}

/** The content of the certificate. Absent parts are left out. */
export interface CertificateOptions {
  readonly subject: NameParts
  /** Self-signed when absent. */
  readonly issuer?: Issuer
  /** A fresh P-256 pair when absent. */
  readonly keys?: KeyPair
  /** Derived from the subject and the key when absent, so that equal input gives an equal number. */
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

const STRING_TAGS = {
  utf8: 'utf8String',
  printable: 'printableString',
  teletex: 'teletexString',
  ia5: 'ia5String',
  universal: 'universalString',
  bmp: 'bmpString',
} as const

/** Bits for `KeyUsage` of the library. */
const KEY_USAGE_BITS = {
  digitalSignature: 1,
  nonRepudiation: 2,
  keyEncipherment: 4,
  dataEncipherment: 8,
  keyAgreement: 16,
  keyCertSign: 32,
  cRLSign: 64,
} as const

const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['serverAuth', '1.3.6.1.5.5.7.3.1'],
  ['clientAuth', '1.3.6.1.5.5.7.3.2'],
  ['codeSigning', '1.3.6.1.5.5.7.3.3'],
  ['emailProtection', '1.3.6.1.5.5.7.3.4'],
])

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
  const extensions = extensionsOf(options)
  const body = new TBSCertificate({
    version: Version.v3,
    serialNumber: integerBytes(options.serial ?? defaultSerial(subject, publicKey)),
    signature: algorithm.identifier,
    issuer: AsnConvert.parse(issuer.subject, Name),
    validity: new Validity({ notBefore: options.notBefore, notAfter: options.notAfter }),
    subject: AsnConvert.parse(subject, Name),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey, SubjectPublicKeyInfo),
    ...(extensions.length === 0 ? {} : { extensions: new Extensions(extensions) }),
  })
  const message = new Uint8Array(AsnConvert.serialize(body))
  const signatureValue = signatureOf(issuer.privateKey, algorithm.hash, message)
  const certificate = new Certificate({
    tbsCertificate: body,
    signatureAlgorithm: algorithm.identifier,
    signatureValue: new Uint8Array(signatureValue).buffer,
  })
  const der = new Uint8Array(AsnConvert.serialize(certificate))
  return { pem: toPem('CERTIFICATE', der), der, subject, privateKey: keys.privateKey, publicKey: keys.publicKey }
}

/** DER of a Name. */
export function encodeName(parts: NameParts): Uint8Array {
  const attributes = (type: string, texts: NameText | readonly NameText[] | undefined): RelativeDistinguishedName[] =>
    (texts === undefined ? [] : isTextList(texts) ? texts : [texts]).map(
      (text) => new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value: nameText(text) })]),
    )
  const all = [...attributes('2.5.4.10', parts.o), ...attributes('2.5.4.11', parts.ou), ...attributes('2.5.4.3', parts.cn)]
  return new Uint8Array(AsnConvert.serialize(new Name(all)))
}

/** PEM armour around DER. */
export function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function extensionsOf(options: CertificateOptions): Extension[] {
  const { ca, pathLength, san, extendedKeyUsage, nameConstraints } = options
  const keyUsage = options.keyUsage ?? (ca === true ? (['keyCertSign', 'cRLSign'] as const) : undefined)
  const list: Extension[] = []
  const add = (extnID: string, critical: boolean, value: object) => {
    list.push(new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) }))
  }
  if (ca !== undefined || pathLength !== undefined) {
    const length = pathLength === undefined ? {} : { pathLenConstraint: pathLength }
    add('2.5.29.19', true, new BasicConstraints({ cA: ca === true, ...length }))
  }
  if (keyUsage !== undefined) add('2.5.29.15', true, new KeyUsage(keyUsage.reduce((sum, use) => sum | KEY_USAGE_BITS[use], 0)))
  if (extendedKeyUsage !== undefined)
    add('2.5.29.37', false, new ExtendedKeyUsage(extendedKeyUsage.map((use) => PURPOSES.get(use) ?? use)))
  if (san !== undefined) add('2.5.29.17', false, new SubjectAlternativeName(san.map(generalName)))
  if (nameConstraints !== undefined) {
    const subtrees = (names: readonly string[]) =>
      new GeneralSubtrees(names.map((name) => new GeneralSubtree({ base: generalName(name) })))
    const { permitted, excluded } = nameConstraints
    const constraints = new NameConstraints({
      ...(permitted === undefined ? {} : { permittedSubtrees: subtrees(permitted) }),
      ...(excluded === undefined ? {} : { excludedSubtrees: subtrees(excluded) }),
    })
    add('2.5.29.30', true, constraints)
  }
  const given = (options.extensions ?? []).map(
    ({ oid, critical = false, value }) => new Extension({ extnID: oid, critical, extnValue: new OctetString(value) }),
  )
  return [...list, ...given]
}

function isTextList(texts: NameText | readonly NameText[]): texts is readonly NameText[] {
  return Array.isArray(texts)
}

function nameText(value: NameText): AttributeValue {
  const { text, type } = typeof value === 'string' ? { text: value, type: 'utf8' as const } : value
  return new AttributeValue({ [STRING_TAGS[type]]: text })
}

function generalName(name: string): GeneralName {
  return new GeneralName(isIP(name) === 0 ? { dNSName: name } : { iPAddress: name })
}

/** The content of an INTEGER that is not negative. */
function integerBytes(value: bigint): ArrayBuffer {
  const bytes = bytesOf(value)
  return new Uint8Array((bytes[0] ?? 0) < 0x80 ? bytes : [0, ...bytes]).buffer
}

function defaultSerial(subject: Uint8Array, publicKey: Uint8Array): bigint {
  return createHash('sha256').update(subject).update(publicKey).digest().readBigUInt64BE() >> 1n
}
