/** How many connections a client may have to one host. As many are opened as requests wait; idle ones are closed. */

/** Without the option: what 32 collections that are known ask for at once, the timestamp and the next root of each. */
export const CONNECTIONS = 64

/** The most that the option takes: stops a client from using up the ports of a machine, and the memory of a server. */
export const MAX_CONNECTIONS = 256
