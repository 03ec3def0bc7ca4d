/** How much a server may make us read, in bytes. The role above usually declares less; then that counts. */

/** Stops endless data where nothing above declares a length. Real ones have under 1 kB. */
export const MAX_TIMESTAMP_BYTES: number = 1024 * 1024

/** Stops endless data on root, which nobody vouches for on first use. Real ones have 2 to 20 kB. */
export const MAX_ROOT_BYTES: number = 4 * 1024 * 1024

/** Stops a stolen timestamp key from declaring a terabyte. A thousand delegations make 300 kB. */
export const MAX_SNAPSHOT_BYTES: number = 8 * 1024 * 1024

/** Stops a stolen snapshot key from declaring a terabyte. 50,000 tags with two hashes make 14 MB. */
export const MAX_TARGETS_BYTES: number = 32 * 1024 * 1024

/** Bounds what a wrong guess may cost: files that nobody declared yet are asked for on first use. 30,000 tags make 8 MB. */
export const MAX_GUESS_BYTES: number = 8 * 1024 * 1024

/** Roots walked in one run: stops a server from feeding new roots for ever. */
export const MAX_ROOT_ROTATIONS = 256

/** Files of verified sets that a living client keeps in memory, in bytes; parsed they take several times as much. */
export const MAX_KEPT_BYTES: number = 16 * 1024 * 1024
