/** Checks with OpenSSL whether a root key is bound to a collection today, without the project's own readers. */
import { X509Certificate } from 'node:crypto'
import type { KeyDocument } from '../../../src/testing/index.js'

/** DER of MD5 and SHA-1 with RSA as in a certificate, because OpenSSL does not name a signature's algorithm. */
const WEAK = /2a864886f70d0101(?:04|05)/
/** The basic constraints of a CA. OpenSSL's answer also depends on the key usage; that of notary and of this project does not. */
const CA = /0603551d13(?:0101ff)?04..30..0101ff/
/** The common name and its text type: UTF8String, PrintableString and IA5String are known to every reader. */
const COMMON_NAME = /0603550403(..)/g

/** @throws what OpenSSL throws for a certificate that it cannot read */
export function isGoodToday(key: KeyDocument | undefined, gun: string): boolean {
  const bundle = Buffer.from(key?.keyval.public ?? '', 'base64').toString()
  const all = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.map((pem) => new X509Certificate(pem))
  const [leaf, ...others] = all ?? []
  if (leaf === undefined || isCa(leaf) || !others.every(isCa)) return false
  const der = leaf.raw.toString('hex')
  const types = [...der.matchAll(COMMON_NAME)].map(([, type]) => type)
  if (WEAK.test(der) || types.length > 2 || types.some((type) => !['0c', '13', '16'].includes(type ?? ''))) return false
  const names = leaf.subject.split('\n').flatMap((line) => (line.startsWith('CN=') ? [line.slice('CN='.length)] : []))
  if (!names.some((name) => (name.endsWith('*') ? gun.startsWith(name.replace(/\*+$/, '')) : name === gun))) return false
  return Date.parse(leaf.validFrom) <= Date.now() && Date.now() <= Date.parse(leaf.validTo)
}

function isCa({ raw }: X509Certificate): boolean {
  return CA.test(raw.toString('hex'))
}
