/**
 * What one refresh may cost in total. Each file has limits of its own; the budget stops a server from sending many files.
 *
 * A refresh makes one budget and passes it to every load. The cost of a file is counted before its signatures are checked,
 * so a refused file costs no signature checks.
 */
import type { RoleKeys, Unverified } from '../metadata/model.js'
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
  /** Keys of all roles; a key of two roles counts twice. Each is imported, and kept with the version floors. */
  keys: { most: 16_384, what: 'keys of roles' },
  /** Signatures that are checked, in all files: stops many slow keys. */
  checks: { most: 4096, what: 'checks of signatures' },
  /** Bytes that these checks hash: stops many signatures of a long file. */
  hashed: { most: 512 * 1024 * 1024, what: 'bytes of signed files' },
}

/** Values of all files that are read, refused files included: stops refused files of signers from costing unlimited time. */
const MAX_READ = 2_400_000

/** Checks of signatures that one file may cost: stops many slow keys in one step that cannot be interrupted (P-521: 0.3 s). */
const MAX_CHECKS_OF_FILE = 256

/** Whose file it is. */
interface Subject {
  readonly gun: string
  readonly role: string
}

/** Counts what one refresh has cost so far. */
export class Budget {
  readonly #spent = new Map<Counted, number>()
  /** Values of all files that were read, refused files included. */
  #read = 0

  /** Counts an amount. @throws UntrustedError ERR_METADATA_TOO_LARGE, and then counts nothing */
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

  /** Call before a file is parsed. @throws UntrustedError ERR_METADATA_TOO_LARGE when enough was read */
  checkMayRead(subject: Subject): void {
    if (!(this.#read < MAX_READ))
      throw tooLarge(subject, `more than ${MAX_READ} values were read in one refresh`, { limit: MAX_READ })
  }
}
