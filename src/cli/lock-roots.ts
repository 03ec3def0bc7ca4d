/** Asks whether new roots are to be recorded: the question on a terminal, `--expect` and `--accept-new-roots` elsewhere. */
import { UntrustedError, UsageError } from '../errors.js'
import { keyText } from '../lockfile/changes.js'
import { isExpected } from '../lockfile/lock-entry.js'
import { lockArguments, type Subject } from '../lockfile/lock-refusals.js'
import { type LockEntry, readFingerprint } from '../lockfile/lockfile.js'
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

/** Shows the new roots of this lockfile, and gives those that are accepted; the others are errors. Rejects with the reason of the signal on Ctrl-C. */
export async function acceptedRoots(
  found: readonly NewRoot[],
  expected: ReadonlySet<string>,
  file: string,
  line: CommandLine,
  io: Io,
  speaker: Speaker,
): Promise<readonly NewRoot[]> {
  if (found.length === 0) return []
  for (const { gun, entry } of found) {
    speaker.always(`the root of ${gun} at ${entry.server}, version ${entry.root.version}, threshold ${entry.root.threshold}:`)
    for (const key of entry.root.keys) speaker.always(`  ${keyText(key)}`)
  }
  const refuse = ({ gun }: NewRoot, why: string): void => {
    const error = notRecorded({ gun, file }, why)
    if (line.values.json === true) speaker.failed({ gun }, error)
    speaker.error(error)
  }
  if (expected.size > 0) {
    const others = found.filter(({ chain }) => !isExpected(chain, expected))
    for (const other of others) refuse(other, 'none of the expected keys signed it')
    return found.filter((one) => !others.includes(one))
  }
  if (line.values['accept-new-roots'] === true) return found
  if (io.terminal && io.typed === true) {
    speaker.always('Compare the fingerprints with the publisher, over another way than the trust server.')
    const answer = await ask(io, `dct: record ${found.length === 1 ? 'this root' : `these ${found.length} roots`}? (yes/no) `)
    if (answer === 'yes') return found
    for (const one of found) refuse(one, 'the answer was not yes')
    return []
  }
  for (const one of found) refuse(one, 'nothing says that it is the right one')
  return []
}

function notRecorded(subject: Subject, why: string): UntrustedError {
  const { gun } = subject
  const words = lockArguments(subject)
  return new UntrustedError('ERR_ROOT_UNTRUSTED', `the root of ${gun} is not recorded: ${why}`, {
    gun,
    role: 'root',
    hint: `Compare the fingerprints with the publisher, over another way than the trust server; then: dct lock --expect <FINGERPRINT> ${words}. To record it unseen: dct lock --accept-new-roots ${words}`,
  })
}
