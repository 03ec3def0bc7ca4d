/** The tamperings of the matrix, each with the rule for its expected result (see tamper-matrix.test.ts). */
import { createSigningKey, type Envelope, TAMPERINGS as KIT, type TamperingName } from '../../src/testing/index.js'
import { BEFORE, type CommonDocument, type Role, type Tamper } from './tamper-cell.js'

/** What a tampering amounts to; the matrix has a line for each. */
export type Rule =
  | 'honest'
  | 'malformed'
  | 'under threshold'
  | 'expired'
  | 'lower version'
  | 'equal version'
  | 'much higher version'
  | 'hash cut'
  | 'longer in flight'
  | 'shorter in flight'
  | 'as long in flight'
  | 'declared longer'
  | 'declared shorter'
  | 'declared huge'
  | 'missing'
  | 'oversize'

export interface NamedTampering {
  readonly name: string
  readonly tamper: Tamper
  readonly rule: Rule
  /** What the bytes alone amount to, for the files that nothing above declares. */
  readonly alone?: 'honest' | 'malformed' | 'under threshold'
  /** Roles that have nothing of the kind. */
  readonly not?: readonly Role[]
}

const NOW_VERSION = `"version":${BEFORE + 1}`
const stranger = createSigningKey({ type: 'ed25519', seed: 'stranger' }) // gives the same signature every time

/** Changes the text of the file. */
function text(change: (file: string) => string): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => new Uint8Array(Buffer.from(change(Buffer.from(bytes).toString())))
}

/** Replaces once, and fails the test when there is nothing to replace. */
function swap(from: string, to: string): (bytes: Uint8Array) => Uint8Array {
  return text((file) => {
    if (!file.includes(from)) throw new Error(`no ${from} in the file`)
    return file.replace(from, () => to)
  })
}

function vouched(name: string, rule: Rule, bytes: (bytes: Uint8Array) => Uint8Array): NamedTampering {
  return { name: `${name}, the hashes above being right`, rule, tamper: { bytes } }
}

function inFlight(
  name: string,
  rule: Rule,
  alone: 'honest' | 'malformed' | 'under threshold',
  bytes: (bytes: Uint8Array) => Uint8Array,
): NamedTampering {
  return { name: `${name}, in flight`, rule, alone, tamper: { bytes, parents: 'honest' } }
}

function insider(name: string, rule: Rule, before: (signed: CommonDocument) => void): NamedTampering {
  return { name: `${name}, signed so`, rule, tamper: { before } }
}

function signatures(name: string, rule: Rule, after: (envelope: Envelope<CommonDocument>) => void): NamedTampering {
  return { name, rule, tamper: { after } }
}

/** One of the kit's own. */
function ofTheKit(kit: TamperingName, name: string, rule: Rule, alone?: 'malformed' | 'under threshold'): NamedTampering {
  const { before, after, bytes, parents } = KIT[kit]
  const tamper = { ...(before && { before }), ...(after && { after }), ...(bytes && { bytes }), ...(parents && { parents }) }
  return { name, rule, tamper, ...(alone && { alone }) }
}

const set = (changes: object) => (signed: CommonDocument) => void Object.assign(signed, changes)
const flipBit = swap(NOW_VERSION, `"version":${(BEFORE + 1) ^ 1}`)
const cut = (bytes: Uint8Array) => bytes.slice(0, -20)
const indent = text((file) => JSON.stringify(JSON.parse(file), null, 2))
const markOrder = text((file) => `\ufeff${file}`)
const DEEP = `"x":${'['.repeat(100_000)}${']'.repeat(100_000)},`

/** Every sha256 in the document is 31 bytes long. */
function cutHashes(value: object): void {
  for (const [name, member] of Object.entries(value)) {
    if (name === 'sha256') Object.assign(value, { sha256: Buffer.alloc(31, 7).toString('base64') })
    else if (typeof member === 'object' && member !== null) cutHashes(member)
  }
}

function listWrongKey(signed: CommonDocument): void {
  const { keys } = 'delegations' in signed ? Object(signed.delegations) : Object(signed)
  Object.assign(keys, { ['f'.repeat(64)]: stranger.document })
}

function declares(name: string, rule: Rule, change: (length: number) => number): NamedTampering {
  const tamper: Tamper = { declared: (file) => void Object.assign(file, { length: change(file.length) }) }
  return { name: `a length declared ${name}`, rule, tamper, not: ['timestamp'] }
}

