/** Any text in config.json or DOCKER_AUTH_CONFIG gives a value or a typed error, and no message holds a secret. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dockerCredentials } from '../../src/credentials/docker-config.js'
import { type GoJson, GoObject, NotJson, readFirstValue } from '../../src/credentials/go-json.js'
import { TrustError } from '../../src/errors.js'
import { bent, PATIENCE, runs } from '../fuzz/fuzz.js'

/** It cannot be a part of the name of a helper or host, because messages hold such names. */
const SECRET = 'pl4nted:secret'
const ENCODED = Buffer.from(`me:${SECRET}`).toString('base64')
const TELLTALE = new RegExp(`pl4nted|${ENCODED.slice(4, -4)}`)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-any-'))
})
afterAll(() => rm(folder, { recursive: true }))

const value = fc.oneof(
  fc.constantFrom(
    'missing',
    SECRET,
    ENCODED,
    Buffer.from(SECRET).toString('base64'),
    `/${SECRET}`,
    `${SECRET}\r\n`,
    '',
    null,
    7,
    true,
  ),
  fc.constantFrom([], [SECRET], {}, { auth: SECRET }),
)
const hosts = [
  'host',
  'https://host/v1/',
  'HOST',
  'host:443',
  `https://u:${SECRET}@host:443/${SECRET}?${SECRET}`,
  `me:${SECRET}@host`,
]
const key = fc.constantFrom(...hosts, `https://${SECRET}@h\u0000st`, '__proto__', 'constructor', 'other.example', 'docker.io', '')
const member = fc.constantFrom('auth', 'Auth', 'username', 'password', 'identitytoken', 'registryToken', '__proto__', 'more')
const entry = fc.oneof(value, fc.dictionary(member, value, { noNullPrototype: true }))
const section = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.tuple(key, entry), { maxLength: 5 }) },
  { weight: 1, arbitrary: value },
)
const name = fc.constantFrom(
  'auths',
  'AUTHS',
  'auth\u017f',
  'credHelpers',
  'credsStore',
  'CREDSSTORE',
  '__proto__',
  SECRET,
  'HttpHeaders',
)

/** Objects with members in any order, also repeated ones, which JSON.stringify cannot write. */
const object = (members: readonly (readonly [string, string])[]): string =>
  `{${members.map(([one, text]) => `${JSON.stringify(one)}:${text}`).join(',')}}`
const isMembers = (one: unknown): one is [string, unknown][] => Array.isArray(one) && one.every(Array.isArray)
const written = (one: unknown): string =>
  isMembers(one) ? object(one.map(([k, v]) => [k, JSON.stringify(v)] as const)) : JSON.stringify(one)
const whole = fc
  .tuple(fc.array(fc.tuple(name, section), { maxLength: 6 }), fc.constantFrom('', ' ', '}', `${SECRET}`, '{}'))
  .map(([members, rest]) => object(members.map(([one, it]) => [one, written(it)] as const)) + rest)
const cut = fc.tuple(whole, fc.nat(400)).map(([text, at]) => text.slice(0, at))
const honest = object([['auths', object([['host', `{"auth":"${ENCODED}","identitytoken":"${SECRET}"}`]])]])
const text = fc.oneof(
  { weight: 4, arbitrary: whole },
  { weight: 2, arbitrary: cut },
  fc.json(),
  fc.constantFrom('['.repeat(200_000), '{"a":'.repeat(200_000), `"${SECRET}`, `{"auths":{"host":${SECRET}}}`),
  bent([new TextEncoder().encode(honest)]).map((bytes) => new TextDecoder().decode(bytes)),
)

/** One example for each possible result. */
const EXAMPLES: [string, string | undefined][] = [
  [honest, undefined],
  ['', honest],
  ['', undefined],
  ['{', undefined],
  ['{"credsStore":"missing"}', undefined],
  [`{"auths":{"host":{"auth":"${SECRET}"}}}`, undefined],
]

test('gives credentials, none or a TrustError, and no text holds a secret', { timeout: PATIENCE }, async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(text, fc.option(text, { nil: undefined }), async (config, variable) => {
      await writeFile(join(folder, 'config.json'), config)
      const env = variable === undefined ? {} : { DOCKER_AUTH_CONFIG: variable }
      const source = dockerCredentials({ dockerConfig: folder, env })
      const outcome = (asked: Promise<unknown>): Promise<unknown> => asked.catch((cause: unknown) => cause)
      const found = await outcome(source.get('host'))
      const told = [await outcome(source.explain('host')), await outcome(source.describe('host'))]
      for (const answer of [found, ...told]) {
        if (answer instanceof Error && !(answer instanceof TrustError)) throw answer
        seen.add(answer instanceof TrustError ? answer.code : typeof answer)
        // Only credentials may hold secrets.
        if (answer !== found || answer instanceof TrustError) {
          expect(inspect(answer, { depth: 9, showHidden: true })).not.toMatch(TELLTALE)
        }
      }
      expect(source.problems().join('\n')).not.toMatch(TELLTALE)
      expect(source.problems().length).toBeLessThanOrEqual(2)
    }),
    { ...runs(400), examples: EXAMPLES },
  )
  // Each kind of result has occurred.
  expect([...seen].sort()).toEqual(
    expect.arrayContaining(['ERR_SETTINGS_INVALID', 'ERR_UNAUTHORIZED', 'object', 'string', 'undefined']),
  )
})

/** The value as JSON.parse gives it. */
function plain(value: GoJson | undefined): unknown {
  if (Array.isArray(value)) return value.map(plain)
  return value instanceof GoObject ? Object.fromEntries(value.members.map(([one, it]) => [one, plain(it)])) : value
}

test('a text that JSON.parse accepts gives the same value; one that it refuses is refused, or has text after its first value', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), cut), (json) => {
      let expected: unknown
      let isJson = true
      try {
        expected = JSON.parse(json)
      } catch {
        isJson = false
      }
      try {
        const { value: read, rest } = readFirstValue(json)
        if (isJson) expect([plain(read), rest.trim()]).toEqual([expected, ''])
        else expect(read === undefined || rest.trim() !== '').toBe(true)
      } catch (cause) {
        if (!(cause instanceof NotJson) || isJson) throw cause
      }
    }),
    runs(1_000),
  )
})
