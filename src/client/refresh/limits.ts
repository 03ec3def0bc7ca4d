/** Limits of what one refresh reads from a server, in bytes where not stated. When the role above declares a length, that limit counts. */

/** Stops endless data where no role declares the length. Real timestamps have under 1 kB. */
export const MAX_TIMESTAMP_BYTES: number = 1024 * 1024

/** Stops endless data on root, whose length no role declares on first use. Real roots have 2 to 20 kB. */
export const MAX_ROOT_BYTES: number = 4 * 1024 * 1024

/** Stops a stolen timestamp key from declaring a terabyte. A thousand delegations make 300 kB. */
export const MAX_SNAPSHOT_BYTES: number = 8 * 1024 * 1024

/** Stops a stolen snapshot key from declaring a terabyte. 50,000 tags with two hashes make 14 MB. */
export const MAX_TARGETS_BYTES: number = 32 * 1024 * 1024

/** Bounds the cost of a wrong guess: on first use files are asked for before a role declares them. 30,000 tags make 8 MB. */
export const MAX_GUESS_BYTES: number = 8 * 1024 * 1024

/** Roots walked in one run: stops a server from feeding new roots for ever. */
export const MAX_ROOT_ROTATIONS = 256

/** Files of verified sets that a client keeps in memory; parsed they take several times as much. */
export const MAX_KEPT_BYTES: number = 16 * 1024 * 1024
