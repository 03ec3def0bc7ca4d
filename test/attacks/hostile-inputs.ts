/** Collections that are large to no good end, or to a good one: for hostile-size.test.ts. */
import { createHash } from 'node:crypto'
import {
  canonicalBytes,
  createSigningKey,
  createTrustCollection,
  der,
  type KeyDocument,
  signFile,
  type TargetsDocument,
  type TrustCollection,
} from '../../src/testing/index.js'
import { GUN } from '../client/story.js'

/** What is done, and what must come of it. */
export interface HostileInput {
  readonly name: string
  readonly spoil: (collection: TrustCollection) => void
  /** Any of these. */
  readonly expected: readonly string[]
  /** Files that are valid one by one: they may cost as much as the largest honest collection. */
  readonly many?: boolean
}

const MEGABYTE = 1_000_000
const MALFORMED = ['ERR_METADATA_MALFORMED targets']
const TOO_LARGE = ['ERR_METADATA_TOO_LARGE targets']
const TRUSTED = ['trusted']
/** Whatever is looked at first. */
const UNSIGNED = [...MALFORMED, ...TOO_LARGE, 'ERR_SIGNATURE_THRESHOLD targets']
const hex = (number: number) => createHash('sha256').update(String(number)).digest('hex')

/** Bytes instead of targets, which the snapshot names. */
function targetsBytes(name: string, expected: readonly string[], content: () => string): HostileInput {
  return { name, expected, spoil: (collection) => collection.tamper('targets', { bytes: () => Buffer.from(content()) }) }
}

/** A well-signed targets file with one more member. */
function targetsMember(name: string, expected: readonly string[], member: () => Record<string, unknown>): HostileInput {
  return {
    name,
    expected,
    spoil: (collection) => collection.tamper('targets', { before: (signed) => void Object.assign(signed, member()) }),
  }
}

function signatures(
  name: string,
  expected: readonly string[],
  keyid: (known: string, number: number) => string,
  first: boolean,
  count = 100_000,
): HostileInput {
  const spoil = (collection: TrustCollection) => {
    const known = collection.keys('targets')[0]?.id ?? ''
    const sig = Buffer.alloc(64, 1).toString('base64')
    const many = Array.from({ length: count }, (_, number) => ({ keyid: keyid(known, number), method: 'ecdsa', sig }))
    collection.tamper('targets', {
      after: (envelope) =>
        void Object.assign(envelope, {
          signatures: first ? [...many, ...envelope.signatures] : [...envelope.signatures, ...many],
        }),
    })
  }
  return { name, expected, spoil }
}

/** Ed25519 keys: the shortest, and the slowest to read. Any 32 bytes have an ID. */
function manyKeys(count: number): Record<string, KeyDocument> {
  const { document } = createSigningKey({ type: 'ed25519', seed: 'many' })
  const keys: [string, KeyDocument][] = []
  for (let number = 0; number < count; number++) {
    const bytes = createHash('sha256').update(String(number)).digest()
    const key = { ...document, keyval: { private: null, public: bytes.toString('base64') } }
    const id = createHash('sha256')
      .update(`{"keytype":"ed25519","keyval":{"private":null,"public":"${key.keyval.public}"}}`)
      .digest('hex')
    keys.push([id, key])
  }
  return Object.fromEntries(keys)
}

const numberedPaths = (count: number) => Array.from({ length: count }, (_, number) => `v${number}.`)

function delegations(count: number, keys: Record<string, KeyDocument>, paths: readonly string[] = ['']): Record<string, unknown> {
  const keyids = Object.keys(keys)
  const roles = Array.from({ length: count }, (_, number) => ({ name: `targets/d${number}`, keyids, threshold: 1, paths }))
  return { delegations: { keys, roles } }
}

const numbered = (count: number, entry: (number: number) => string) =>
  Array.from({ length: count }, (_, number) => entry(number)).join(',')

/** An unsigned targets file with more members. */
function unsigned(members: string): string {
  return `{"signed":{"_type":"Targets","delegations":{"keys":{},"roles":[]},"expires":"2030-01-01T00:00:00Z","targets":{},"version":2,${members}},"signatures":[]}`
}

