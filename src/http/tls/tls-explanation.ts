/**
 * Writes the hint for a TLS handshake that failed: which certificates were used, why they did not match, and the next command
 * to type. Loaded only after a failure; reads the folders again.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readCertificate } from '../../crypto/certificate.js'
import { printable, type TrustError, UsageError } from '../../errors.js'
import { shellWord } from '../../shell-word.js'
import { ProxyFailure } from '../connection/connection-failures.js'
import { isCertificateFault, isUnknownAuthority } from './certificate-faults.js'
import { NotForThisHost } from './server-identity.js'
import { readTlsMaterial, type TlsMaterial, type TlsSources } from './tls.js'
import { answeredWithoutTls, type ShownCertificate, TlsFailure } from './tls-failure.js'

/** Names of certificates in a hint; a bundle may have hundreds. */
const MAX_NAMES = 3

/** Replaces the hint of the error when there is more to say than its code says. */
export async function explainTls(error: TrustError, sources: TlsSources): Promise<void> {
  const { cause } = error
  const hint =
    cause instanceof TlsFailure
      ? await explain(cause, sources)
      : cause instanceof ProxyFailure
        ? explainProxy(cause, sources)
        : undefined
  if (hint !== undefined) error.hint = printable(hint)
}

async function explain(failure: TlsFailure, sources: TlsSources): Promise<string | undefined> {
  const { code, peer, shown, cause } = failure
  if (answeredWithoutTls(code)) {
    return `The program on that port speaks http or another protocol, not https. See where the address comes from: dct env`
  }
  if (cause instanceof NotForThisHost) return explainNames(cause, peer)
  if (shown === undefined) return undefined
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return explainDates(code, peer, shown)
  if (code === 'INVALID_PURPOSE') {
    return `The certificate of ${peer}, or a CA above it, may not be used for servers: issue it again for serverAuth. See its purposes: ${showLeaf(peer, '-purpose')}`
  }
  if (!isCertificateFault(code)) return undefined
  if (!isUnknownAuthority(code))
    return `The certificate of ${peer}, or a CA above it, cannot be used. See them: ${showChain(peer)}`
  const material = await readAgain(sources)
  return material === undefined ? undefined : explainAuthorities(peer, shown, sources, material)
}

function explainProxy({ code, cause, peer }: ProxyFailure, { ca = [] }: TlsSources): string | undefined {
  if (cause instanceof NotForThisHost) return `It is the proxy's certificate. ${explainNames(cause, peer)}`
  if (!isUnknownAuthority(code) || ca.length === 0) return undefined
  return `The certificate is the proxy's, and none of the CAs that were given (--tlscacert, option ca) issued it. Name the proxy's own: export NODE_EXTRA_CA_CERTS=proxy-ca.crt`
}

function explainNames({ hasNames }: NotForThisHost, peer: string): string {
  const show = showLeaf(peer, '-subject -ext subjectAltName')
  if (hasNames) return `The certificate is not for ${peer}: use a name that it lists. See them: ${show}`
  return `The certificate of ${peer} has no SAN (subjectAltName), and its CN is not a name of the server: issue it again with a SAN. See what it says: ${show}`
}

function explainDates(code: string, peer: string, { from, to }: ShownCertificate): string {
  const now = new Date()
  const clock = `The clock of this machine says ${now.toISOString()}`
  const dates = `the certificate of ${peer} is good from ${isoDate(from)} to ${isoDate(to)}`
  const itself = code === 'CERT_HAS_EXPIRED' ? !(now.getTime() <= Date.parse(to)) : !(now.getTime() >= Date.parse(from))
  const what = code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'
  const which = itself ? `it ${what}` : `a CA certificate above it ${what}`
  return `${clock}, ${dates}: ${which}, or the clock is wrong. Compare the clock: date -u`
}

async function readAgain(sources: TlsSources): Promise<TlsMaterial | undefined> {
  try {
    return await readTlsMaterial(sources)
  } catch (cause) {
    // The files changed meanwhile; the next run reports that.
    if (cause instanceof UsageError) return undefined
    throw cause
  }
}

