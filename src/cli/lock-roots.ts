/** Asks whether new roots are to be recorded: the question on a terminal, `--expect` and `--accept-new-roots` elsewhere. */
import { UsageError } from '../errors.js'
import { keyText } from '../lockfile/changes.js'
import { isExpected } from '../lockfile/lock-entry.js'
import { type LockEntry, readFingerprint } from '../lockfile/lockfile.js'
import { shellWord } from '../shell-word.js'
import type { RootChain } from '../trust/root-chain.js'
import { ask } from './ask.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import type { Speaker } from './output.js'

/** A root that the lockfile does not have. */
export interface NewRoot {
  readonly gun: string
  readonly entry: LockEntry
  readonly chain: RootChain
}

/** The keys of `--expect`. @throws UsageError ERR_SETTINGS_INVALID when one is no fingerprint */
export function expectedKeys({ values }: CommandLine): ReadonlySet<string> {
  return new Set(
    (values.expect ?? []).map((text) => {
      const id = readFingerprint(text)
      if (id !== undefined) return id
      throw new UsageError('ERR_SETTINGS_INVALID', `--expect ${JSON.stringify(text)} is no fingerprint of a key`, {
        hint: 'Write SHA256: and base64 as ssh does, or the 64 hexadecimal digits that notary key list shows.',
      })
    }),
  )
}

/** Shows the new roots, and gives those that are accepted. Rejects with the reason of the signal on Ctrl-C. */
export async function acceptedRoots(
  found: readonly NewRoot[],
  expected: ReadonlySet<string>,
  line: CommandLine,
  io: Io,
  speaker: Speaker,
): Promise<readonly NewRoot[]> {
  if (found.length === 0) return []
  for (const { gun, entry } of found) {
    speaker.always(`the root of ${gun} at ${entry.server}, version ${entry.root.version}, threshold ${entry.root.threshold}:`)
    for (const key of entry.root.keys) speaker.always(`  ${keyText(key)}`)
  }
  if (expected.size > 0) {
    const [signed, others] = [
      found.filter(({ chain }) => isExpected(chain, expected)),
      found.filter(({ chain }) => !isExpected(chain, expected)),
    ]
    for (const { gun } of others) speaker.always(`none of the expected keys signed the root of ${gun}: it is not recorded`)
    return signed
  }
  if (line.values['accept-new-roots'] === true) return found
  if (io.terminal && io.typed === true) {
    speaker.always('Compare the fingerprints with the publisher, over another way than the trust server.')
    const answer = await ask(io, `dct: record ${found.length === 1 ? 'this root' : `these ${found.length} roots`}? (yes/no) `)
    if (answer === 'yes') return found
    speaker.always('not recorded')
    return []
  }
  const guns = found.map(({ gun }) => shellWord(gun)).join(' ')
  speaker.always(
    `not recorded: compare the fingerprints with the publisher, over another way than the trust server; then: dct lock --expect <FINGERPRINT> ${guns}. To record them unseen: dct lock --accept-new-roots ${guns}`,
  )
  return []
}
