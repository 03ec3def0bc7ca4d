/**
 * CAs that somebody gave to Docker's engine for a registry: every `*.crt` in `/etc/docker/certs.d/<host[:port]>/`, which is
 * how the CA of a registry comes to the hosts of a company. Docker's client did not read them for a trust server; a user has
 * no reason to put the same file into two places.
 *
 * Client certificates there are the engine's and are never read. What cannot be read is left out and said when TLS fails:
 * the folder belongs to the administrator, and its files are often for others alone.
 */
import { readdir } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { readCertificate } from '../../crypto/certificate.js'
import { describeCause, systemCode } from '../../errors.js'
import { pemCertificates, readBytes } from './pem-files.js'

/** What was found. */
export interface EngineAuthorities {
  /** PEM, one certificate each. */
  readonly ca: readonly string[]
  /** A file or folder that could not be used, and why. */
  readonly leftOut: readonly string[]
}

/** The folders of an engine for all of the machine, and of a rootless one. Source: moby registry/config_{unix,windows}.go, CertsDir. */
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

/** As in the folder's name on this platform: Docker takes colons away on Windows. */
export function engineFolderFor(folder: string, host: string, platform: NodeJS.Platform = process.platform): string {
  return join(folder, platform === 'win32' ? host.replaceAll(':', '') : host)
}

/** Reads the folders of one host. */
export async function readEngineAuthorities(folders: readonly string[]): Promise<EngineAuthorities> {
  const read = await Promise.all(folders.map(readFolder))
  return { ca: read.flatMap(({ ca }) => ca), leftOut: read.flatMap(({ leftOut }) => leftOut) }
}

/** An empty or relative one would be looked up below the working folder. */
function configHome(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = env['XDG_CONFIG_HOME'] ?? ''
  if (isAbsolute(named)) return named
  const home = env['HOME'] || homeOnRecord()
  return home !== undefined && isAbsolute(home) ? join(home, '.config') : undefined
}

/** The passwd entry. Node's `homedir()` would ask HOME of the process first. */
function homeOnRecord(): string | undefined {
  try {
    return userInfo().homedir
  } catch (cause) {
    if (systemCode(cause) === undefined) throw cause
    return undefined // a user that the system does not know, as in containers
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
