/** The option `lockfile`: a file or an object -> the lock of a collection. Read once for each client. */
import { utf8 } from '../../bytes.js'
import { UnsignedError, UntrustedError } from '../../errors.js'
import { isSameServer } from '../../lockfile/changes.js'
import { lockedChain } from '../../lockfile/lock-entry.js'
import { LOCK_OBJECT, lockArguments, otherServer, type Subject } from '../../lockfile/lock-refusals.js'
import type { LockEntry, Lockfile } from '../../lockfile/lockfile.js'
import { MAX_LOCKFILE_BYTES, parseLockfile } from '../../lockfile/parse-lockfile.js'
import { canonicalName, hubName } from '../../policy/names.js'
import type { RootChain } from '../../trust/root-chain.js'
import type { TrustServer } from '../../trust-server/notary-url.js'
import { readable } from './plain-object.js'
import { readSettingFile } from './setting-file.js'

/** What is locked of one collection. */
export interface Lock extends Subject {
  readonly entry: LockEntry
  /** Starts at the locked root; undefined when the lock does not hold its bytes. */
  readonly chain: RootChain | undefined
}

/** A lockfile as one client uses it. */
export class ReadLockfile {
  /** Its name in messages and commands. */
  readonly file: string
  readonly lockfile: Lockfile
  readonly #bytes: Uint8Array
  readonly #locks = new Map<string, Lock>()
  #spellings: ReadonlyMap<string, string> | undefined

  /** @throws UsageError ERR_SETTINGS_INVALID with every fault of the file */
  constructor(bytes: Uint8Array, file: string) {
    this.file = file
    this.#bytes = bytes
    // Verifying a root takes 2 ms, so that is left to `lockOf`: a run need not pay for collections that it does not ask for.
    this.lockfile = parseLockfile(bytes, file, () => false)
  }

  /**
   * The lock of a collection that is about to be asked for at a server, or in a bundle from there. Undefined: it has no entry.
   *
   * @throws UsageError ERR_SETTINGS_INVALID when what is recorded does not agree with the recorded root
   * @throws UntrustedError ERR_LOCK_MISMATCH when another server is recorded
   * @throws UnsignedError ERR_NOT_LOCKED when the name is recorded in another spelling alone
   */
  lockOf(gun: string, server: TrustServer, bundle?: string): Lock | undefined {
    const lock = this.#locks.get(gun) ?? this.#read(gun)
    if (lock === undefined) {
      const other = this.#spelledOtherwise(gun)
      if (other !== undefined) throw notLocked({ gun, file: this.file }, other)
      return undefined
    }
    this.#locks.set(gun, lock)
    if (!isSameServer(lock.entry.server, server.typed)) throw otherServer(lock, lock.entry.server, server.typed, bundle)
    return lock
  }

  /**
   * The name in the lock that leads to the same registry: `Registry.Example:443/app` for `registry.example/app`. To a trust server
   * they are two collections, and one of them must not be a way around the lock of the other.
   */
  #spelledOtherwise(gun: string): string | undefined {
    this.#spellings ??= new Map([...this.lockfile.collections.keys()].map((name) => [registryName(name), name]))
    return this.#spellings.get(registryName(gun))
  }

  #read(gun: string): Lock | undefined {
    const entry = this.lockfile.collections.get(gun)
    if (entry === undefined) return undefined
    try {
      return { gun, file: this.file, entry, chain: lockedChain(gun, entry) }
    } catch (cause) {
      // Read again for the place of the fault.
      if (cause instanceof UntrustedError) parseLockfile(this.#bytes, this.file, (one) => one === gun)
      throw cause
    }
  }
}

/** Reads the value of the option: a path, or the content as an object. @throws UsageError ERR_SETTINGS_INVALID */
export async function readLockfile(given: string | object): Promise<ReadLockfile> {
  if (typeof given === 'string') return new ReadLockfile(await readLockfileBytes(given), given)
  const text = readable(LOCK_OBJECT, () => JSON.stringify(given))
  return new ReadLockfile(utf8(text), LOCK_OBJECT)
}

/** The bytes of a lockfile. @throws UsageError ERR_SETTINGS_INVALID when it cannot be read */
export function readLockfileBytes(file: string): Promise<Uint8Array> {
  const madeBy = (word: string) => `dct lock --lockfile ${word} <REFERENCE>`
  return readSettingFile(file, { what: 'lockfile', maxBytes: MAX_LOCKFILE_BYTES, madeBy })
}

/** The lock has no entry, and one is asked for. `other`: the spelling in which the lock has the name. */
export function notLocked(subject: Subject, other?: string): UnsignedError {
  const { gun, file } = subject
  const record = `Record it, once you have compared its root key with the publisher: dct lock ${lockArguments(subject)}`
  return new UnsignedError(
    'ERR_NOT_LOCKED',
    `${file} has no entry for ${gun}${other === undefined ? '' : `, but one for ${other}`}`,
    {
      gun,
      hint: other === undefined ? record : `Both names lead to one registry. Use ${other}, as the lock has it. ${record}`,
      evidence: { lockfile: file, ...(other === undefined ? {} : { locked: other }) },
    },
  )
}

/** A name with its registry in the one spelling, by the name of Docker Hub where it is one of its addresses. */
function registryName(gun: string): string {
  const name = canonicalName(gun)
  return hubName(name) ?? name
}
