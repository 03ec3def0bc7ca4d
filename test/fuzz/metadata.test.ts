/** Real files with changes: parsed or refused as malformed, and never another digest. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeJournal, encodeJournal } from '../../src/cache/journal.js'
import { createMemoryStore, createTrustClient, TrustError, UntrustedError } from '../../src/index.js'
import { canonicalJson } from '../../src/metadata/canonical-json.js'
import { parseJson } from '../../src/metadata/json.js'
import { JsonError, plainJson } from '../../src/metadata/json-value.js'
import { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from '../../src/metadata/parse.js'
import { createSimulatedTransport, createTrustCollection, type FileHolder } from '../../src/testing/index.js'
import { decodeTrustRecord } from '../../src/trust/trust-record.js'
import { bent, growth, LINEAR, misshapen, PATIENCE, REAL_FILES, runs } from './fuzz.js'

const FILES = REAL_FILES.map(({ bytes }) => bytes)
const PARSERS = [parseRoot, parseTimestamp, parseSnapshot, parseTargets]
const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

function parseAll(bytes: Uint8Array): void {
  for (const parse of PARSERS) {
    try {
      parse(bytes, { gun: 'registry.example/x', role: 'targets' })
    } catch (error) {
      if (!(error instanceof UntrustedError) || error.code !== 'ERR_METADATA_MALFORMED') throw error
    }
  }
}

describe('real files', { timeout: PATIENCE }, () => {
  test('with some bytes changed, are parsed or refused as malformed', () => {
    fc.assert(fc.property(bent(FILES), parseAll), runs(200))
  })

  test('with members of other shapes, are read or refused as malformed', () => {
    fc.assert(fc.property(misshapen(FILES), parseAll), runs(200))
  })

  test('with changes, are parsed as by JSON.parse, or refused', () => {
    fc.assert(
      fc.property(bent(FILES), (bytes) => {
        try {
          const value = parseJson(bytes)
          expect(plainJson(value)).toEqual(JSON.parse(Buffer.from(bytes).toString()))
          expect(canonicalJson(parseJson(canonicalJson(value)))).toEqual(canonicalJson(value))
        } catch (error) {
          if (!(error instanceof JsonError)) throw error
        }
      }),
      runs(200),
    )
  })
})

describe('a collection with one changed file', { timeout: PATIENCE }, () => {
  const collection = createTrustCollection('docker.io/library/alpine', { seed: 'fuzz' })
  collection.delegate('targets/releases').delegate('targets/alice')
  const digest = collection.sign('3.19', 'release', { role: 'targets/releases' })
  collection.sign('3.19', 'release', { role: 'targets/alice' })
  collection.publish()
  const files = collection.files()
  const names = [...files.keys()].sort()

  test('gives the honest digest or a TrustError', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.oneof(bent([...files.values()]), misshapen([...files.values()])),
        async (name, bytes) => {
          const holder: FileHolder = { gun: collection.gun, served: (asked) => (asked === name ? bytes : files.get(asked)) }
          const options = { env: {}, disableContentTrust: false, server: 'https://notary.example', now: () => collection.now }
          await using client = createTrustClient({
            ...options,
            transport: createSimulatedTransport([holder]),
            store: createMemoryStore(),
          })
          const answer = await client.verifyTag('alpine:3.19').catch((error: unknown) => error)
          if (!(answer instanceof TrustError)) expect(answer).toMatchObject({ status: 'trusted', digest })
        },
      ),
      runs(60),
    )
  })
})

describe('a changed file of the cache beside the metadata is parsed or ignored', { timeout: PATIENCE }, () => {
  const floor = { version: 3, content: 'a'.repeat(64), file: 'b'.repeat(64), keys: ['c'.repeat(64)] }
  const record = utf8(JSON.stringify({ version: 1, gun: 'x/y', roles: [{ role: 'root', ...floor }] }))
  const journal = encodeJournal('x/y', {
    metadata: new Map(REAL_FILES.slice(0, 2).map(({ role, bytes }) => [role, bytes])),
    floors: record,
  })

  test('version floors', () => {
    fc.assert(
      fc.property(fc.oneof(bent([record]), misshapen([record])), (bytes) => void decodeTrustRecord(bytes, 'x/y')),
      runs(200),
    )
  })

  test('the journal', () => {
    fc.assert(
      fc.property(fc.oneof(bent([journal]), misshapen([journal])), (bytes) => void decodeJournal(bytes, 'x/y')),
      runs(200),
    )
  })
})

describe('time grows with size alone', { retry: 3, timeout: PATIENCE }, () => {
  const read = (bytes: Uint8Array): unknown => {
    try {
      return parseJson(bytes)
    } catch (error) {
      return error
    }
  }

  test.each<[string, (size: number) => string]>([
    ['members', (size) => `{${Array.from({ length: size }, (_, at) => `"m${at}":${at}`).join()}}`],
    ['items', (size) => `[${'1,'.repeat(size)}1]`],
    ['escapes', (size) => `"${'\\u00e9'.repeat(size)}"`],
    ['backslashes without an end', (size) => `"${'\\\\'.repeat(size)}`],
    ['pairs of surrogates', (size) => `"${'\u{1f433}'.repeat(size)}"`],
    ['white space', (size) => `${' \n'.repeat(size)}1`],
    ['digits', (size) => `1${'0'.repeat(size)}`],
    ['digits after the point', (size) => `0.${'1'.repeat(size)}`],
    ['brackets', (size) => '['.repeat(size)],
  ])('of %s', (what, make) => {
    expect(growth((size) => utf8(make(size)), read, what === 'members' ? 500 : 20_000)).toBeLessThan(LINEAR)
  })

  test('of texts that are written canonically', () => {
    const make = (size: number) =>
      parseJson(utf8(JSON.stringify({ a: '"\\'.repeat(size), b: Array.from({ length: size }, (_, at) => `${at}`) })))
    expect(growth(make, canonicalJson, 2000)).toBeLessThan(LINEAR)
  })

  test.each<[string, (size: number) => object]>([
    [
      'targets',
      (size) => ({
        targets: Object.fromEntries(
          Array.from({ length: size }, (_, at) => [`t${at}`, { length: 1, hashes: { sha256: 'AAAA' } }]),
        ),
      }),
    ],
    [
      'delegations',
      (size) => ({
        delegations: {
          keys: {},
          roles: Array.from({ length: size }, (_, at) => ({ name: `targets/d${at}`, keyids: [], threshold: 1, paths: [''] })),
        },
      }),
    ],
    [
      'signatures',
      (size) => ({ signatures: Array.from({ length: size }, () => ({ keyid: 'x', method: 'ecdsa', sig: 'AAAA' })) }),
    ],
  ])('of %s in a file', (_, make) => {
    const common = { _type: 'Targets', version: 1, expires: '2030-01-01T00:00:00Z', targets: {}, delegations: {} }
    const file = (size: number): Uint8Array => {
      const { signatures = [], ...signed } = { ...make(size) } as { signatures?: unknown }
      return utf8(JSON.stringify({ signed: { ...common, ...signed }, signatures }))
    }
    expect(growth(file, (bytes) => parseTargets(bytes, { gun: 'x/y', role: 'targets' }), 200)).toBeLessThan(LINEAR)
  })
})