function unsignedKeys(count: number): string {
  const keys = numbered(count, (n) => `"k${n}":{"keytype":"","keyval":{"public":""}}`)
  return unsigned('"x":0').replace('"keys":{}', `"keys":{${keys}}`)
}

/** An RSA key of 8,192 bits with the longest exponent that is allowed; no signature by it has to verify. */
function slowKey(number: number): KeyDocument {
  const modulus = (1n << 8191n) + BigInt(number) * 2n + 1n
  const numbers = der.sequence(der.integer(modulus), der.integer(2n ** 31n - 1n))
  const algorithm = der.sequence(der.objectIdentifier('1.2.840.113549.1.1.1'), der.tlv(0x05))
  const spki = der.sequence(algorithm, der.bitString(numbers))
  return { keytype: 'rsa', keyval: { private: null, public: Buffer.from(spki).toString('base64') } }
}

function addKey(keys: Record<string, KeyDocument>, document: KeyDocument): string {
  const id = createHash('sha256').update(canonicalBytes(document)).digest('hex')
  keys[id] = document
  return id
}

/** The same file, signed, in the place of releases' and of sixty signers': nothing of it is wrong but that there is so much. */
function manyFiles(name: string, before: (signed: TargetsDocument) => void): HostileInput {
  const expected = [...TRUSTED, 'ERR_METADATA_TOO_LARGE targets/releases']
  const spoil = (collection: TrustCollection) => {
    const key = createSigningKey({ type: 'ed25519', seed: 'all of them' })
    const roles: `targets/${string}`[] = ['targets/releases']
    for (let number = 0; number < 60; number++) roles.push(`targets/s${number}`)
    for (const role of roles) collection.delegate(role, { keys: [key] })
    const file = signFile(() => empty(collection), [key], 'canonical', { before }).served
    for (const role of roles) collection.tamper(role, { bytes: () => file })
  }
  return { name, expected, spoil, many: true }
}

function empty({ now }: TrustCollection): TargetsDocument {
  const expires = new Date(now.getTime() + 1e10).toISOString()
  return { _type: 'Targets', version: 1, expires, targets: {}, delegations: { keys: {}, roles: [] } }
}

