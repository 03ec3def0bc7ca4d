/** Remembers which builders were proved to obey a policy, in a file beside the cache of trust data. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8, utf8Text } from '../bytes.js'
import { discard, putInPlace, readRegularFile, writeBeside } from '../cache/safe-file.js'
import { sha256Hex } from '../crypto/hash.js'

/** The file, in the trust directory. */
const PROOFS_FILE = 'dct-builders.json'

/** Builders that are remembered; the oldest is dropped. Stops builders that are made anew each time from filling the file. */
const MAX_PROOFS = 100

/** What is known of a builder, as text: the same text is the same builder. */
function idOf(facts: readonly string[]): string {
  return sha256Hex(utf8(JSON.stringify(facts)))
}

/** Whether this builder was proved before. */
export async function isProved(trustDirectory: string | undefined, facts: readonly string[]): Promise<boolean> {
  return trustDirectory !== undefined && (await readProofs(trustDirectory)).includes(idOf(facts))
}

/** Remembers a proof. A file that cannot be written costs the next build one more proof, nothing else. */
export async function rememberProof(trustDirectory: string | undefined, facts: readonly string[]): Promise<void> {
  if (trustDirectory === undefined) return
  const known = await readProofs(trustDirectory)
  const builders = [...known.filter((id) => id !== idOf(facts)), idOf(facts)].slice(-MAX_PROOFS)
  try {
    await mkdir(trustDirectory, { recursive: true, mode: 0o700 })
    const ready = await writeBeside(trustDirectory, PROOFS_FILE, utf8(`${JSON.stringify({ version: 1, builders })}\n`))
    await putInPlace(ready).catch(async (cause: unknown) => {
      await discard([ready])
      throw cause
    })
  } catch {
    // See above.
  }
}

/** Nothing for a file that is not there or is not as it was written: then builders are proved again. */
async function readProofs(trustDirectory: string): Promise<readonly string[]> {
  try {
    const bytes = await readRegularFile(join(trustDirectory, PROOFS_FILE))
    const read: unknown = JSON.parse((bytes && utf8Text(bytes)) ?? '{}')
    if (typeof read !== 'object' || read === null || !('builders' in read) || !Array.isArray(read.builders)) return []
    return read.builders.filter((id: unknown): id is string => typeof id === 'string' && /^[0-9a-f]{64}$/.test(id))
  } catch {
    return []
  }
}