async function explainAuthorities(
  peer: string,
  shown: ShownCertificate,
  sources: TlsSources,
  { folder, own, leftOut }: TlsMaterial,
): Promise<string> {
  const said = [whatWasShown(peer, shown)]
  if (folder === undefined) {
    if (own.length > 0) said.push(`None of the certificates given is that CA’s: ${describeGiven(own, sources, [])}.`)
    const next = `If it is a private CA, get its certificate from the operator of the server, and give it with --tlscacert. Who issued what the server sends: ${showChain(peer)}`
    return [...said, next].join(' ')
  }
  const names = await namesIn(folder)
  let next = `If it is a private CA, give its certificate with --tlscacert, or put it there: mkdir -p ${shellWord(folder)} && cp ca.crt ${shellWord(join(folder, 'ca.crt'))}`
  if (own.length > 0) {
    said.push(`None of the certificates given is that CA’s: ${describeGiven(own, sources, names)}.`)
    // Do not suggest to save what the server sends: its certificate was not verified.
    next = `Get the right one from the operator of the server, not over this connection, and put it into ${folder}. Who issued what the server sends: ${showChain(peer)}`
  }
  if (!names.some((name) => name.endsWith('.crt'))) {
    const misnamed = names.find((name) => /\.(?:pem|cer|der|crt\.txt)$/i.test(name) || /^ca$/i.test(name))
    const other = names.length === 0 ? await otherSpelling(sources) : undefined
    if (misnamed !== undefined) {
      said.push(`${join(folder, misnamed)} is not read: only files that end in .crt are.`)
      next = `Name it so: mv ${shellWord(join(folder, misnamed))} ${shellWord(join(folder, 'ca.crt'))}`
    } else if (other !== undefined) {
      said.push(`${folder} does not exist or is empty.`)
      said.push(`${other} is not read: the folder is named after the server as it is typed, port included.`)
      next = `Copy the files: mkdir -p ${shellWord(folder)} && cp ${shellWord(other)}/* ${shellWord(folder)}`
    } else {
      said.push(`There is no file that ends in .crt in ${folder}.`)
    }
  }
  if (leftOut.length > 0) said.push(`Left out: ${leftOut.join(', ')}.`)
  return [...said, next].join(' ')
}

function whatWasShown(peer: string, { subject, issuer, selfSigned, alone }: ShownCertificate): string {
  const certificate = `The certificate of ${peer}`
  if (selfSigned) return `${certificate} (${subject}) is self-signed, and is not among the trusted certificates.`
  const issued = `${certificate} was issued by ${issuer}, which is not among the trusted CAs`
  if (alone) return `${issued}, and the server sends no intermediate certificate with it.`
  return `${issued}; the server sends it too, and the CA above it is not trusted either.`
}

function describeGiven(own: readonly string[], { ca = [] }: TlsSources, names: readonly string[]): string {
  const subjects = own.map((certificate) => {
    const read = readCertificate(certificate)
    return typeof read === 'string' ? read : nameOf(read.subject)
  })
  const more = subjects.length > MAX_NAMES ? `, and ${subjects.length - MAX_NAMES} more` : ''
  const places = [
    ...(ca.length > 0 ? ['--tlscacert (option ca)'] : []),
    ...names.filter((name) => name.endsWith('.crt')).slice(0, MAX_NAMES),
  ]
  const from = places.length === 0 ? '' : `, from ${places.join(', ')}`
  return `${subjects.slice(0, MAX_NAMES).join(', ')}${more}${from}`
}

/** A folder for the same host with another port, or without a port. */
async function otherSpelling({ dockerConfig, host }: TlsSources): Promise<string | undefined> {
  if (dockerConfig === undefined) return undefined
  const parent = join(dockerConfig, 'tls')
  for (const name of await namesIn(parent)) {
    if (withoutPort(name.replace('%3A', ':')) !== withoutPort(host)) continue
    const folder = join(parent, name)
    if ((await namesIn(folder)).some((file) => file.endsWith('.crt'))) return folder
  }
  return undefined
}

function showLeaf(peer: string, what: string): string {
  return `openssl s_client -connect ${shellWord(peer)} </dev/null | openssl x509 -noout ${what}`
}

function showChain(peer: string): string {
  return `openssl s_client -showcerts -connect ${shellWord(peer)} </dev/null`
}

function withoutPort(host: string): string {
  return host.replace(/:[0-9]*$/, '').toLowerCase()
}

async function namesIn(folder: string): Promise<string[]> {
  // Only for a hint: a folder that cannot be read counts as empty.
  return readdir(folder).then(
    (names) => names.sort(),
    () => [],
  )
}

/** The CN, else the most specific part. OpenSSL writes one part on each line. */
function nameOf(name: string): string {
  const parts = name.split('\n')
  return JSON.stringify((parts.find((part) => part.startsWith('CN=')) ?? parts.at(-1) ?? '').replace(/^[A-Za-z]+=/, ''))
}

function isoDate(date: string): string {
  const time = Date.parse(date)
  return Number.isNaN(time) ? date : new Date(time).toISOString()
}
