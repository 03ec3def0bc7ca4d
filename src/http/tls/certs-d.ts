/**
 * Reads the CAs that Docker's engine has for a registry: every `*.crt` in `/etc/docker/certs.d/<host[:port]>/`. Companies
 * distribute the CA of a registry that way. Docker's client did not read them for a trust server; this client does, so that
 * a user need not copy the same file to another place.
 *
 * Client certificates in the folder are for the engine and are never read. Files that cannot be read are left out and named
 * when TLS fails: the folder belongs to the administrator, and other users often may not read it.
 */
import { readdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { readCertificate } from '../../crypto/certificate.js'
import { describeCause, systemCode } from '../../errors.js'
import { pemCertificates, readBytes } from './pem-files.js'

/** The CAs of the engine's folders. */
export interface EngineAuthorities {
  /** PEM, one certificate each. */
  readonly ca: readonly string[]
  /** Files and folders that could not be used, and why. */
  readonly leftOut: readonly string[]
}

/** The folders of the machine's engine and of a rootless one. Source: moby registry/config_{unix,windows}.go, CertsDir. */
export function engineCertificateFolders(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string[] {
  if (platform === 'win32') {
    const data = env['ProgramData'] ?? ''
    return data === '' ? [] : [join(data, 'docker', 'certs.d')]
  }
  const config = configHome(env)
  return ['/etc/docker/certs.d', ...(config === undefined ? [] : [join(config, 'docker', 'certs.d')])]
}

/** The folder for one host. On Windows, Docker removes the colons from its name. */
export function engineFolderFor(folder: string, host: string, platform: NodeJS.Platform = process.platform): string {
  return join(folder, platform === 'win32' ? host.replaceAll(':', '') : host)
}

/** Reads the folders of one host. */
export async function readEngineAuthorities(folders: readonly string[]): Promise<EngineAuthorities> {
  const read = await Promise.all(folders.map(readFolder))
  return { ca: read.flatMap(({ ca }) => ca), leftOut: read.flatMap(({ leftOut }) => leftOut) }
}

/** Ignores an empty or relative value, which would be resolved against the working folder. */
function configHome(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = env['XDG_CONFIG_HOME'] ?? ''
  if (isAbsolute(named)) return named
  const home = env['HOME'] || homeOnRecord()
  return home !== undefined && isAbsolute(home) ? join(home, '.config') : undefined
}

/** The home folder in the passwd entry. Node's `homedir()` would read HOME of the process first. */
function homeOnRecord(): string | undefined {
  try {
    return userInfo().homedir
  } catch (cause) {
    if (systemCode(cause) === undefined) throw cause
    return undefined // containers may run as a user without a passwd entry
  }
}

async function readFolder(folder: string): Promise<EngineAuthorities> {
  const ca: string[] = []
  const leftOut: string[] = []
  for (const name of await namesIn(folder, leftOut)) {
    if (!name.endsWith('.crt')) continue
    const file = join(folder, name)
    try {
      const certificates = pemCertificates((await readBytes(file, 'the CA file')).toString())
      const usable = certificates.filter((certificate) => typeof readCertificate(certificate) !== 'string')
      if (usable.length === 0 || usable.length < certificates.length) leftOut.push(`${file} (no usable PEM certificate)`)
      ca.push(...usable)
    } catch (cause) {
      leftOut.push(describeCause(cause))
    }
  }
  return { ca, leftOut }
}

async function namesIn(folder: string, leftOut: string[]): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (cause) {
    const code = systemCode(cause)
    if (code === undefined) throw cause
    if (code !== 'ENOENT') leftOut.push(`${folder} (${describeCause(cause)})`)
    return []
  }
}
