/**
 * A bundle holds all that is needed to verify collections later, without their servers: files as served, nothing that is derived.
 * It anchors nothing by itself: its reader must judge its files like those of a server.
 *
 * The format is lines of JSON: a header, then one line a collection. The same content gives the same bytes.
 */
import { base64, utf8 } from '../bytes.js'
import { sha256Hex } from '../crypto/hash.js'
import { isDelegationName } from '../metadata/role-name.js'

/** What the header says of the format. */
export const BUNDLE_FORMAT = 'docker-content-trust-bundle'

/** The version of the format that is read and written. */
export const BUNDLE_VERSION = 1

/** One collection. */
export interface BundledCollection {
  readonly gun: string
  /** Address of the server that the files came from, as typed. */
  readonly server: string
  /** By name: `1.root`, `2.root`, ..., `timestamp`, `snapshot`, `targets`, `targets/releases`, ... */
  readonly files: ReadonlyMap<string, Uint8Array>
}

/** The bytes of a bundle; the same for the same collections in any order. */
export function packBundle(collections: readonly BundledCollection[]): Uint8Array {
  const header = { format: BUNDLE_FORMAT, version: BUNDLE_VERSION }
  const lines = collections
    .toSorted((one, other) => compare(one.gun, other.gun))
    .map(({ gun, server, files }) => {
      const names = [...files].toSorted(([one], [other]) => compare(one, other))
      return { files: Object.fromEntries(names.map(([name, bytes]) => [name, base64(bytes)])), gun, server }
    })
  return utf8([header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''))
}

/** How a bundle is named where its digest is told: `sha256:` and 64 hexadecimal digits. */
export function bundleDigest(bytes: Uint8Array): string {
  return `sha256:${sha256Hex(bytes)}`
}

/** Versions of root that a name or a number stands for; undefined for another name. */
export function rootVersion(name: string): number | undefined {
  const digits = /^([1-9][0-9]{0,15})\.root$/.exec(name)?.[1]
  const version = Number(digits)
  return Number.isSafeInteger(version) ? version : undefined
}

/** True for a name that a bundle may hold. */
export function isBundledName(name: string): boolean {
  return ['timestamp', 'snapshot', 'targets'].includes(name) || rootVersion(name) !== undefined || isDelegationName(name)
}

/**
 * Every file under every name that a Notary server serves it by: `root` for the newest, `<N>.root`, plain names, and names with the
 * SHA-256 of the bytes. This is what a client asks for, and what `dct export --format static` writes.
 */
export function servedFiles({ files }: BundledCollection): Map<string, Uint8Array> {
  const served = new Map<string, Uint8Array>()
  let newest = 0
  for (const [name, bytes] of files) {
    served.set(name, bytes)
    const version = rootVersion(name)
    if (version === undefined) {
      if (name !== 'timestamp') served.set(`${name}.${sha256Hex(bytes)}`, bytes)
      continue
    }
    served.set(`root.${sha256Hex(bytes)}`, bytes)
    if (version > newest) {
      newest = version
      served.set('root', bytes)
    }
  }
  return served
}

function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1
}
