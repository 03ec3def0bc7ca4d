import { generateKeyPairSync } from 'node:crypto'
import { Point } from '@noble/ed25519'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { base64, utf8 } from '../../src/bytes.js'
import { sha256 } from '../../src/crypto/hash.js'
import { UntrustedError } from '../../src/errors.js'
import { plainJson } from '../../src/metadata/json-value.js'
import { MAX_VALUES_TO_REWRITE } from '../../src/metadata/limits.js'
import type { MetadataTypes, Unverified } from '../../src/metadata/model.js'
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from '../../src/metadata/parse.js'
import { ed25519Signer, listed, rsaPair, spkiOf } from '../crypto/made-keys.js'
import {
  canonicalOf,
  type Document,
  EXPIRES,
  fileEntry,
  GUN,
  keyEntries,
  rootDocument,
  SIGNERS,
  signedFile,
  snapshotDocument,
  spoilt,
  targetsDocument,
  timestampDocument,
} from './documents.js'

type RoleName = 'root' | 'timestamp' | 'snapshot' | 'targets'
type Path = readonly (string | number)[]

const PARSERS: {
  readonly [Role in RoleName]: (file: Uint8Array, identity: { gun: string; role: string }) => Unverified<MetadataTypes[Role]>
} = {
  root: parseRoot,
  timestamp: parseTimestamp,
  snapshot: parseSnapshot,
  targets: parseTargets,
}
const DOCUMENTS = {
  root: rootDocument(),
  timestamp: timestampDocument(),
  snapshot: snapshotDocument(),
  targets: targetsDocument(),
}
const ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const
const { alice, bob } = SIGNERS
const ROOT_KEY = SIGNERS.root.key.id

afterEach(() => {
  vi.restoreAllMocks()
})

const textOf = (role: RoleName) => Buffer.from(signedFile(DOCUMENTS[role], [SIGNERS[role]])).toString()
const wrapped = (signed: unknown, signatures: unknown = []) => utf8(JSON.stringify({ signed, signatures }))

function parse(role: RoleName, file: Uint8Array | string, name: string = role) {
  return PARSERS[role](typeof file === 'string' ? utf8(file) : file, { gun: GUN, role: name })
}

/** The problem that ERR_METADATA_MALFORMED names; fails when the file is taken, or anything else is thrown. */
function problem(role: RoleName, file: Uint8Array | string, name: string = role): string {
  try {
    parse(role, file, name)
  } catch (error) {
    if (!(error instanceof UntrustedError)) throw error
    expect(error).toMatchObject({ code: 'ERR_METADATA_MALFORMED', gun: GUN, role: name, retryable: false })
    expect(error.message).toContain(`trust data for ${GUN} is malformed: ${name}: `)
    return error.message
  }
  throw new Error('the file was taken')
}

/** The document with one member changed, parsed. */
function changed(role: RoleName, path: Path, value: unknown) {
  return parse(role, wrapped(spoilt(DOCUMENTS[role], path, value)))
}

