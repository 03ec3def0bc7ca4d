/** A root key with a certificate that a CA of the publisher issued, for `notary init --rootcert`. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { requirePrograms } from './requirements.js'

const execute = promisify(execFile)

export interface IssuedRoot {
  /** The CA's certificate, a PEM file. */
  readonly ca: string
  /** PEM without a role header; import it with the role root. */
  readonly key: string
  readonly cert: string
}

/** EC P-256; `usage` is the extended key usage of the root's certificate; none if empty. */
export async function makeIssuedRoot(folder: string, gun: string, usage: string): Promise<IssuedRoot> {
  requirePrograms('openssl')
  await mkdir(folder, { recursive: true })
  const at = (name: string): string => join(folder, name)
  const openssl = (...args: string[]) => execute('openssl', args, { timeout: 60_000 })
  const config = (name: string, commonName: string, ...extensions: string[]) =>
    writeFile(
      at(name),
      ['[req]', 'distinguished_name = subject', 'prompt = no', '[subject]', `CN = ${commonName}`, '[x]', ...extensions, ''].join(
        '\n',
      ),
    )
  const purpose = usage === '' ? [] : [`extendedKeyUsage = ${usage}`]
  await config('ca.cnf', 'Publisher CA', 'basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign')
  await config('root.cnf', gun, 'basicConstraints = critical,CA:FALSE', 'keyUsage = critical,digitalSignature', ...purpose)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256']
  const days = ['-days', '3650']
  const caFiles = ['-keyout', at('ca.key'), '-out', at('ca.crt')]
  await openssl('req', '-x509', '-config', at('ca.cnf'), '-extensions', 'x', ...newKey, ...days, ...caFiles)
  await openssl('req', '-new', '-config', at('root.cnf'), ...newKey, '-keyout', at('root.key'), '-out', at('root.csr'))
  const signing = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-sha256', ...days]
  const extensions = ['-extfile', at('root.cnf'), '-extensions', 'x']
  await openssl('x509', '-req', '-in', at('root.csr'), ...signing, ...extensions, '-out', at('root.crt'))
  return { ca: at('ca.crt'), key: at('root.key'), cert: at('root.crt') }
}