export const TAMPERINGS: readonly NamedTampering[] = [
  ofTheKit('bit-flipped', 'a bit flipped, in flight', 'as long in flight', 'under threshold'),
  vouched('a bit flipped', 'under threshold', flipBit),
  ofTheKit('cut-off', 'cut off, in flight', 'shorter in flight', 'malformed'),
  vouched('cut off', 'malformed', cut),
  ofTheKit('bytes-appended', 'bytes appended, in flight', 'longer in flight', 'malformed'),
  vouched(
    'bytes appended',
    'malformed',
    text((file) => `${file}{}`),
  ),
  inFlight('empty', 'shorter in flight', 'malformed', () => new Uint8Array()),
  inFlight('HTML', 'shorter in flight', 'malformed', () => new Uint8Array(Buffer.from('<!doctype html><title>Sign in</title>'))),
  ofTheKit('not-json', 'HTML, the hashes above being right', 'malformed'),
  inFlight('a byte-order mark', 'longer in flight', 'malformed', markOrder),
  vouched('a byte-order mark', 'malformed', markOrder),
  ofTheKit('member-twice', 'a member twice, the hashes above being right', 'malformed'),
  vouched('a member in two cases', 'malformed', swap(NOW_VERSION, `${NOW_VERSION},"VERSION":9`)),
  vouched('a lone surrogate', 'malformed', swap(NOW_VERSION, `"x":"\\ud800",${NOW_VERSION}`)),
  vouched('100,000 levels', 'malformed', swap('"signed":{', `"signed":{${DEEP}`)),
  vouched('a version written 4.0', 'malformed', swap(NOW_VERSION, `${NOW_VERSION}.0`)),
  ofTheKit('another-type', 'another _type, signed so', 'malformed'),
  insider('a _type in lower case', 'malformed', (signed) => set({ _type: signed._type.toLowerCase() })(signed)),
  insider('version 0', 'malformed', set({ version: 0 })),
  insider('version "4"', 'malformed', set({ version: '4' })),
  insider('version 2^53', 'malformed', set({ version: 2 ** 53 })),
  insider('version 2^53-1', 'much higher version', set({ version: 2 ** 53 - 1 })),
  ofTheKit('rolled-back', 'the version before, signed so', 'lower version'),
  ofTheKit('same-version', 'the same version with other content, signed so', 'equal version'),
  ofTheKit('expired', 'expired since 2001, signed so', 'expired'),
  insider('a date past', 'expired', set({ expires: '2026-03-02T11:59:59.999Z' })),
  insider('a date that is now', 'expired', set({ expires: '2026-03-02T12:00:00Z' })),
  insider('30 February', 'malformed', set({ expires: '2036-02-30T00:00:00Z' })),
  insider('no date', 'malformed', (signed) => void Reflect.deleteProperty(signed, 'expires')),
  { ...insider('hashes of 31 bytes', 'hash cut', cutHashes), not: ['root'] },
  { ...insider('a key that is not its ID', 'malformed', listWrongKey), not: ['timestamp', 'snapshot'] },
  ofTheKit('unsigned', 'no signatures', 'under threshold'),
  ofTheKit('changed-after-signing', 'changed after signing', 'under threshold'),
  ofTheKit('signed-by-a-stranger', 'signed by a stranger', 'under threshold'),
  signatures('one signature of two', 'under threshold', (envelope) => void envelope.signatures.pop()),
  signatures('one signature twice', 'under threshold', ({ signatures: list }) => void list.splice(1, 1, ...list.slice(0, 1))),
  signatures("one signature a stranger's", 'under threshold', ({ signatures: list }) => {
    list.splice(1, 1, {
      keyid: stranger.id,
      method: stranger.method,
      sig: Buffer.from(stranger.sign(Buffer.from('x'))).toString('base64'),
    })
  }),
  signatures("a stranger's signature under a known ID", 'under threshold', ({ signatures: [first] }) => {
    Object.assign(first ?? {}, { sig: Buffer.from(stranger.sign(Buffer.from('x'))).toString('base64') })
  }),
  declares('one too long', 'declared longer', (length) => length + 1),
  declares('one too short', 'declared shorter', (length) => length - 1),
  declares('a petabyte', 'declared huge', () => 1e15),
  { name: 'not there (404)', rule: 'missing', tamper: { wire: 'missing' } },
  {
    name: 'over every limit',
    rule: 'oversize',
    tamper: { wire: (file) => Buffer.concat([file ?? Buffer.of(), Buffer.alloc(2 ** 22, ' ')]) },
  },
  insider('unknown members', 'honest', set({ spec_version: '1.0', x: { A: 1, a: [null] } })),
  insider('a date with offset and nanoseconds', 'honest', set({ expires: '2036-03-14T13:30:00.123456789+01:30' })),
  signatures(
    'one more signature, that does not verify',
    'honest',
    ({ signatures: list }) => void list.unshift({ keyid: 'f'.repeat(64), method: 'none', sig: 'AAAA' }),
  ),
  signatures('methods in upper case', 'honest', ({ signatures: list }) => {
    for (const one of list) Object.assign(one, { method: one.method.toUpperCase() })
  }),
  vouched('other white space', 'honest', indent),
  inFlight('other white space', 'longer in flight', 'honest', indent),
  vouched(
    'a line break at the end',
    'honest',
    text((file) => `${file}\n`),
  ),
]
