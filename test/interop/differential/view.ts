/**
 * Interprets the files of a server from the record of who really signed them. It uses no cryptography and none of the project's readers.
 * Both answers are compared with it. It knows thresholds, dates and certificates, but no oddities.
 */
import { createHash } from 'node:crypto'
import type { DelegationDocument, FileDocument, KeyDocument, RoleDocument } from '../../../src/testing/index.js'
import type { Files } from './draft.js'
import { isGoodToday } from './good-certificate.js'
import type { SigningLog } from './signing-log.js'

/** `signed` of any file; a tampered file may contain anything. */
interface LooseDocument {
  readonly version?: number
  readonly expires?: string
  readonly keys?: Record<string, KeyDocument>
  readonly roles?: Record<string, RoleDocument>
  readonly delegations?: { readonly roles?: DelegationDocument[] | null }
  readonly meta?: Record<string, FileDocument>
  readonly targets?: Record<string, FileDocument> | null
}

/** A file that could be read. */
export interface Read {
  readonly bytes: Uint8Array
  readonly signed: LooseDocument
  /** The keys that really signed it, by key ID. */
  readonly signers: ReadonlyMap<string, string>
}

/** The signed entry for a name. */
export interface Signed {
  readonly role: string
  readonly digest: string
  readonly size: number
}

/** Files by content: a file is the same object under all its names and in all states. */
const parsed = new WeakMap<Uint8Array, Read>()

/** One state of a server. */
export class View {
  readonly #gun: string
  readonly #files: Files
  readonly #log: SigningLog
  readonly #kept: readonly View[]
  #newestRoot: { readonly file: Read | undefined } | undefined
  #roles: ReadonlyMap<string, RoleDocument & Partial<DelegationDocument>> | undefined

  /** `kept`: earlier states that a cache may hold files of. */
  constructor(gun: string, files: Files, log: SigningLog, kept: readonly View[] = []) {
    this.#gun = gun
    this.#files = files
    this.#log = log
    this.#kept = [...kept]
  }

  /** A file by its name on the server. */
  read(name: string): Read | undefined {
    const file = this.#files.get(name)
    return file === undefined ? undefined : this.#parse(file)
  }

  #parse(file: Uint8Array): Read | undefined {
    const known = parsed.get(file)
    if (known !== undefined) return known
    const read = attempt(() => {
      const { signed, signatures } = JSON.parse(Buffer.from(file).toString())
      const isObject = typeof signed === 'object' && signed !== null
      return isObject ? { bytes: file, signed, signers: this.#log.signersOf(signed, signatures ?? []) } : undefined
    })
    if (read !== undefined) parsed.set(file, read)
    return read
  }

  /** A file with these bytes, from the server or from the cache. */
  #find(role: string, sha256: string): Read | undefined {
    const hex = Buffer.from(sha256, 'base64').toString('hex')
    const all = [this.#files.get(`${role}.${hex}`), this.#files.get(role)]
    const file = all.find((one) => one !== undefined && createHash('sha256').update(one).digest('hex') === hex)
    if (file !== undefined) return this.#parse(file)
    return this.#kept.map((view) => view.#find(role, sha256)).find((read) => read !== undefined)
  }

  /** The roots by number, the lowest first. */
  get roots(): { readonly number: number; readonly file: Read | undefined }[] {
    const numbers = [...this.#files.keys()].flatMap((name) => /^(\d+)\.root$/.exec(name)?.[1] ?? []).map(Number)
    return numbers.sort((a, b) => a - b).map((number) => ({ number, file: this.read(`${number}.root`) }))
  }

  /** The root with the highest version that its own keys signed; if they signed none, the highest root. */
  get newestRoot(): Read | undefined {
    this.#newestRoot ??= { file: this.#findNewestRoot() }
    return this.#newestRoot.file
  }

  #findNewestRoot(): Read | undefined {
    const all = [...this.roots.map(({ file }) => file), this.read('root')].filter((file) => file !== undefined)
    const version = ({ signed }: Read): number => (Number.isSafeInteger(signed.version) ? Number(signed.version) : -1)
    const good = all.filter((file) => version(file) > 0 && hasSigned(file.signed.roles?.['root'], file))
    return (good.length > 0 ? good : all).sort((a, b) => version(b) - version(a))[0]
  }

