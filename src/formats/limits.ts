/** What one file may cost. Measured together: no file within these limits takes two seconds. */

/** UTF-16 units of a file. Stops endless files; tokens and instructions are counted besides. */
export const MAX_FILE_CHARACTERS: number = 2 * 1024 * 1024

/** UTF-16 units of a Dockerfile, or of all Dockerfiles within one Compose file. Stops long lines that are read several times. */
export const MAX_DOCKERFILE_CHARACTERS: number = 512 * 1024

/** Instructions of a Dockerfile. An image has 127 layers at most, so that no honest file has as many. */
export const MAX_INSTRUCTIONS = 5000

/** Images of one file. Each costs a tenth of a millisecond to parse, to place and to write. */
export const MAX_USES = 10_000
