/** Texts that people, servers and files give us: typed errors or nothing, in a time that grows with their size alone. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDockerConfig } from '../../src/credentials/docker-config.js'
import { parseChallenges } from '../../src/http/auth/challenge.js'
import { UsageError } from '../../src/index.js'
import { parseDate } from '../../src/metadata/date.js'
import { parseGun, parseReference, parseRepository } from '../../src/reference/reference.js'
import { parseServer } from '../../src/trust-server/notary-url.js'
import { bent, growth, LINEAR, misshapen, PATIENCE, runs } from './fuzz.js'

const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

/** What a parser gives, or the error that it may throw. */
function outcome(code: string, parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    if (error instanceof UsageError && error.code === code) return error
    throw error
  }
}

/** Honest texts with other pieces in them. */
function spoiled(honest: readonly string[], pieces: readonly string[]): fc.Arbitrary<string> {
  const edit = fc.tuple(fc.nat(300), fc.nat(3), fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3, unit: 'binary' })))
  return fc.tuple(fc.constantFrom(...honest), fc.array(edit, { maxLength: 4 })).map(([text, edits]) =>
    edits.reduce((sofar, [at, gone, put]) => {
      const place = at % (sofar.length + 1)
      return `${sofar.slice(0, place)}${put}${sofar.slice(place + gone)}`
    }, text),
  )
}

describe('changed texts', { timeout: PATIENCE }, () => {
  const digest = `sha256:${'a'.repeat(64)}`

  test('of references are read or refused as such', () => {
    const text = spoiled(
      ['alpine:3.19', `registry.example:5000/a/b:v1@${digest}`, `[2001:db8::1]:5000/x@${digest}`, 'localhost/a__b.c-d'],
      [':', '@', '/', '..', '__', '-', '.', '[', ']', 'A', digest, ' ', '\n', 'é', '\0'],
    )
    fc.assert(
      fc.property(text, (reference) => {
        for (const parse of [parseReference, parseRepository, parseGun]) outcome('ERR_REFERENCE_INVALID', () => parse(reference))
      }),
      runs(1000),
    )
  })

  test('of server addresses are read as https or refused', () => {
    const text = spoiled(
      ['https://notary.docker.io', 'https://host.example:4443/prefix/', 'https://[::1]:8443'],
      ['http:', '//', '@', ':', '%2f', '?', '#', '\\', '..', ' ', '\t', 'é', '0x7f.1', '[', ']', ':99999'],
    )
    fc.assert(
      fc.property(text, (address) => {
        const server = outcome('ERR_SETTINGS_INVALID', () => parseServer(address))
        if (!(server instanceof UsageError))
          expect(server).toMatchObject({ url: { protocol: 'https:', username: '', password: '', hash: '', search: '' } })
      }),
      runs(1000),
    )
  })

  test('of dates are the moment that Date sees in them, or nothing', () => {
    const text = spoiled(
      ['2036-06-30T12:34:56Z', '2036-02-29T23:59:59.123456789+05:30', '0001-01-01T00:00:00-23:59'],
      ['0', '9', '60', '24', '31', '-', ':', '.', ',', 'Z', 'z', 't', '+', ' ', '\u0660'],
    )
    fc.assert(
      fc.property(text, (date) => {
        const found = parseDate(date)
        if (found !== undefined) expect(found).toBe(new Date(date).getTime())
      }),
      runs(2000),
    )
  })

  test('of challenges are read, with names in lower case', () => {
    const text = spoiled(
      [
        'Bearer realm="https://auth.example/token",service="s",scope="repository:a/b:pull"',
        'Basic realm="x", Bearer a=b',
        'Negotiate YII=',
      ],
      ['"', '\\', '=', ',', ' ', '\t', 'realm', 'Bearer', 'é', '\0', '\\"'],
    )
    fc.assert(
      fc.property(fc.array(text, { maxLength: 3 }), (headers) => {
        for (const { scheme, parameters } of parseChallenges(headers))
          for (const name of [scheme, ...parameters.keys()]) expect(name).toMatch(/^[!#$%&'*+.^_`|~0-9a-z-]+$/)
      }),
      runs(1000),
    )
  })
})

describe("Docker's config.json", { timeout: PATIENCE }, () => {
  const SECRET = 'correct-horse'
  const honest = utf8(
    JSON.stringify({
      auths: {
        'https://index.docker.io/v1/': { auth: Buffer.from(`user:${SECRET}`).toString('base64') },
        'registry.example': { username: 'user', password: SECRET, identitytoken: SECRET },
        'other.example': {},
      },
      credHelpers: { 'third.example': 'helper' },
      credsStore: 'store',
      HttpHeaders: { 'User-Agent': 'x' },
    }),
  )
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dct-fuzz-'))
  })

  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('with changes, is parsed or refused as a setting, and no error holds a secret', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(bent([honest]), misshapen([honest])), async (bytes) => {
        await writeFile(join(folder, 'config.json'), bytes)
        const error = await readDockerConfig(folder).then(
          () => undefined,
          (cause: unknown) => cause,
        )
        if (error === undefined) return
        if (!(error instanceof UsageError) || error.code !== 'ERR_SETTINGS_INVALID') throw error
        expect(JSON.stringify(error)).not.toContain(SECRET)
        expect(String(error.stack)).not.toContain(SECRET)
      }),
      runs(300),
    )
  })
})

describe('time grows with size alone', { retry: 3, timeout: PATIENCE }, () => {
  test.each<[string, (size: number) => string]>([
    ['components', (size) => 'a/'.repeat(size)],
    ['separators', (size) => `a${'_'.repeat(size)}`],
    ['dashes', (size) => `a${'-'.repeat(size)}!`],
    ['labels of a host', (size) => `${'a.'.repeat(size)}b/c`],
    ['colons', (size) => ':'.repeat(size)],
    ['at signs', (size) => `a${'@'.repeat(size)}`],
    ['an address in brackets', (size) => `[${'a:'.repeat(size)}/x`],
  ])('of a reference: %s', (_, make) => {
    const work = (text: string): void => {
      for (const parse of [parseReference, parseRepository, parseGun]) outcome('ERR_REFERENCE_INVALID', () => parse(text))
    }
    expect(growth(make, work, 200)).toBeLessThan(LINEAR)
    expect(growth(make, work, 20_000)).toBeLessThan(LINEAR)
  })

  test.each<[string, (size: number) => string]>([
    ['quoted pairs', (size) => `Bearer a="${'\\"'.repeat(size)}`],
    ['parameters', (size) => `Bearer ${'a=b,'.repeat(size)}`],
    ['schemes', (size) => 'Basic '.repeat(size)],
    ['white space', (size) => `Bearer${' '.repeat(size)}\0`],
    ['tokens', (size) => `Bearer ${'a'.repeat(size)}\0`],
    ['signs of equality', (size) => `Bearer a${'='.repeat(size)}`],
  ])('of a challenge: %s', (_, make) => {
    const work = (header: string): unknown => parseChallenges([header])
    expect(growth((size) => make(size), work, 300)).toBeLessThan(LINEAR)
  })

  test.each<[string, (size: number) => string]>([
    ['digits of a fraction', (size) => `2036-06-30T12:34:56.${'1'.repeat(size)}Z`],
    ['digits', (size) => '2'.repeat(size)],
  ])('of a date: %s', (_, make) => {
    expect(growth(make, parseDate, 100_000)).toBeLessThan(LINEAR)
  })
})
