/** How much one file may hold. A file with more is ERR_METADATA_TOO_LARGE, before its content is used. */

/** Signatures of a file (denial of service: each is decoded). Real files have one to three. */
export const MAX_SIGNATURES = 16_384

/** Keys that a file lists, and keys of one role (denial of service: each costs a hash, and a quarter of a millisecond to import). */
export const MAX_KEYS = 2048

/** Path prefixes of one delegation (denial of service: each is compared with those of the role above). */
export const MAX_PATHS = 1024

/** Delegations of a file, and of a collection (denial of service: each is a file to fetch and to verify). */
export const MAX_DELEGATIONS = 1000

/**
 * Members and items of a file whose signed part is not in canonical form (denial of service: its canonical form has to be written
 * first, which takes as long as reading it). Notary writes canonical form; 50,000 tags with two hashes have 250,000.
 */
export const MAX_VALUES_TO_REWRITE = 300_000

/** A file holds more than one of these limits. */
export class TooMany extends Error {
  readonly limit: number
  constructor(what: string, limit: number) {
    super(`more than ${limit} ${what}`)
    this.limit = limit
  }
}
