/** Temporary keys and certificates, made by openssl in a folder that the caller names. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { requirePrograms } from './requirements.js'

const execute = promisify(execFile)

// Ten years, because Notary warns about certificates that expire within six months.
const days = '3650'

/** A CA and a certificate that it issued for the trust server, which is also the server's client certificate for the signer. */
export interface ServerCertificates {
  /** The CA's certificate: a PEM file, and its text. */
  readonly ca: string
  readonly caPem: string
  readonly cert: string
  readonly key: string
}

/** A key pair with a self-signed certificate, as `notary key import` and `notary delegation add` take them. */
export interface SignerKey {
  readonly name: string
  /** PKCS#8 PEM without a role header; import it with a role. */
  readonly key: string
  readonly cert: string
}

/** EC P-256; `names` are DNS names or IP addresses in addition to localhost and 127.0.0.1. */
export async function makeServerCertificates(folder: string, names: readonly string[] = []): Promise<ServerCertificates> {
  await mkdir(folder, { recursive: true })
  const at = (name: string): string => join(folder, name)
  const alternatives = [...new Set(['localhost', '127.0.0.1', ...names])].map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`)
  const config = await writeConfig(at('server.cnf'), alternatives)
  await makeSelfSigned({
    config,
    section: 'ca',
    algorithm: ec,
    commonName: 'Laboratory CA',
    key: at('ca.key'),
    cert: at('ca.crt'),
  })
  await openssl(
    'req',
    '-new',
    '-config',
    config,
    ...ec,
    '-keyout',
    at('server.key'),
    '-subj',
    '/CN=localhost',
    '-out',
    at('server.csr'),
  )
  const signing = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', days, '-sha256']
  const extensions = ['-extfile', config, '-extensions', 'server']
  await openssl('x509', '-req', '-in', at('server.csr'), ...signing, ...extensions, '-out', at('server.crt'))
  return { ca: at('ca.crt'), caPem: await readFile(at('ca.crt'), 'utf8'), cert: at('server.crt'), key: at('server.key') }
}

/** Makes `<name>.key` and `<name>.crt` in `folder`; the certificate's CN is the name. Can also be used for a token issuer. */
export async function makeSignerKey(folder: string, name: string, type: 'ec' | 'rsa' = 'ec'): Promise<SignerKey> {
  await mkdir(folder, { recursive: true })
  const config = await writeConfig(join(folder, `${name}.cnf`), [])
  const made = { name, key: join(folder, `${name}.key`), cert: join(folder, `${name}.crt`) }
  await makeSelfSigned({ config, section: 'signer', algorithm: type === 'ec' ? ec : rsa, commonName: name, ...made })
  return made
}

const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
const rsa = ['-newkey', 'rsa:2048', '-nodes']

interface SelfSigned {
  config: string
  section: 'ca' | 'signer'
  algorithm: string[]
  commonName: string
  key: string
  cert: string
}

function makeSelfSigned({ config, section, algorithm, commonName, key, cert }: SelfSigned): Promise<void> {
  const subject = ['-subj', `/CN=${commonName}`, '-extensions', section]
  return openssl(
    'req',
    '-x509',
    '-config',
    config,
    ...algorithm,
    '-sha256',
    '-days',
    days,
    ...subject,
    '-keyout',
    key,
    '-out',
    cert,
  )
}

/** Writes a separate configuration, because the machine's would add other extensions. */
async function writeConfig(file: string, alternatives: readonly string[]): Promise<string> {
  const lines = ['[req]', 'distinguished_name = subject', 'prompt = no', '[subject]', '[ca]']
  lines.push('basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign,cRLSign')
  lines.push('[signer]', 'basicConstraints = critical,CA:FALSE', 'keyUsage = critical,digitalSignature')
  if (alternatives.length > 0) {
    lines.push('[server]', 'basicConstraints = critical,CA:FALSE', 'keyUsage = critical,digitalSignature')
    lines.push('extendedKeyUsage = serverAuth,clientAuth', `subjectAltName = ${alternatives.join(',')}`)
  }
  await writeFile(file, `${lines.join('\n')}\n`)
  return file
}

async function openssl(...args: string[]): Promise<void> {
  requirePrograms('openssl')
  await execute('openssl', args, { timeout: 60_000 })
}
