/** A lock that an attacker, or a bad merge, edited in one place: no edit of a root or server lets anything through. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemoryStore, TrustError, verifyTag } from '../../src/index.js'
import { createLockfile, createTrustCollection } from '../../src/testing/index.js'

const GUN = 'docker.io/library/alpine'
const SERVER = 'https://notary.example'

const alpine = createTrustCollection(GUN, { tags: { '3.19': 'image' }, roles: { root: { keys: 2 } } }).publish()
// The lock follows a rotation, so an edit that makes it another root must not be bridged by the chain.
alpine.rotateRoot().publish()
const LOCKS = [true, false].map((embedRoot) => createLockfile([alpine], { server: SERVER, embedRoot, floors: true }))

type Path = readonly (string | number)[]

/** Every value below a value, itself included. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const members = Array.isArray(value) ? value.entries() : Object.entries(value)
  return [path, ...[...members].flatMap(([name, member]) => pathsOf(member, [...path, name]))]
}

const at = (value: unknown, path: Path): unknown => path.reduce((owner, name) => Reflect.get(Object(owner), name), value)

/** A copy with the value at a path changed, or removed when `value` is undefined. */
function edited(lock: object, path: Path, value: unknown): object {
  const copy = structuredClone(lock)
  const owner = Object(at(copy, path.slice(0, -1)))
  const name = path.at(-1) ?? ''
  if (value !== undefined) Reflect.set(owner, name, value)
  else if (Array.isArray(owner)) owner.splice(Number(name), 1)
  else Reflect.deleteProperty(owner, name)
  return copy
}

/** `trusted`, or the code of the error. Every error is a TrustError, and comes within a second or so. */
async function outcome(lockfile: object): Promise<string> {
  try {
    const options = { env: {}, disableContentTrust: false, server: SERVER, transport: alpine.transport(), now: () => alpine.now }
    const result = await verifyTag('alpine:3.19', { ...options, store: createMemoryStore(), lockfile, frozen: true })
    return result.status
  } catch (error) {
    if (error instanceof TrustError) return error.code
    throw error
  }
}

/** A value that differs a little from the given one, or in kind. */
function otherThan(value: unknown): fc.Arbitrary<unknown> {
  const strange = fc.constantFrom<unknown>(null, true, -1, 0, 1.5, 1e300, '', 'x', [], {}, [null], { toString: 'x' })
  const near =
    typeof value === 'number'
      ? fc.constantFrom(value + 1, value - 1, value + 0.5, String(value))
      : typeof value === 'string'
        ? fc
            .tuple(fc.nat(Math.max(0, value.length - 1)), fc.constantFrom('0', '1', 'f', ' ', '\n', '\u0000'))
            .map(([index, letter]) => {
              return value.slice(0, index) + letter + value.slice(index + 1)
            })
        : strange
  return fc.oneof(near, strange).filter((other) => JSON.stringify(other) !== JSON.stringify(value))
}

const DECISIVE = pathsOf(LOCKS[0]).filter(([, , member]) => member === 'root' || member === 'server')

test('the lock as it was made holds', async () => {
  for (const lock of LOCKS) expect(await outcome(lock)).toBe('trusted')
})

test('attack: one edit of server, version, hash, threshold, keys or file', async () => {
  const edit = fc
    .record({ lock: fc.constantFrom(...LOCKS), path: fc.constantFrom(...DECISIVE) })
    .filter(({ lock, path }) => at(lock, path) !== undefined)
    .chain(({ lock, path }) => {
      const value = at(lock, path)
      const isFile = path.at(-1) === 'file'
      // Without its bytes an entry still has their hash. A removed collection is ERR_NOT_LOCKED.
      return fc.record({
        lock: fc.constant(lock),
        path: fc.constant(path),
        value: isFile ? otherThan(value) : fc.option(otherThan(value), { nil: undefined, freq: 8 }),
      })
    })
  await fc.assert(
    fc.asyncProperty(edit, async ({ lock, path, value }) => {
      const code = await outcome(edited(lock, path, value))
      expect(
        ['ERR_SETTINGS_INVALID', 'ERR_LOCK_MISMATCH', 'ERR_NOT_LOCKED'],
        `${path.join('.')} = ${JSON.stringify(value)}`,
      ).toContain(code)
    }),
    { numRuns: 150 },
  )
})

test('a floor that is raised refuses, one that is lowered or removed refuses no more than without it', async () => {
  const [lock = {}] = LOCKS
  for (const role of ['targets', 'snapshot', 'timestamp']) {
    const path = ['collections', GUN, 'floors', role]
    expect(await outcome(edited(lock, path, Number(at(lock, path)) + 1)), role).toBe('ERR_LOCK_MISMATCH')
    expect(await outcome(edited(lock, path, undefined)), role).toBe('trusted')
  }
})

test('an unknown name is refused at every level, and the nearest name is told', async () => {
  const [lock = {}] = LOCKS
  const named = pathsOf(lock).filter((path) => typeof path.at(-1) === 'string' && path.at(-1) !== GUN && !path.includes('floors'))
  for (const path of named) {
    const name = String(path.at(-1))
    for (const [misspelt, isNear] of [
      [`${name}s`, true],
      [name.slice(1), true],
      ['zzzzzzzzzz', false],
    ] as const) {
      const lockfile = edited(lock, [...path.slice(0, -1), misspelt], 1)
      const error = await verifyTag('alpine:3.19', { env: {}, disableContentTrust: false, server: SERVER, lockfile }).catch(
        (cause) => cause,
      )
      expect(error).toMatchObject({
        code: 'ERR_SETTINGS_INVALID',
        message: expect.stringContaining(`unknown name "${misspelt}"`),
      })
      if (isNear && misspelt.length > 1) expect(error.hint, misspelt).toBe(`Did you mean ${name}?`)
    }
  }
})

test('hostile sizes end typed, at the door of the client', async () => {
  const deep = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`)
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`registry.example/${i}`, {}]))
  for (const lockfile of [
    deep,
    { version: 1, collections: many },
    { version: 1, collections: {}, more: 'x'.repeat(10 * 1024 * 1024) },
  ])
    expect(await outcome(lockfile)).toBe('ERR_SETTINGS_INVALID')
})