export const HOSTILE_INPUTS: readonly HostileInput[] = [
  targetsBytes('10 MB of brackets', MALFORMED, () => '['.repeat(10 * MEGABYTE)),
  targetsBytes('10 MB of one string', MALFORMED, () => `{"signed":"${'x'.repeat(10 * MEGABYTE)}"}`),
  targetsBytes('10 MB of escapes', MALFORMED, () => `{"signed":"${'\\u0041'.repeat(MEGABYTE * 1.6)}"}`),
  targetsBytes('10 MB of white space', MALFORMED, () => ' '.repeat(10 * MEGABYTE)),
  targetsBytes('10 MB of empty arrays', MALFORMED, () => `[${'[],'.repeat(3.3 * MEGABYTE)}[]]`),
  targetsBytes('a million members outside of what is signed', MALFORMED, () => `{${numbered(MEGABYTE, (n) => `"k${n}":0`)}}`),
  targetsBytes('100,000 levels', MALFORMED, () => `{"signed":${'{"a":'.repeat(100_000)}0${'}'.repeat(100_000)}}`),
  targetsMember('a date of 10 MB', MALFORMED, () => ({ expires: '2'.repeat(10 * MEGABYTE) })),
  targetsBytes('a million members in what is signed', UNSIGNED, () => unsigned(numbered(MEGABYTE, (n) => `"k${n}":0`))),
  targetsBytes('600,000 keys that are none, as many as the limit lets in', UNSIGNED, () => unsignedKeys(600_000)),
  targetsBytes('190,000 keys that are none', UNSIGNED, () => unsignedKeys(190_000)),
  targetsBytes('32 MB of empty arrays', MALFORMED, () => `[${'[],'.repeat(11 * MEGABYTE)}[]]`),
  targetsBytes('32 MB of empty objects', MALFORMED, () => `[${'{},'.repeat(11 * MEGABYTE)}{}]`),
  targetsMember('8,192 keys in each of 50 delegations', TOO_LARGE, () => delegations(50, manyKeys(8192))),
  targetsMember('2,048 keys in each of 50 delegations', TOO_LARGE, () => delegations(50, manyKeys(2048))),
  targetsMember('2,048 keys, as many as the limit lets in', TRUSTED, () => delegations(1, manyKeys(2048))),
  targetsMember('1,024 paths in each of 200 delegations', TRUSTED, () => delegations(200, {}, numberedPaths(1024))),
  targetsMember('10,000 paths', TOO_LARGE, () => delegations(2, {}, numberedPaths(10_000))),
  targetsMember('10,000 delegations', TOO_LARGE, () => delegations(10_000, {})),
  signatures('100,000 signatures by unknown keys', TOO_LARGE, (_, number) => hex(number), true),
  signatures('16,000 signatures by unknown keys', TRUSTED, (_, number) => hex(number), true, 16_000),
  signatures('16,000 signatures by a known key behind its own', TRUSTED, (known) => known, false, 16_000),
  signatures(
    '16,000 signatures by a known key before its own',
    ['ERR_SIGNATURE_THRESHOLD targets'],
    (known) => known,
    true,
    16_000,
  ),
  {
    name: '100,000 tags, honest',
    expected: TRUSTED,
    spoil: (collection) => {
      for (let number = 0; number < 100_000; number++) collection.sign(`1.2.${number}`, hex(number))
    },
  },
  {
    name: '50,000 tags, honest, in another layout',
    expected: TRUSTED,
    spoil: (collection) => {
      for (let number = 0; number < 50_000; number++) collection.sign(`1.2.${number}`, hex(number))
      collection.tamper('targets', {
        bytes: (file) => Buffer.from(JSON.stringify(JSON.parse(Buffer.from(file).toString()), null, 1)),
      })
    },
  },
  {
    name: 'a root of 4 MB, 8,180 keys in every role',
    expected: ['ERR_METADATA_TOO_LARGE root'],
    spoil: (collection) =>
      collection.tamper('root', {
        before: (signed) => {
          const keys = manyKeys(8180)
          Object.assign(signed.keys, keys)
          for (const role of Object.values(signed.roles)) role.keyids.unshift(...Object.keys(keys))
        },
        after: (envelope) => void Object.assign(envelope, { signatures: [] }),
      }),
  },
  {
    name: 'a root with 250 RSA keys of 8,192 bits, each with a signature',
    expected: ['ERR_ROOT_UNTRUSTED root'],
    spoil: (collection) =>
      collection.tamper('root', {
        before: ({ keys, roles }) => {
          for (let number = 0; number < 250; number++) roles.root.keyids.push(addKey(keys, slowKey(number)))
        },
        after: (envelope) => {
          const sig = Buffer.alloc(1024, 1).toString('base64')
          const signatures = envelope.signed.roles.root.keyids.map((keyid) => ({ keyid, method: 'rsapkcs1v15', sig }))
          Object.assign(envelope, { signatures })
        },
      }),
  },
  manyFiles('60 signers with 190,000 entries of next to nothing', (signed) => {
    for (let number = 0; number < 190_000; number++) signed.targets[`a${number}`] = { hashes: {}, length: 0 }
  }),
  manyFiles('60 signers with 590,000 empty objects', (signed) => {
    signed.targets['x'] = { hashes: {}, length: 0, custom: Array.from({ length: 590_000 }, () => ({})) }
  }),
  manyFiles('60 signers with 30 MB each', (signed) => {
    Object.assign(signed, { padding: 'x'.repeat(30 * MEGABYTE) })
  }),
  {
    name: 'a timestamp of 1 MB of brackets',
    expected: ['ERR_METADATA_MALFORMED timestamp'],
    spoil: (collection) => collection.tamper('timestamp', { bytes: () => Buffer.from('['.repeat(MEGABYTE)) }),
  },
]

/** A collection that signs `alpine:3.19`, with a tampering. */
export function hostileCollection({ spoil }: HostileInput): TrustCollection {
  const collection = createTrustCollection(GUN)
  collection.sign('3.19', 'alpine 3.19')
  spoil(collection)
  return collection.publish()
}
