/**
 * Tamperings by name: `collection.tamper('targets', TAMPERINGS['bit-flipped']).publish()` changes the next file of a role, and
 * the entry says with which code a verifying client must refuse it.
 */
import type { ErrorCode } from '../errors.js'
import type { Envelope, TimestampDocument } from './documents.js'
import type { Tampering } from './envelope.js'
import { LOGIN_PAGE } from './faults.js'
import { createSigningKey } from './keys.js'

/** Members of `signed` in every role. */
export interface CommonDocument {
  _type: string
  version: number
  /** RFC 3339. */
  expires: string
}

/** The roles for which every tampering exists. A client refuses the whole answer when one of their files is tampered with. */
export type TamperedRole = 'root' | 'timestamp' | 'snapshot' | 'targets' | 'targets/releases'

/** A tampering for the file of any role. */
export interface NamedTampering extends Tampering<CommonDocument> {
  readonly name: TamperingName
  /** What is changed, and by which attacker. */
  readonly what: string
  /**
   * The code for a client that verified the collection before the file was changed. `rolled-back` needs two published versions
   * of the role before it, `same-version` one; `publish` throws a TypeError when there are fewer. On first use, a client cannot
   * detect `rolled-back` and `same-version`, and gives ERR_ROOT_UNTRUSTED instead of ERR_ROOT_ROTATION.
   */
  code(role: TamperedRole): ErrorCode
}

/** The names. */
export type TamperingName =
  | 'bit-flipped'
  | 'cut-off'
  | 'bytes-appended'
  | 'not-json'
  | 'member-twice'
  | 'another-type'
  | 'unsigned'
  | 'changed-after-signing'
  | 'signed-by-a-stranger'
  | 'rolled-back'
  | 'same-version'
  | 'expired'

const VERSION = /"version":(\s*)(\d+)/
const PAST = '2001-01-01T00:00:00Z'
const stranger = createSigningKey({ type: 'ed25519', seed: 'a stranger' })

const set = (changes: object) => (signed: CommonDocument) => void Object.assign(signed, changes)

/** Changed on the way: the roles above name the original file, so the client sees a wrong hash. Timestamp and root have no role above. */
function inFlight(name: TamperingName, what: string, codes: InFlightCodes, bytes: (bytes: Uint8Array) => Uint8Array): Entry {
  const { alone, declared } = codes
  return entry(name, what, { bytes, parents: 'honest' }, (role) => {
    if (role !== 'root' && role !== 'timestamp') return declared
    return alone === 'ERR_SIGNATURE_THRESHOLD' && role === 'root' ? 'ERR_ROOT_ROTATION' : alone
  })
}

/** Changed by an attacker who has the keys of the roles above: they name the changed file. */
function vouched(name: TamperingName, what: string, code: ErrorCode, tampering: Tampering<CommonDocument>): Entry {
  // A root with another version, or below its threshold, does not follow the trusted root.
  const chained: readonly ErrorCode[] = ['ERR_SIGNATURE_THRESHOLD', 'ERR_VERSION_ROLLBACK', 'ERR_EQUIVOCATION']
  return entry(name, what, tampering, (role) => (role === 'root' && chained.includes(code) ? 'ERR_ROOT_ROTATION' : code))
}