  /** The file of a role that the roles above name. If they name none by SHA-256, the file under the plain name. */
  current(role: string): Read | undefined {
    if (role === 'root') return this.newestRoot
    // If the server has none, the earlier one is used.
    if (role === 'timestamp') return this.#files.has(role) ? this.read(role) : this.#kept.at(-1)?.current(role)
    const sha256 = this.#sha256(role)
    return sha256 === undefined ? this.read(role) : this.#find(role, sha256)
  }

  #sha256(role: string): string | undefined {
    const sha256 = attempt(() => this.declared(role)?.hashes?.['sha256'])
    return typeof sha256 === 'string' ? sha256 : undefined
  }

  /** The roles and their keys: the base roles of the newest root, then the delegations, nearest first. */
  get roles(): ReadonlyMap<string, RoleDocument & Partial<DelegationDocument>> {
    this.#roles ??= this.#findRoles()
    return this.#roles
  }

  #findRoles(): ReadonlyMap<string, RoleDocument & Partial<DelegationDocument>> {
    const root = Object.entries(this.newestRoot?.signed.roles ?? {}).filter(([, role]) => Object(role) === role)
    const all = new Map<string, RoleDocument & Partial<DelegationDocument>>(root)
    const open = ['targets']
    for (let role = open.shift(); role !== undefined; role = open.shift()) {
      const delegated = attempt(() => this.current(role ?? '')?.signed.delegations?.roles)
      for (const one of Array.isArray(delegated) ? delegated : []) {
        if (typeof one?.name !== 'string' || all.has(one.name)) continue
        all.set(one.name, one)
        open.push(one.name)
      }
    }
    return all
  }

  isSigned(role: string): boolean {
    const file = this.current(role)
    return file !== undefined && hasSigned(this.roles.get(role), file)
  }

  /** The entry for a role's file in the role above. */
  declared(role: string): Partial<FileDocument> | undefined {
    const above = role === 'timestamp' ? undefined : this.current(role === 'snapshot' ? 'timestamp' : 'snapshot')
    return attempt(() => above?.signed.meta?.[role])
  }

  /** The served bytes of a role: under its hash, else under its name; for root, the bytes that its numbers lead to. */
  served(role: string): Uint8Array | undefined {
    if (role === 'root') return this.newestRoot?.bytes
    const hex = Buffer.from(this.#sha256(role) ?? '', 'base64').toString('hex')
    return this.#files.get(`${role}.${hex}`) ?? this.#files.get(role)
  }

  /** True if the server has the file under the name that a client requests: the plain name for root and timestamp, the declared hash for others. */
  serves(role: string): boolean {
    return role === 'root' ? this.#files.has(role) : this.served(role) !== undefined
  }

  /** root.json, and the roots by their numbers from this one on. */
  filesFrom(number: number): Uint8Array[] {
    const isAsked = (name: string) => name === 'root' || (/^\d+\.root$/.test(name) && Number.parseInt(name, 10) >= number)
    return [...this.#files].flatMap(([name, file]) => (isAsked(name) ? [file] : []))
  }

  /** Every served file, including old ones, by role. */
  get filesByRole(): ReadonlyMap<string, readonly Uint8Array[]> {
    const all = new Map<string, Uint8Array[]>()
    for (const [name, file] of this.#files) {
      const role = name.replace(/^\d+\.(?=root$)|\.[0-9a-f]{64}$/, '')
      all.set(role, [...(all.get(role) ?? []), file])
    }
    return all
  }

  hasExpired(role: string): boolean {
    const { expires } = this.current(role)?.signed ?? {}
    return !(Date.parse(String(expires)) > Date.now())
  }

  /** True if enough of its signers have a certificate for this name that is valid today. */
  hasGoodCertificates(root: Read | undefined): boolean {
    const { signed, signers = new Map<string, string>() } = root ?? {}
    const { keyids = [], threshold = 1 } = attempt(() => signed?.roles?.['root']) ?? {}
    const isGood = (id: string) => signers.has(id) && attempt(() => isGoodToday(signed?.keys?.[id], this.#gun)) === true
    const good = attempt(() => keyids.filter(isGood)) ?? []
    return new Set(good.map((id) => signers.get(id))).size >= threshold
  }

  /** The entries for a name in the roles that are valid today, nearest first. */
  answers(target: string): Signed[] {
    const granted = new Map<string, readonly string[]>([['targets', ['']]])
    return this.countedTargets.flatMap((role) => {
      // A child's path must be within its parent's: `v` below `v1` allows nothing.
      const isGranted = (path: string) => granted.get(parentOf(role))?.some((prefix) => path.startsWith(prefix)) === true
      const paths = granted.get(role) ?? attempt(() => this.roles.get(role)?.paths?.filter(isGranted)) ?? []
      granted.set(role, paths)
      return paths.some((path) => target.startsWith(path)) ? answerOf(this.current(role), role, target) : []
    })
  }

  /** `targets` and the delegations below it that the snapshot names, with enough signatures and not expired; nearest first. */
  get countedTargets(): string[] {
    const counted = new Set<string>()
    for (const role of this.roles.keys()) {
      const isBelow = role === 'targets' || counted.has(parentOf(role))
      if (isBelow && this.declared(role) !== undefined && this.isSigned(role) && !this.hasExpired(role)) counted.add(role)
    }
    return [...counted]
  }

  /** Every name in a file here or in a cache that has enough signatures, whether in force or not. */
  everSigned(target: string): Signed[] {
    const files = (role: string): Read[] =>
      [this, ...this.#kept].flatMap((view) => (view.filesByRole.get(role) ?? []).flatMap((file) => view.#parse(file) ?? []))
    const found: Signed[] = []
    const seen = new Map<Read, Set<string>>()
    const visit = (role: string, by: RoleDocument | undefined): void => {
      for (const file of files(role)) {
        const times = `${role} ${JSON.stringify(by)}`
        if (seen.get(file)?.has(times) === true || !hasSigned(by, file)) continue
        seen.set(file, new Set(seen.get(file)).add(times))
        found.push(...answerOf(file, role, target))
        for (const one of attempt(() => [...(file.signed.delegations?.roles ?? [])]) ?? []) visit(String(one?.name), one)
      }
    }
    for (const root of files('root'))
      if (hasSigned(root.signed.roles?.['root'], root)) visit('targets', root.signed.roles?.['targets'])
    return found
  }
}

/** The role that delegates to this role; empty for a base role. */
export function parentOf(role: string): string {
  return role.slice(0, Math.max(0, role.lastIndexOf('/')))
}

/** True if enough keys of the role signed the file. Two certificates of one key count once. */
export function hasSigned(role: RoleDocument | undefined, { signers }: Read): boolean {
  const keys = attempt(() => role?.keyids.flatMap((id) => signers.get(id) ?? [])) ?? []
  const threshold = attempt(() => role?.threshold) ?? 0
  return threshold >= 1 && new Set(keys).size >= threshold
}

/** A tampered value may have any shape; then the result is empty. */
export function attempt<Value>(make: () => Value): Value | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

function answerOf(file: Read | undefined, role: string, target: string): Signed[] {
  return (
    attempt(() => {
      const { targets } = file?.signed ?? {}
      if (targets === undefined || targets === null || !Object.hasOwn(targets, target)) return []
      const { hashes, length } = targets[target] ?? { hashes: {}, length: 0 }
      return [{ role, digest: `sha256:${Buffer.from(hashes['sha256'] ?? '', 'base64').toString('hex')}`, size: length }]
    }) ?? []
  )
}
