/**
 * What one refresh may cost in all. Each file has limits of its own; this stops a server from sending many of them.
 *
 * An object that counts and nothing else: whoever begins a refresh makes one and hands it down. The cost of a file is counted
 * before its signatures are checked, so what is refused has not been paid for.
 */
import type { RoleKeys, Unverified } from '../metadata/model.js'
import type { RoleLoader } from './load.js'
import { tooLarge } from './refusals.js'
import { checksFor } from './signatures.js'

/** What is counted. */
type Counted = 'bytes' | 'values' | 'keys' | 'checks' | 'hashed'

/** Limits of one refresh. Honest: 50,000 tags with two hashes, in two roles, are 28 MB and 500,000 values. */
const LIMITS: Readonly<Record<Counted, { readonly most: number; readonly what: string }>> = {
  /** Of all files, fetched or cached: stops a server from filling memory and disk. */
  bytes: { most: 44 * 1024 * 1024, what: 'bytes of files' },
  /** Members and items of their JSON: stops short files that take much memory. */
  values: { most: 1_200_000, what: 'values in files' },
  /** Keys of all roles, one that two roles share counted twice: each is imported, and kept with the version floors. */
  keys: { most: 16_384, what: 'keys of roles' },
  /** Signatures that are checked, over what file ever: stops many slow keys. */
  checks: { most: 4096, what: 'checks of signatures' },
  /** Bytes that these checks hash: stops many signatures of a long file. */
  hashed: { most: 512 * 1024 * 1024, what: 'bytes of signed files' },
}

/** Values that are read in all, of files that are refused too: stops signers who are left out from costing time all the same. */
const MAX_READ = 2_400_000

/** Checks of signatures that one file may cost: stops many slow keys in one step that nothing can interrupt (P-521: 0.3 s). */
const MAX_CHECKS_OF_FILE = 256

/** Whose file it is. */
interface Subject {
  readonly gun: string
  readonly role: string
}

export class Budget {
  readonly #spent = new Map<Counted, number>()
  /** Values of all files that were read, those that were refused too. */
  #read = 0

  /** @throws UntrustedError ERR_METADATA_TOO_LARGE; then nothing is counted */
  spend(counted: Counted, amount: number, subject: Subject): void {
    const { most, what } = LIMITS[counted]
    const sum = (this.#spent.get(counted) ?? 0) + amount
    if (!(sum <= most)) throw tooLarge(subject, `more than ${most} ${what} in one refresh`, { needed: sum, limit: most })
    this.#spent.set(counted, sum)
  }

  /** Counts what reading a file and checking its signatures costs. @throws UntrustedError ERR_METADATA_TOO_LARGE */
  spendOn(gun: string, unverified: Unverified<unknown>, keys: RoleKeys): void {
    const { role, size, signedBytes } = unverified
    const subject = { gun, role }
    this.#read += size.values
    const checks = checksFor(unverified, keys)
    const limit = MAX_CHECKS_OF_FILE
    if (!(checks <= limit)) throw tooLarge(subject, `${checks} signatures to check, at most ${limit}`, { checks, limit })
    this.spend('values', size.values, subject)
    this.spend('keys', size.keys, subject)
    this.spend('checks', checks, subject)
    this.spend('hashed', checks * signedBytes.length, subject)
  }

  /** The same loader, with what its file costs counted before its signatures are checked. */
  counting<Metadata>(gun: string, loader: RoleLoader<Metadata>): RoleLoader<Metadata> {
    return {
      ...loader,
      parse: (file) => {
        if (!(this.#read < MAX_READ))
          throw tooLarge({ gun, role: loader.role }, `more than ${MAX_READ} values were read in one refresh`, { limit: MAX_READ })
        const unverified = loader.parse(file)
        this.spendOn(gun, unverified, loader.keys)
        return unverified
      },
    }
  }
}