/** All of them, by name. */
export const TAMPERINGS: Readonly<Record<TamperingName, NamedTampering>> = Object.freeze(
  Object.fromEntries([
    inFlight(
      'bit-flipped',
      'One bit of the version is changed on the way.',
      { alone: 'ERR_SIGNATURE_THRESHOLD', declared: 'ERR_HASH_MISMATCH' },
      text((file) => file.replace(VERSION, (_, space: string, version: string) => `"version":${space}${Number(version) ^ 1}`)),
    ),
    inFlight(
      'cut-off',
      'The last twenty bytes are missing, in an answer that is otherwise complete.',
      { alone: 'ERR_METADATA_MALFORMED', declared: 'ERR_HASH_MISMATCH' },
      (bytes) => bytes.slice(0, -20),
    ),
    inFlight(
      'bytes-appended',
      'Two bytes follow the file.',
      { alone: 'ERR_METADATA_MALFORMED', declared: 'ERR_METADATA_TOO_LARGE' },
      (bytes) => Buffer.concat([bytes, Buffer.from('{}')]),
    ),
    vouched('not-json', 'A login page instead of the file; the roles above name it.', 'ERR_METADATA_MALFORMED', {
      bytes: () => LOGIN_PAGE,
    }),
    vouched('member-twice', 'The member version occurs twice: parsers differ in which one they use.', 'ERR_METADATA_MALFORMED', {
      bytes: text((file) => file.replace(VERSION, (member) => `"version":1,${member}`)),
    }),
    vouched('another-type', 'The file is signed with another _type.', 'ERR_METADATA_MALFORMED', {
      before: set({ _type: 'Mirrors' }),
    }),
    vouched('unsigned', 'All signatures are removed.', 'ERR_SIGNATURE_THRESHOLD', {
      after: (envelope) => void Object.assign(envelope, { signatures: [] }),
    }),
    vouched('changed-after-signing', 'A member was added after the file was signed.', 'ERR_SIGNATURE_THRESHOLD', {
      after: ({ signed }) => set({ note: 'added' })(signed),
    }),
    vouched('signed-by-a-stranger', 'A key that is not listed signed the file under its own ID.', 'ERR_SIGNATURE_THRESHOLD', {
      after: signByStranger,
    }),
    vouched('rolled-back', 'The version is two lower; the attacker has the keys.', 'ERR_VERSION_ROLLBACK', {
      before: (signed) => set({ version: earlier('rolled-back', signed, 2) })(signed),
    }),
    vouched('same-version', 'The previous version with other content; the attacker has the keys.', 'ERR_EQUIVOCATION', {
      before: (signed) => {
        set({ version: earlier('same-version', signed, 1), note: 'another' })(signed)
        if (isTimestamp(signed)) delete signed.meta.snapshot.hashes['sha512']
      },
    }),
    vouched('expired', 'The signatures are valid, and the file expired in 2001.', 'ERR_METADATA_EXPIRED', {
      before: set({ expires: PAST }),
    }),
  ]),
) as Readonly<Record<TamperingName, NamedTampering>>

interface InFlightCodes {
  /** For files that no other role names. */
  readonly alone: ErrorCode
  readonly declared: ErrorCode
}

type Entry = readonly [TamperingName, NamedTampering]

function entry(name: TamperingName, what: string, tampering: Tampering<CommonDocument>, code: NamedTampering['code']): Entry {
  return [name, Object.freeze({ ...tampering, name, what, code })]
}

/** An earlier version. One below 1 would be refused as malformed, which would not test the version check. */
function earlier(name: TamperingName, { _type, version }: CommonDocument, by: number): number {
  if (version > by) return version - by
  const needed = `${by} published version${by === 1 ? '' : 's'} of ${_type}`
  const there = Math.max(0, version - 1)
  const first = there === 0 ? 'publish()' : (ANOTHER_VERSION.get(_type) ?? 'publish() a change of it')
  throw new TypeError(
    `${name} needs ${needed} before it, and there ${there === 1 ? 'is' : 'are'} ${there}: first ${first}, and let the client verify`,
  )
}

/** The calls that give a role its next version, by type: `publish` signs only what has changed. */
const ANOTHER_VERSION: ReadonlyMap<string, string> = new Map([
  ['Root', 'rotateRoot().publish()'],
  ['Timestamp', 'touchTimestamp(date)'],
  ['Snapshot', 'sign(tag, build) something and publish()'],
  ['Targets', 'sign(tag, build) something in this role and publish()'],
])

/** The content of a timestamp is its entry for the snapshot; another member does not make it different content. */
function isTimestamp(signed: CommonDocument): signed is TimestampDocument {
  return signed._type === 'Timestamp'
}

function text(change: (file: string) => string): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => Buffer.from(change(Buffer.from(bytes).toString()))
}

function signByStranger(envelope: Envelope<CommonDocument>): void {
  const sig = Buffer.from(stranger.sign(Buffer.from('whatever'))).toString('base64')
  envelope.signatures = [{ keyid: stranger.id, method: stranger.method, sig }]
}
