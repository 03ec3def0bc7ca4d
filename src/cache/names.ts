/**
 * Paths of cached files. They follow Docker's layout. Names that a disk cannot hold are encoded, so that no two collections
 * share a file. GUNs and roles are checked on input, and once more here, where they become paths.
 */
import { utf8 } from '../bytes.js'
import { sha256Hex } from '../crypto/hash.js'
import { UnreadableFile } from './safe-file.js'

/** The roles that every collection has, children before the roles that name them. */
export const BASE_ROLES: readonly string[] = ['targets', 'snapshot', 'timestamp', 'root']

/** Bytes of one name that every common file system can hold. */
const MAX_NAME_BYTES = 255

/** Names that Windows takes for devices, also with an extension. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)/i

const ROLE = /^(?:root|snapshot|timestamp|targets(?:\/[-a-z0-9_]+)*)$/

/** True for a role that may become the path of a file: the base roles and delegations. */
export function isRole(name: string): boolean {
  return ROLE.test(name)
}

/** The path of the metadata folder of a collection, below the trust directory. @throws UnreadableFile */
export function metadataFolder(gun: string, platform: NodeJS.Platform = process.platform): string[] {
  const segments = gun.split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..' || /[\\\0]/.test(segment))) {
    throw new UnreadableFile(`${JSON.stringify(gun)} cannot be the name of a cache folder`)
  }
  const names = segments.map((segment, index) =>
    // In Docker's layout, the collection `a/metadata/root.json` has the path of the root of `a`.
    segment === 'metadata' && index < segments.length - 1 ? percent('m') + segment.slice(1) : nameOf(segment, platform),
  )
  return ['tuf', ...names, 'metadata']
}

/** The path of a role's file, below the metadata folder. @throws UnreadableFile */
export function roleFile(role: string, platform: NodeJS.Platform = process.platform): { folders: string[]; file: string } {
  if (!isRole(role)) throw new UnreadableFile(`${JSON.stringify(role)} cannot be the name of a cached file`)
  const segments = role.split('/')
  const [last = ''] = segments.splice(-1)
  return {
    folders: segments.map((segment) => nameOf(segment, platform)),
    file: `${nameOf(last, platform, '.json'.length)}.json`,
  }
}

/** Decodes the name of a folder, or of a file without its `.json`; undefined when it holds a hash instead of a long name. */
export function decodeName(name: string): string | undefined {
  if (name.includes('~')) return undefined
  return name.replace(/%([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

/** One flat name for a collection, the same on every platform. */
export function flatName(gun: string): string {
  const encoded = gun.replace(/[^a-z0-9._-]/g, percent).replace(DEVICE, withoutDevice)
  return encoded.length <= 200 ? encoded : `${encoded.slice(0, 130)}~${sha256Hex(utf8(gun))}`
}

/** Encodes a name: upper case on disks that ignore case, devices and special characters on Windows, long names everywhere. */
function nameOf(segment: string, platform: NodeJS.Platform, suffix = 0): string {
  let name = segment.replace(/[%~]/g, percent)
  if (platform === 'win32' || platform === 'darwin') name = name.replace(/[A-Z]/g, percent)
  if (platform === 'win32') {
    name = name.replace(/[<>:"|?*\x00-\x1f]|[. ]$/g, percent).replace(DEVICE, withoutDevice)
  }
  if (utf8(name).length <= MAX_NAME_BYTES - suffix) return name
  return `${name.replace(/[^\x20-\x7e]/g, '').slice(0, 130)}~${sha256Hex(utf8(segment))}`
}

function withoutDevice(device: string): string {
  return percent(device.slice(0, 1)) + device.slice(1)
}

function percent(letter: string): string {
  return [...utf8(letter)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}
