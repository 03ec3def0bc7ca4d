/** Root keys in certificates of every kind. */
import { type CertificateOptions, createCertificate, type MadeCertificate, type SigningKey } from '../../../src/testing/index.js'
import { BEGUN, ENDED, LASTING } from './dates.js'
import type { Draft } from './draft.js'
import { seededCa } from './seeded-keys.js'
import type { Mutation } from './signature-mutations.js'

type Changes = Partial<Omit<CertificateOptions, 'keys'>>

/** The validity of a certificate that has expired. */
export const HAS_ENDED = { notBefore: BEGUN, notAfter: ENDED }

function root(name: string, make: (draft: Draft) => SigningKey[], threshold = 1): Mutation {
  const apply = (draft: Draft): void => {
    draft.aim('root')
    draft.collection.rotateRoot({ keys: make(draft), threshold })
  }
  return [`certificate: ${name}`, apply]
}

function saying(name: string, changes: (draft: Draft) => Changes): Mutation {
  return root(name, (draft) => [draft.key('root', { type: 'ecdsa-x509', certificate: changes(draft) })])
}

function bundled(name: string, bundle: (draft: Draft) => MadeCertificate[]): Mutation {
  return root(name, (draft) => [draft.key('root', { type: 'ecdsa-x509', bundle: bundle(draft) })])
}

function signedBySeeded(cn: string, changes: Changes = {}): MadeCertificate {
  return createCertificate({
    subject: { cn },
    notBefore: BEGUN,
    notAfter: LASTING,
    issuer: seededCa(),
    keys: seededCa(),
    ...changes,
  })
}

/** The first segment of a GUN, with what follows it in place of the rest. */
const prefix = (draft: Draft, rest: string): string => draft.gun.replace(/\/.*/, rest)

export const CERTIFICATE_MUTATIONS: readonly Mutation[] = [
  saying('for another name', () => ({ subject: { cn: 'diff.example/other' } })),
  saying('for a prefix', (draft) => ({ subject: { cn: prefix(draft, '/*') } })),
  saying('for a prefix without a slash', (draft) => ({ subject: { cn: prefix(draft, '*') } })),
  saying('for a prefix of two stars', (draft) => ({ subject: { cn: prefix(draft, '/**') } })),
  saying('for a prefix of something else', () => ({ subject: { cn: 'other.example/*' } })),
  saying('for everything', () => ({ subject: { cn: '*' } })),
  saying('for nothing', () => ({ subject: { cn: '' } })),
  saying('for the name in upper case', (draft) => ({ subject: { cn: draft.gun.toUpperCase() } })),
  saying('with two common names', (draft) => ({ subject: { cn: ['other', draft.gun] } })),
  saying('with two common names, the right one first', (draft) => ({ subject: { cn: [draft.gun, 'other'] } })),
  saying('without a common name', (draft) => ({ subject: { o: draft.gun } })),
  saying('with an organisation', (draft) => ({ subject: { cn: draft.gun, o: 'Example', ou: 'Unit' } })),
  ...(['printable', 'teletex', 'ia5', 'universal', 'bmp'] as const).map((type) =>
    saying(`with a common name as ${type} string`, (draft) => ({ subject: { cn: { text: draft.gun, type } } })),
  ),
  saying('that has ended', () => HAS_ENDED),
  saying('that has not begun', () => ({ notBefore: new Date('2044-01-01T00:00:00Z') })),
  saying('that ends before it begins', () => ({ notBefore: ENDED, notAfter: new Date(ENDED.getTime() - 86_400_000) })),
  saying('of a CA', () => ({ ca: true })),
  saying('of a CA with code signing', () => ({ ca: true, keyUsage: ['digitalSignature'] })),
  saying('without usages', () => ({ keyUsage: [], extendedKeyUsage: [] })),
  saying('for servers', () => ({ extendedKeyUsage: ['serverAuth'] })),
  saying('with names of hosts', () => ({ san: ['localhost', '127.0.0.1'] })),
  saying('with an unknown critical extension', () => ({
    extensions: [{ oid: '1.2.3.4.5', critical: true, value: Uint8Array.of(5, 0) }],
  })),
  saying('with an unknown extension', () => ({ extensions: [{ oid: '1.2.3.4.5', value: Uint8Array.of(5, 0) }] })),
  saying('with serial number 0', () => ({ serial: 0n })),
  saying('that ends after 2050', () => ({ notAfter: new Date('2060-01-01T00:00:00Z') })),
  root('of an RSA key, signed with SHA-1', (draft) => [
    draft.key('root', { type: 'rsa-x509', rsaMethod: 'rsapkcs1v15', certificate: { signatureAlgorithm: 'sha1' } }),
  ]),
  root('of an RSA key, signed with MD5', (draft) => [
    draft.key('root', { type: 'rsa-x509', rsaMethod: 'rsapkcs1v15', certificate: { signatureAlgorithm: 'md5' } }),
  ]),
  root('of an RSA key, signed with SHA-384', (draft) => [
    draft.key('root', { type: 'rsa-x509', rsaMethod: 'rsapkcs1v15', certificate: { signatureAlgorithm: 'sha384' } }),
  ]),
  bundled('with its CA', () => [seededCa()]),
  bundled('with a CA that has ended', () => [signedBySeeded('old CA', { ca: true, notAfter: new Date('2021-01-01T00:00:00Z') })]),
  bundled('with another leaf', () => [signedBySeeded('another leaf', { ca: false })]),
  bundled('with another leaf for the same name', (draft) => [signedBySeeded(draft.gun, { ca: false })]),
  root('two keys, one certificate ended, one needed', (draft) => [
    draft.key('root', { type: 'ecdsa-x509' }),
    draft.key('root', { type: 'ecdsa-x509', certificate: HAS_ENDED }),
  ]),
  root(
    'two keys, one certificate ended, both needed',
    (draft) => [draft.key('root', { type: 'ecdsa-x509' }), draft.key('root', { type: 'ecdsa-x509', certificate: HAS_ENDED })],
    2,
  ),
  root('two keys, one for another name, one needed', (draft) => [
    draft.key('root', { type: 'ecdsa-x509' }),
    draft.key('root', { type: 'ecdsa-x509', certificate: { subject: { cn: 'other' } } }),
  ]),
]