describe.each(ROLES)('%s', (role) => {
  test('as a publisher writes it is read, and its signed bytes are canonical', () => {
    const file = utf8(textOf(role))
    const parsed = parse(role, file)
    expect(parsed.role).toBe(role)
    expect(parsed.file).toBe(file)
    expect(parsed.metadata.version).toBe(1)
    expect(parsed.metadata.expires).toBe(Date.parse(EXPIRES))
    expect(Buffer.from(parsed.signedBytes).toString()).toBe(canonicalOf(DOCUMENTS[role]))
    expect(parsed.signatures).toMatchObject([{ keyId: SIGNERS[role].key.id, method: 'eddsa' }])
    expect(parsed.signatures[0]?.bytes).toHaveLength(64)
  })

  test('the form on the wire does not change the signed bytes', () => {
    const expected = canonicalOf(DOCUMENTS[role])
    const forms = [
      JSON.stringify({ signatures: [], signed: DOCUMENTS[role] }, null, 2),
      `{"signed":${expected},"signatures":[]}\n`,
      `{"signed":${expected.replaceAll('/', '\\/').replace('"version"', '"\\u0076ersion"')},"signatures":null}`,
      `{"signed":${expected.replace('"version":1', '"version" : 1')},"signatures":[]}`,
    ]
    for (const form of forms) expect(Buffer.from(parse(role, form).signedBytes).toString()).toBe(expected)
  })

  test.each<[string, string]>([
    ['nothing [JSON-15]', ''],
    ['a login page [JSON-40]', '<html>'],
    ['null [JSON-14]', 'null'],
    ['an array [JSON-14]', '[]'],
    ['a string [JSON-14]', '"x"'],
    ['a number [JSON-14]', '1'],
    ['a number with a fraction', '1.0'],
    ['an empty object [JSON-11]', '{}'],
    ['signed is null [JSON-11]', '{"signed":null,"signatures":[]}'],
    ['signed is a string [JSON-12]', '{"signed":"x","signatures":[]}'],
    ['signed is an array [JSON-12]', '{"signed":[],"signatures":[]}'],
    ['signed is a number [JSON-12]', '{"signed":1.0,"signatures":[]}'],
    ['signed is empty', '{"signed":{},"signatures":[]}'],
    ['an error body [JSON-44]', '{"errors":[{"code":"x","detail":"\\u001b[31m"}]}'],
  ])('%s is malformed', (_, text) => {
    expect(problem(role, text)).not.toMatch(/[\p{Cc}]/u)
  })

  test.each<[string, (text: string) => string]>([
    ['signed twice, the genuine one last [JSON-01]', (text) => text.replace('{', '{"signed":{},')],
    ['signed twice, the genuine one first [JSON-02]', (text) => text.replace(/\}$/, ',"signed":{}}')],
    ['signed twice by escape [JSON-05]', (text) => text.replace('{', '{"s\\u0069gned":{},')],
    ['signed under another case alone [JSON-08]', (text) => text.replace('"signed"', '"SIGNED"')],
    ['signed with a long s [JSON-08]', (text) => text.replace('"signed"', '"\u017figned"')],
    ['signatures under another case [JSON-08]', (text) => text.replace('"signatures"', '"Signatures"')],
    ['signatures with a long s [JSON-08]', (text) => text.replace('"signatures"', '"\u017fignatures"')],
    ['signed beside SIGNED [JSON-10]', (text) => text.replace('{', '{"SIGNED":{},')],
    ['version twice [JSON-03]', (text) => text.replace('"version":1', '"version":2,"version":1')],
    ['version beside VERSION [JSON-10]', (text) => text.replace('"version":1', '"version":1,"VERSION":2')],
    ['VERSION alone [JSON-09]', (text) => text.replace('"version":1', '"VERSION":1')],
    ['Expires alone [JSON-09]', (text) => text.replace('"expires"', '"Expires"')],
    ['_TYPE alone [JSON-09]', (text) => text.replace('"_type"', '"_TYPE"')],
    ['_type beside _TYPE', (text) => text.replace('"_type"', '"_TYPE":"Root","_type"')],
    ['unknown members that differ by case', (text) => text.replace('"version"', '"extra":1,"EXTRA":2,"version"')],
    ['keyid twice [JSON-07]', (text) => text.replace('"keyid":"', '"keyid":"x","keyid":"')],
    ['keyid beside keyID', (text) => text.replace('"keyid":"', '"keyID":"x","keyid":"')],
    ['\u212aeyid, which Go reads as keyid', (text) => text.replace('"keyid":"', '"\u212aeyid":"x","keyid":"')],
    ['method a number [SIG-13]', (text) => text.replace('"method":"eddsa"', '"method":1')],
    ['keyid a number', (text) => text.replace(/"keyid":"[^"]*"/, '"keyid":1')],
    ['a signature that is not base64 [SIG-40]', (text) => text.replace('"sig":"', '"sig":"!')],
    ['a signature without padding [SIG-40]', (text) => text.replace(/=="\}/, '"}')],
    ['a url-safe signature [SIG-40]', (text) => text.replace('"sig":"', '"sig":"-_-_')],
    ['a signature with a space [SIG-40]', (text) => text.replace('"sig":"', '"sig":" ')],
    ['a byte-order mark [JSON-16]', (text) => `\ufeff${text}`],
    ['trailing data [JSON-19]', (text) => `${text}{}`],
    ['a lone surrogate in an unknown member [JSON-25]', (text) => text.replace('"version"', '"x":"\\ud800","version"')],
    ['a huge number in an unknown member [JSON-30]', (text) => text.replace('"version"', '"x":1e19,"version"')],
    ['a fraction in an unknown member', (text) => text.replace('"version"', '"x":1.5,"version"')],
    [
      'deep nesting in an unknown member [JSON-37]',
      (text) => text.replace('"version"', `"x":${'['.repeat(65)}${']'.repeat(65)},"version"`),
    ],
  ])('%s is malformed', (_, spoil) => {
    const text = textOf(role)
    const bad = spoil(text)
    expect(bad).not.toBe(text)
    problem(role, bad)
  })

  test.each<[string, unknown]>([
    ['a string', 'x'],
    ['an object', {}],
    ['true', true],
    ['a list that holds null', [null]],
    ['a list that holds a string', ['x']],
    ['a list that holds a list', [[]]],
  ])('signatures as %s is malformed [SIG-02]', (_, signatures) => {
    problem(role, wrapped(DOCUMENTS[role], signatures))
  })

  test.each<[string, unknown]>([
    ['0 [VER-01]', 0],
    ['-1 [VER-01]', -1],
    ['null [VER-01]', null],
    ['missing [VER-01]', undefined],
    ['"1" [VER-02]', '1'],
    ['true [VER-02]', true],
    ['[] [VER-02]', []],
    ['{}', {}],
    ['a fraction [VER-02]', 1.5],
  ])('version %s is malformed', (_, value) => {
    problem(role, wrapped(spoilt(DOCUMENTS[role], ['version'], value)))
  })

  test.each(['1.0', '1e0', '-0', '-0.0', '01', '9007199254740992', '9223372036854775807', '1e400', '0x1'])(
    'version %s is malformed [VER-01, VER-02, VER-03, VER-04]',
    (literal) => {
      problem(role, JSON.stringify({ signed: DOCUMENTS[role], signatures: [] }).replace('"version":1', `"version":${literal}`))
    },
  )

  test('the highest version is 2^53-1', () => {
    expect(changed(role, ['version'], Number.MAX_SAFE_INTEGER).metadata.version).toBe(Number.MAX_SAFE_INTEGER)
  })

  test.each([
    undefined,
    null,
    0,
    1893456000,
    {},
    '',
    '2030-01-01',
    '2030-02-30T00:00:00Z',
    '2030-01-01T00:00:00',
    '2030-01-01 00:00:00Z',
    '2030-01-01T00:00:00z',
    'Tue, 01 Jan 2030 00:00:00 GMT',
    '2030-01-01T24:00:00Z',
    '\u001b[31m',
  ])('expires %j is malformed [VER-09, VER-10, VER-11, VER-20]', (value) => {
    expect(problem(role, wrapped(spoilt(DOCUMENTS[role], ['expires'], value)))).not.toMatch(/\p{Cc}/u)
  })

  test.each(ROLES.filter((other) => other !== role))('the content of %s is malformed here [JSON-41]', (other) => {
    problem(role, textOf(other))
    problem(role, wrapped(spoilt(DOCUMENTS[role], ['_type'], DOCUMENTS[other]['_type'])))
  })

  test.each([undefined, null, '', 1, role, role.toUpperCase(), 'Mirrors'])('_type %j is malformed [JSON-41]', (value) => {
    problem(role, wrapped(spoilt(DOCUMENTS[role], ['_type'], value)))
  })

  test('what Notary lets pass, passes', () => {
    const text = textOf(role)
    const lenient: Record<string, string> = {
      'a newline at the end [JSON-18]': `${text}\n`,
      'white space around [JSON-18]': ` \r\n\t${text} `,
      'unknown members outside [JSON-28]': text.replace('{', '{"comment":{"a":1,"A":2},"x":1.5,'),
      'spec_version [JSON-43]': text.replace('"version"', '"spec_version":"9.9","version"'),
      'a name of Object.prototype [JSON-31]': text.replace('"version"', '"__proto__":{"version":7},"constructor":1,"version"'),
      'control characters and astral names': text.replace('"version"', '"a\\u0000\\n\u{1f600}":"\\u001f","version"'),
      'numbers written otherwise': text.replace('"version"', '"x":[1.0,1e2,-0],"version"'),
      'an upper-case method [SIG-11]': text.replace('eddsa', 'EdDSA'),
      'an unknown method [SIG-12]': text.replace('eddsa', 'none'),
      'a method of null [SIG-12]': text.replace('"eddsa"', 'null'),
      'a signature without method [SIG-12]': text.replace('"method":"eddsa",', ''),
      'a signature of null': text.replace(/"sig":"[^"]*"/, '"sig":null'),
      'a signature of hexadecimal digits [SIG-42]': text.replace(/"sig":"[^"]*"/, '"sig":"deadbeef"'),
      'no signature [SIG-01]': text.replace(/"signatures":\[.*?\]/, '"signatures":[]'),
      'signatures null [SIG-01]': text.replace(/"signatures":\[.*?\]/, '"signatures":null'),
      'signatures missing [SIG-01]': text.replace(/,"signatures":\[.*?\]/, ''),
      'line breaks in base64': text.replace('"sig":"', '"sig":"\\r\\n').replace(/=="\}/, '==\\n"}'),
      'an offset and nanoseconds [VER-12, VER-15]': text.replace(EXPIRES, '2030-01-01T02:00:00.123456789+02:00'),
      'a date long past [VER-21]': text.replace(EXPIRES, '0001-01-01T00:00:00Z'),
    }
    for (const [what, form] of Object.entries(lenient)) {
      expect(form, what).not.toBe(text)
      expect(parse(role, form).metadata.version, what).toBe(1)
    }
  })

  test('with any member replaced by any value, the result is metadata or ERR_METADATA_MALFORMED', () => {
    const paths = everyPath(JSON.parse(textOf(role)))
    const odd = fc.constantFrom<unknown[]>(
      null,
      0,
      -1,
      1.5,
      '',
      'x',
      '\u0000',
      [],
      [null],
      [[]],
      {},
      { a: null },
      true,
      undefined,
      '====',
      'AAAA',
    )
    fc.assert(
      fc.property(fc.constantFrom(...paths), odd, (path, value) => {
        const document = spoilt(JSON.parse(textOf(role)), path, value)
        try {
          parse(role, utf8(JSON.stringify(document)))
        } catch (error) {
          if (!(error instanceof UntrustedError)) throw error
          expect(error.code).toBe('ERR_METADATA_MALFORMED')
        }
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

/** Paths to every member of a JSON value. */
function everyPath(value: unknown, above: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => [[...above, name], ...everyPath(member, [...above, name])])
}

describe('root', () => {
  test.each<[string, Path, unknown]>([
    ['no keys', ['keys'], undefined],
    ['keys null', ['keys'], null],
    ['keys a list', ['keys'], []],
    ['no roles', ['roles'], undefined],
    ['roles null', ['roles'], null],
    ['no root role', ['roles', 'root'], undefined],
    ['no targets role', ['roles', 'targets'], undefined],
    ['no snapshot role', ['roles', 'snapshot'], undefined],
    ['no timestamp role', ['roles', 'timestamp'], undefined],
    ['a role of null', ['roles', 'root'], null],
    ['a threshold of 0', ['roles', 'root', 'threshold'], 0],
    ['a threshold of -1', ['roles', 'root', 'threshold'], -1],
    ['a threshold of text [JSON-36]', ['roles', 'root', 'threshold'], '1'],
    ['a threshold of true [JSON-36]', ['roles', 'root', 'threshold'], true],
    ['no threshold', ['roles', 'root', 'threshold'], undefined],
    ['a threshold above the number of keys', ['roles', 'timestamp', 'threshold'], 2],
    ['a base role without keys', ['roles', 'snapshot', 'keyids'], []],
    ['a base role with keyids null', ['roles', 'snapshot', 'keyids'], null],
    ['a threshold of 2 met only by one key listed twice', ['roles', 'root'], { keyids: [ROOT_KEY, ROOT_KEY], threshold: 2 }],
    ['a role that names an unlisted key', ['roles', 'root', 'keyids'], [ROOT_KEY, 'f'.repeat(64)]],
    ['a role that names a key of Object.prototype [JSON-32]', ['roles', 'root', 'keyids'], [ROOT_KEY, '__proto__']],
    ['a role that names a key in upper case [SIG-09]', ['roles', 'root', 'keyids'], [ROOT_KEY.toUpperCase()]],
    ['a keyid of null', ['roles', 'root', 'keyids'], [null]],
    ['THRESHOLD beside threshold', ['roles', 'root', 'THRESHOLD'], 1],
    ['a key of null', ['keys', ROOT_KEY], null],
    ['a key that is not its ID', ['keys', ROOT_KEY, 'keyval', 'public'], base64(alice.key.bytes)],
    ['a type that is not that of its ID', ['keys', ROOT_KEY, 'keytype'], 'ECDSA'],
    ['an unused key that is not its ID', ['keys', 'f'.repeat(64)], { keytype: 'ed25519', keyval: { public: 'AAAA' } }],
    ['a key without keyval', ['keys', ROOT_KEY, 'keyval'], undefined],
    ['a key without public', ['keys', ROOT_KEY, 'keyval', 'public'], undefined],
    ['a key without keytype', ['keys', ROOT_KEY, 'keytype'], undefined],
    ['Public beside public', ['keys', ROOT_KEY, 'keyval', 'Public'], 'AAAA'],
    ['Private beside private', ['keys', ROOT_KEY, 'keyval', 'Private'], null],
    ['KEYTYPE beside keytype', ['keys', ROOT_KEY, 'KEYTYPE'], 'rsa'],
    ['a key in url-safe base64', ['keys', ROOT_KEY, 'keyval', 'public'], '-_-_'],
    ['consistent_snapshot of text', ['consistent_snapshot'], 'true'],
  ])('%s is malformed', (_, path, value) => {
    problem('root', wrapped(spoilt(DOCUMENTS.root, path, value)))
  })

  test.each<[string, Path, unknown]>([
    ['unknown roles with any content', ['roles', 'mirrors'], { threshold: 0, keyids: null }],
    ['old root roles', ['roles', 'root.1'], { keyids: [], threshold: 0 }],
    ['roles that differ by case: chosen names', ['roles', 'ROOT'], null],
    ['no consistent_snapshot', ['consistent_snapshot'], undefined],
    ['consistent_snapshot null', ['consistent_snapshot'], null],
    ['private missing', ['keys', ROOT_KEY, 'keyval', 'private'], undefined],
    ['private of text: it is not part of the ID', ['keys', ROOT_KEY, 'keyval', 'private'], 'AAAA'],
    ['a key listed twice for a role', ['roles', 'root', 'keyids'], [ROOT_KEY, ROOT_KEY]],
  ])('%s: accepted', (_, path, value) => {
    expect(changed('root', path, value).metadata).toMatchObject({ roles: { root: { threshold: 1 } } })
  })

  test('an unused key of any kind, and line breaks in the base64 of a key, are accepted', () => {
    const odd = listed('dsa', utf8('whatever'))
    const compressed = listed('ecdsa', utf8('no DER'))
    const document = spoilt(DOCUMENTS.root, ['keys'], { ...Object(DOCUMENTS.root['keys']), ...keyEntries([odd, compressed]) })
    expect(parse('root', wrapped(document)).metadata.version).toBe(1)
    const text = base64(SIGNERS.root.key.bytes)
    const broken = changed('root', ['keys', ROOT_KEY, 'keyval', 'public'], `${text.slice(0, 5)}\r\n${text.slice(5)}\n`)
    expect(broken.metadata).toMatchObject({ version: 1 })
  })

  test('a weak or unreadable key is listed but never counts [CERT-46, SIG-25, SIG-27]', () => {
    const weak = [listed('rsa', spkiOf(rsaPair(1024).publicKey)), listed('ecdsa', utf8('junk')), listed('quantum', utf8('junk'))]
    const keys = [SIGNERS.root.key, ...weak]
    const document = spoilt(rootDocument(), ['roles', 'root'], { keyids: keys.map(({ id }) => id), threshold: 1 })
    const { metadata } = parseRoot(wrapped(spoilt(document, ['keys'], { ...Object(document['keys']), ...keyEntries(keys) })), {
      gun: GUN,
      role: 'root',
    })
    const kinds = keys.map(({ id }) => metadata.roles.root.keys.get(id)?.verifying.kind)
    expect(kinds).toEqual(['ed25519', 'unusable', 'unusable', 'unusable'])
  })

  test.each([
    ['with a trailing byte', Uint8Array.of(...spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey), 0)],
    [
      'with explicit curve parameters',
      spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey),
    ],
  ])('a key of a role %s refuses the document [SIG-23]', (_, der) => {
    const odd = listed('ecdsa', der)
    const document = spoilt(DOCUMENTS.root, ['keys'], { ...Object(DOCUMENTS.root['keys']), ...keyEntries([odd]) })
    const used = spoilt(document, ['roles', 'root', 'keyids'], [ROOT_KEY, odd.id])
    expect(problem('root', wrapped(used))).toContain(odd.id)
    expect(parse('root', wrapped(document)).metadata.version).toBe(1) // unused keys have no effect
  })

  test.each([
    ['keys', 2048, { keytype: 'x', keyval: { public: '' } }],
    ['signatures', 16_384, { keyid: 'x', method: 'x', sig: '' }],
  ])('more %s than %i are too many, and the first wrong one before that ends it', (what, most, item) => {
    const file = (count: number): Uint8Array | string => {
      const many = Array.from({ length: count }, () => item)
      if (what === 'signatures') return JSON.stringify({ signed: {}, signatures: many })
      return wrapped(spoilt(DOCUMENTS.root, ['keys'], Object.fromEntries(many.entries())))
    }
    expect(() => parse('root', file(most + 1))).toThrow(
      expect.objectContaining({
        code: 'ERR_METADATA_TOO_LARGE',
        gun: GUN,
        role: 'root',
        message: expect.stringContaining(`more than ${most} ${what}`),
      }),
    )
    expect(problem('root', file(most))).toMatch(/the key listed as \d+ has another ID|signed/)
    expect(problem('root', JSON.stringify({ signed: {}, signatures: [item, ...new Array(200_000).fill(1)] }))).toContain(
      'signatures.1',
    )
  })
})

test.each<[string, string | Uint8Array, RegExp]>([
  ['the document', 'null', /^document: ./],
  ['a member of the envelope', wrapped(DOCUMENTS.root, [{ keyid: 1 }]), /^signatures\.0\.keyid: ./],
  [
    'a member of what is signed',
    wrapped(spoilt(DOCUMENTS.root, ['roles', 'root', 'threshold'], 0)),
    /^signed\.roles\.root\.threshold: ./,
  ],
])('the evidence holds the problem and its place: %s', (_, file, expected) => {
  const message = problem('root', file)
  const found = message.slice(message.indexOf(': root: ') + ': root: '.length)
  expect(found).toMatch(expected)
  expect(() => parse('root', file)).toThrow(expect.objectContaining({ evidence: { problem: found } }))
})

describe('files that timestamp and snapshot describe', () => {
  const places = [
    ['timestamp', ['meta', 'snapshot']],
    ['snapshot', ['meta', 'root']],
    ['snapshot', ['meta', 'targets']],
    ['snapshot', ['meta', 'targets/releases']],
  ] as const

  describe.each(places)('%s: %j', (role, place) => {
    const good = base64(sha256(utf8('x')))

    test.each<[string, Path, unknown]>([
      ['entry null', [], null],
      ['entry a list', [], []],
      ['length 0 [HASH-18]', ['length'], 0],
      ['length missing [HASH-18]', ['length'], undefined],
      ['length null [HASH-18]', ['length'], null],
      ['length -1 [HASH-19]', ['length'], -1],
      ['length -2 [HASH-20]', ['length'], -2],
      ['length of text [HASH-22]', ['length'], '473'],
      ['length with a fraction [HASH-22]', ['length'], 473.5],
      ['hashes missing [HASH-12]', ['hashes'], undefined],
      ['hashes null [HASH-12]', ['hashes'], null],
      ['hashes empty [HASH-12]', ['hashes'], {}],
      ['hashes a list', ['hashes'], [good]],
      ['a hash of null [HASH-12]', ['hashes', 'sha256'], null],
      ['only unknown algorithms [HASH-07]', ['hashes'], { md5: 'AAAA', blake2b: good }],
      ['only SHA256 in upper case [HASH-09]', ['hashes'], { SHA256: good }],
      ['only a name of Object.prototype', ['hashes'], { constructor: good }],
      ['a sha256 of 31 bytes [HASH-11]', ['hashes', 'sha256'], base64(new Uint8Array(31))],
      ['a sha256 of 33 bytes [HASH-11]', ['hashes', 'sha256'], base64(new Uint8Array(33))],
      ['a sha256 of 64 bytes [HASH-11]', ['hashes', 'sha256'], base64(new Uint8Array(64))],
      ['an empty sha256 [HASH-11]', ['hashes', 'sha256'], ''],
      ['a sha512 of 32 bytes [HASH-11]', ['hashes', 'sha512'], good],
      ['a sha256 without padding [HASH-13]', ['hashes', 'sha256'], good.replace('=', '')],
      ['a sha256 in hexadecimal', ['hashes', 'sha256'], 'a'.repeat(64)],
      ['LENGTH beside length', ['LENGTH'], 1],
      ['Hashes beside hashes', ['Hashes'], {}],
    ])('%s is malformed', (_, path, value) => {
      problem(role, wrapped(spoilt(DOCUMENTS[role], [...place, ...path], value)))
    })

    test('a length of 473.0 is malformed [HASH-22]', () => {
      const text = JSON.stringify({ signed: spoilt(DOCUMENTS[role], [...place, 'length'], 473), signatures: [] })
      expect(problem(role, text.replace('"length":473', '"length":473.0'))).toContain('length')
    })

    test.each<[string, Path, unknown]>([
      ['sha256 alone [HASH-01]', ['hashes', 'sha512'], undefined],
      ['sha512 alone', ['hashes', 'sha256'], undefined],
      ['an unknown algorithm beside them [HASH-08]', ['hashes', 'md5'], 'AAAA'],
      ['SHA256 beside sha256: chosen names [HASH-09]', ['hashes', 'SHA256'], 'AAAA'],
      ['custom', ['custom'], { a: 1, A: 2 }],
      ['a length of a petabyte: for the limits to refuse [HASH-21]', ['length'], 1e15],
    ])('%s: accepted', (_, path, value) => {
      expect(changed(role, [...place, ...path], value).metadata.version).toBe(1)
    })
  })

  test.each([
    ['timestamp', ['meta', 'snapshot']],
    ['timestamp', ['meta']],
    ['snapshot', ['meta', 'root']],
    ['snapshot', ['meta', 'targets']],
    ['snapshot', ['meta']],
  ] as const)('%s without %j is malformed', (role, path) => {
    problem(role, wrapped(spoilt(DOCUMENTS[role], path, undefined)))
    problem(role, wrapped(spoilt(DOCUMENTS[role], path, null)))
  })

  test.each([
    ['timestamp', 'Snapshot'],
    ['snapshot', 'Root'],
  ] as const)('%s with only %j is malformed: names of files are exact [JSON-09]', (role, name) => {
    const meta = Object(DOCUMENTS[role]['meta'])
    const renamed = Object.fromEntries(
      Object.entries(meta).map(([key, value]) => [key === name.toLowerCase() ? name : key, value]),
    )
    problem(role, wrapped(spoilt(DOCUMENTS[role], ['meta'], renamed)))
  })

  test('a snapshot may list roles of any name, and they stay apart [JSON-31]', () => {
    const entry = fileEntry(utf8('x'))
    const text = JSON.stringify({ signed: DOCUMENTS.snapshot, signatures: [] })
    const more = text.replace('"meta":{', `"meta":{"__proto__":${JSON.stringify(entry)},"Targets":${JSON.stringify(entry)},`)
    const { metadata } = parseSnapshot(utf8(more), { gun: GUN, role: 'snapshot' })
    expect([...metadata.meta.keys()]).toEqual(
      expect.arrayContaining(['__proto__', 'Targets', 'targets', 'root', 'targets/releases']),
    )
    expect(metadata.meta.get('constructor')).toBeUndefined()
  })
})

describe('targets', () => {
  const read = (document: Document, role = 'targets') => parseTargets(wrapped(document), { gun: GUN, role }).metadata
  const delegation = (over: Record<string, unknown>) =>
    spoilt(
      DOCUMENTS.targets,
      ['delegations', 'roles'],
      [{ name: 'targets/a', keyids: [alice.key.id], paths: [''], threshold: 1, ...over }],
    )

  test('names, keys and paths are unchanged', () => {
    const { targets, delegations } = read(DOCUMENTS.targets)
    expect([...targets.keys()].sort()).toEqual(['1.0', 'latest'])
    expect(plainJson(targets.get('1.0')?.custom ?? null)).toEqual({ note: 'hello' })
    expect(delegations.map(({ name, paths, threshold, keys }) => [name, paths, threshold, [...keys.keys()]])).toEqual([
      ['targets/releases', [''], 1, [alice.key.id, bob.key.id]],
      ['targets/alice', ['1.', '2.'], 1, [alice.key.id]],
    ])
  })

  test.each<[string, Path, unknown]>([
    ['roles hold null [JSON-13]', ['delegations', 'roles'], [null]],
    ['roles an object', ['delegations', 'roles'], {}],
    ['delegations a list', ['delegations'], []],
    ['delegations of text', ['delegations'], 'x'],
    ['targets a list', ['targets'], []],
    ['a target of null', ['targets', 'latest'], null],
    ['a target of negative length [HASH-23]', ['targets', 'latest', 'length'], -5],
    ['a target with a length of text [JSON-36]', ['targets', 'latest', 'length'], '5'],
    ['a target whose hash is not base64 [HASH-13]', ['targets', 'latest', 'hashes', 'sha256'], 'AAA'],
    ['a target whose hash is a number', ['targets', 'latest', 'hashes', 'sha256'], 1],
    ['a target with HASHES beside hashes', ['targets', 'latest', 'HASHES'], {}],
    ['a delegated key that is not its ID', ['delegations', 'keys', alice.key.id, 'keytype'], 'rsa'],
    ['Delegations beside delegations', ['Delegations'], null],
    ['TARGETS beside targets', ['TARGETS'], {}],
    ['Keys beside keys', ['delegations', 'Keys'], {}],
  ])('%s is malformed', (_, path, value) => {
    problem('targets', wrapped(spoilt(DOCUMENTS.targets, path, value)))
  })

  test.each<[string, Record<string, unknown>]>([
    ['no name', { name: undefined }],
    ['a base role', { name: 'root' }],
    ['itself', { name: 'targets' }],
    ['a name that climbs', { name: 'targets/../root' }],
    ['an empty segment', { name: 'targets//a' }],
    ['an upper-case name', { name: 'targets/A' }],
    ['a grandchild', { name: 'targets/a/b' }],
    ['a name of 256 characters', { name: `targets/${'a'.repeat(248)}` }],
    ['a threshold of 0', { threshold: 0 }],
    ['no threshold', { threshold: undefined }],
    ['an unlisted key', { keyids: ['f'.repeat(64)] }],
    ['paths of text', { paths: '' }],
    ['a path of null', { paths: [null] }],
    ['Name beside name', { Name: 'targets/b' }],
    ['PATHS beside paths', { PATHS: [''] }],
  ])('a delegation with %s is malformed', (_, over) => {
    problem('targets', wrapped(delegation(over)))
  })

  test('the problem of a target names its place', () => {
    expect(problem('targets', wrapped(spoilt(DOCUMENTS.targets, ['targets', '1.0', 'length'], -5)))).toMatch(
      /: signed\.targets\.1\.0\.length: \S/,
    )
    expect(problem('targets', wrapped(spoilt(DOCUMENTS.targets, ['targets', 'latest', 'HASHES'], {})))).toMatch(
      /: signed\.targets\.latest: member names differ only by case: hashes, HASHES$/,
    )
    expect(problem('targets', wrapped(spoilt(DOCUMENTS.targets, ['TARGETS'], {})))).toMatch(
      /: signed: member names differ only by case: targets, TARGETS$/,
    )
  })

  test('one role delegated to twice is malformed', () => {
    const role = { name: 'targets/a', keyids: [alice.key.id], paths: [''], threshold: 1 }
    problem('targets', wrapped(spoilt(DOCUMENTS.targets, ['delegations', 'roles'], [role, { ...role, keyids: [bob.key.id] }])))
  })

  test('a delegation delegates to its own children only', () => {
    const below = (name: string) => wrapped(delegation({ name }))
    expect(parse('targets', below('targets/a/b'), 'targets/a').role).toBe('targets/a')
    for (const name of ['targets/a', 'targets/b', 'targets/ab/c', 'targets/a/b/c']) problem('targets', below(name), 'targets/a')
  })

  test.each<[string, Path, unknown]>([
    ['targets', ['targets'], null],
    ['no targets', ['targets'], undefined],
    ['delegations [JSON-35]', ['delegations'], null],
    ['no delegations [JSON-35]', ['delegations'], undefined],
    ['empty delegations', ['delegations'], {}],
    ['delegations.roles', ['delegations', 'roles'], null],
  ])('null or a missing member for %s is empty, as Go writes it', (_, path, value) => {
    expect(read(spoilt(DOCUMENTS.targets, path, value)).version).toBe(1)
  })

  test('null for keys, keyids and paths is empty: the last key of a delegation was removed', () => {
    const empty = spoilt(delegation({ keyids: null, paths: null }), ['delegations', 'keys'], null)
    expect(read(empty).delegations).toMatchObject([{ name: 'targets/a', keys: new Map(), paths: [], threshold: 1 }])
  })

  test('a delegation may have fewer keys than its threshold: it is unusable, not malformed', () => {
    expect(read(delegation({ threshold: 9 })).delegations).toMatchObject([{ threshold: 9 }])
  })

  test.each(['__proto__', 'constructor', 'toString', 'prototype', '', '../../etc/passwd', 'v1-RC'])(
    'a target may be called %j, and no other is found by it [JSON-31, JSON-32, JSON-33]',
    (name) => {
      const entry = JSON.stringify(fileEntry(utf8('x')))
      const text = JSON.stringify({ signed: DOCUMENTS.targets, signatures: [] })
      const { metadata } = parseTargets(utf8(text.replace('"targets":{', `"targets":{${JSON.stringify(name)}:${entry},`)), {
        gun: GUN,
        role: 'targets',
      })
      expect(metadata.targets.get(name)?.length).toBe(1)
      expect(metadata.targets.size).toBe(3)
      expect(read(DOCUMENTS.targets).targets.get(name)).toBeUndefined()
    },
  )

  test('names that a publisher chose may differ by case alone; exact duplicates may not', () => {
    const text = JSON.stringify({ signed: DOCUMENTS.targets, signatures: [] })
    const entry = JSON.stringify(fileEntry(utf8('x')))
    const both = text.replace('"targets":{', `"targets":{"v1-RC":${entry},"v1-rc":${entry},`)
    expect(parse('targets', both).metadata).toMatchObject({ targets: { size: 4 } })
    expect(problem('targets', text.replace('"targets":{', `"targets":{"v1-rc":${entry},"v1-rc":${entry},`))).toMatch(/duplicate/)
    const custom = text.replace('"note":"hello"', '"note":1,"NOTE":2,"x":{"a":1,"A":[1.0]}')
    expect(parse('targets', custom).metadata.version).toBe(1)
    problem('targets', text.replace('"note":"hello"', '"note":1,"note":1'))
  })

  test('an unusable entry does not affect others: its hashes are checked when it is looked up [HASH-11, HASH-14]', () => {
    for (const hashes of [{}, null, { md5: 'AAAA' }, { sha256: 'AAAA' }, { sha256: null }]) {
      expect(read(spoilt(DOCUMENTS.targets, ['targets', 'latest', 'hashes'], hashes)).targets.size).toBe(2)
    }
  })
})

describe('a hostile file is refused in time that grows with its size alone', () => {
  const timed = (role: RoleName, file: Uint8Array | string) => {
    const started = performance.now()
    problem(role, file)
    expect(performance.now() - started).toBeLessThan(10_000)
  }

  test('half a million line breaks in a base64 text', () => {
    for (const sig of [
      `${'\n'.repeat(500_000)}!`,
      `${'A'.repeat(500_000)}!`,
      `${'='.repeat(500_000)}!`,
      `A${'\r\n'.repeat(250_000)}=`,
    ]) {
      timed('timestamp', wrapped(DOCUMENTS.timestamp, [{ keyid: 'x', method: 'ecdsa', sig }]))
    }
  })

  test('a hundred thousand wrong signatures', () => {
    timed(
      'timestamp',
      wrapped(
        DOCUMENTS.timestamp,
        Array.from({ length: 100_000 }, () => null),
      ),
    )
  })

  test('a date, a type and a name of a megabyte', () => {
    const long = '9'.repeat(1_000_000)
    for (const path of [['expires'], ['_type']]) timed('timestamp', wrapped(spoilt(DOCUMENTS.timestamp, path, long)))
    timed('targets', wrapped(spoilt(DOCUMENTS.targets, ['delegations', 'roles', 0, 'name'], `targets/${'a/'.repeat(500_000)}`)))
  })

  test('a key is made ready once, however many roles name it: 32 MiB hold half a million names', () => {
    const keys = Array.from({ length: 50 }, (_, at) => ed25519Signer(`many ${at}`).key)
    const keyids = keys.map(({ id }) => id)
    const roles = Array.from({ length: 20 }, (_, at) => ({ name: `targets/r${at}`, keyids, paths: [''], threshold: 1 }))
    const document = spoilt(DOCUMENTS.targets, ['delegations'], { keys: keyEntries(keys), roles })
    const fromBytes = vi.spyOn(Point, 'fromBytes')
    const { metadata } = parse('targets', wrapped(document))
    expect(metadata.version).toBe(1)
    expect(fromBytes, 'not before one is wanted').toHaveBeenCalledTimes(0)
    const delegations = 'delegations' in metadata ? metadata.delegations : []
    const used = delegations.flatMap((role) => [...role.keys.values()].map(({ verifying }) => verifying.kind))
    expect(used).toEqual(Array.from({ length: 20 * keys.length }, () => 'ed25519'))
    expect(fromBytes).toHaveBeenCalledTimes(keys.length)
  })
})

describe('a file that is not in canonical form has to be written anew', () => {
  /** Files with this many tags; each is four members, or five with a second hash. */
  const withTags = (tags: number, more: object, indent?: number): Uint8Array => {
    const entry = { hashes: { sha256: base64(sha256(utf8('x'))), ...more }, length: 528 }
    const targets = Object.fromEntries(Array.from({ length: tags }, (_, at) => [`v${at + 1_000_000}`, entry]))
    const signed = JSON.parse(canonicalOf({ ...targetsDocument(), delegations: null, targets })) as Document
    return utf8(JSON.stringify({ signatures: [], signed }, null, indent))
  }
  const identity = { gun: GUN, role: 'targets' }
  const tooMany = Math.ceil(MAX_VALUES_TO_REWRITE / 4)

  test('more members than the limit are refused, before anything is made of them', () => {
    try {
      parseTargets(withTags(tooMany, {}, 1), identity)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(UntrustedError)
      expect(error).toMatchObject({ code: 'ERR_METADATA_TOO_LARGE', evidence: { limit: MAX_VALUES_TO_REWRITE } })
    }
  })

  test('as many in canonical form are read, and 20,000 tags with two hashes in any form', () => {
    expect(parseTargets(withTags(tooMany, {}), identity).metadata.targets.size).toBe(tooMany)
    const sha512 = base64(new Uint8Array(64))
    expect(parseTargets(withTags(20_000, { sha512 }, 1), identity).metadata.targets.size).toBe(20_000)
  })
})
