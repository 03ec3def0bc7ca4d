import { expect, test } from 'vitest'
import { UntrustedError } from '../../src/errors.js'
import { changeLines } from '../../src/lockfile/changes.js'
import { type Found, judgeLock } from '../../src/lockfile/judge-lock.js'
import { bridgeFromLock, isExpected, lockEntry, lockedChain } from '../../src/lockfile/lock-entry.js'
import { rootChangedLines } from '../../src/lockfile/lock-refusals.js'
import { fingerprint, type LockEntry, readFingerprint } from '../../src/lockfile/lockfile.js'
import { createTrustCollection } from '../../src/testing/index.js'
import { chainOf, collectionOf, entryOf, GUN, rootFile, SERVER, walk } from './locks.js'

const SUBJECT = { gun: GUN, file: 'content-trust.lock.json' }

function judge(entry: LockEntry, found: Partial<Found> & Pick<Found, 'chain'>) {
  return judgeLock(SUBJECT, entry, { leadsFromLock: false, server: SERVER, ...found })
}

function refusal(act: () => unknown): UntrustedError {
  try {
    act()
  } catch (cause) {
    if (cause instanceof UntrustedError) return cause
    throw cause
  }
  throw new Error('accepted')
}

const rotated = collectionOf()
for (let i = 0; i < 3; i++) rotated.rotateRoot().publish()
const locked = entryOf(rotated, 1)

test('the same root holds, whatever the server publishes meanwhile', () => {
  const collection = collectionOf()
  const entry = entryOf(collection)
  collection.sign('3.20', 'other')
  collection.publish()
  expect(judge(entry, { chain: chainOf(collection) })).toEqual({ kind: 'holds', changes: [] })
})

test('a rotation of another role changes nothing that is decisive', () => {
  const collection = collectionOf()
  const entry = entryOf(collection)
  collection.rotateKey('timestamp').publish()
  const start = lockedChain(GUN, entry)
  const chain = walk(start ?? chainOf(collection), [rootFile(collection, 2)])
  const verdict = judge(entry, { chain, leadsFromLock: true })
  expect(verdict.kind).toBe('holds')
  expect(verdict.changes).toEqual([{ what: 'root-version', before: 1, after: 2, decisive: false }])
})

test('three real rotations are followed from the lock, and told', () => {
  const start = lockedChain(GUN, locked)
  if (start === undefined) throw new Error('no chain')
  const chain = walk(
    start,
    [2, 3, 4].map((version) => rootFile(rotated, version)),
  )
  const { kind, changes } = judge(locked, { chain, leadsFromLock: true })
  expect(kind).toBe('rotated')
  expect(changes.map(({ what }) => what)).toEqual(['key-removed', 'key-added', 'root-version'])
  expect(changes.flatMap(changeLines)[0]).toMatch(
    /^- root key SHA256:[A-Za-z0-9+/]{43} \([0-9a-f]{64}, ecdsa-x509, listed as [0-9a-f]{64}\)$/,
  )
})

test('a newer root without a verified chain is refused: both fingerprints in both spellings, what it means, what to do', () => {
  const made = collectionOf(GUN, { seed: 'made anew' })
  made.rotateRoot().publish()
  const error = refusal(() => judge(locked, { chain: chainOf(made, 2) }))
  expect(error.code).toBe('ERR_LOCK_MISMATCH')
  const offered = entryOf(made, 2)
  for (const { canonicalId } of [...locked.root.keys, ...offered.root.keys]) {
    const { hex, ssh } = fingerprint(canonicalId)
    for (const text of [error.message, rootChangedLines(SUBJECT, locked, offered).join('\n')]) {
      expect(text).toContain(hex)
      expect(text).toContain(ssh)
    }
  }
  expect(error.hint).toMatch(/Compare .* publisher.* only then: dct lock --update --expect SHA256:/)
  expect(error.evidence).toMatchObject({ lockedVersion: 1, offeredVersion: 2 })
})

test('another root of the same version is refused', () => {
  expect(refusal(() => judge(locked, { chain: chainOf(collectionOf(GUN, { seed: 'x' })) })).code).toBe('ERR_LOCK_MISMATCH')
})

test('an older root is refused, a chain or not', () => {
  const newer = entryOf(rotated, 3)
  for (const leadsFromLock of [true, false]) {
    const error = refusal(() => judge(newer, { chain: chainOf(rotated, 2), leadsFromLock }))
    expect(error.code).toBe('ERR_LOCK_MISMATCH')
    expect(error.message).toContain('version 2')
  }
})

test('another server is refused even when the chain holds; another spelling of it is not', () => {
  const chain = chainOf(rotated)
  expect(refusal(() => judge(locked, { chain, server: 'https://evil.example' })).code).toBe('ERR_LOCK_MISMATCH')
  expect(refusal(() => judge(locked, { chain, server: 'https://notary.example/prefix' })).code).toBe('ERR_LOCK_MISMATCH')
  expect(refusal(() => judge(locked, { chain, server: 'https://notary.example:4443' })).code).toBe('ERR_LOCK_MISMATCH')
  for (const server of ['https://notary.example/', 'https://NOTARY.example:443', 'https://notary.example.'])
    expect(judge(locked, { chain, server }).kind).toBe('holds')
})

test('a version below a locked floor is refused; an unknown role is not invented', () => {
  const entry = { ...locked, floors: new Map([['targets', 5]]) }
  const chain = chainOf(rotated)
  const error = refusal(() => judge(entry, { chain, versions: new Map([['targets', 4]]) }))
  expect(error).toMatchObject({ code: 'ERR_LOCK_MISMATCH', role: 'targets', evidence: { version: 4, floor: 5 } })
  expect(refusal(() => judge(entry, { chain, versions: new Map([['targets', Number.NaN]]) })).code).toBe('ERR_LOCK_MISMATCH')
  for (const version of [5, 6]) expect(judge(entry, { chain, versions: new Map([['targets', version]]) }).kind).toBe('holds')
})

test('a certificate renewed for the same key is no new decision', () => {
  const [key] = rotated.keys('root')
  const entry = entryOf(rotated, 4)
  const renewed: LockEntry = {
    ...entry,
    root: {
      ...entry.root,
      version: 3,
      sha256: 'c'.repeat(64),
      keys: entry.root.keys.map((one) => ({ ...one, id: 'a'.repeat(64) })),
    },
  }
  expect(key).toBeDefined()
  const verdict = judge(renewed, { chain: chainOf(rotated, 4), leadsFromLock: true })
  expect(verdict.kind).toBe('holds')
  expect(verdict.changes.map(({ what }) => what)).toEqual(['certificate', 'root-version'])
})

test('without the bytes of the root, those that a server offers must be the locked ones', () => {
  const {
    root: { file, ...root },
    ...rest
  } = locked
  const bare: LockEntry = { ...rest, root }
  expect(lockedChain(GUN, bare)).toBeUndefined()
  expect(lockedChain(GUN, bare, file)?.version).toBe(1)
  expect(refusal(() => lockedChain(GUN, bare, rootFile(rotated, 2))).code).toBe('ERR_LOCK_MISMATCH')
  for (const changed of [{ threshold: 2 }, { version: 2 }, { keys: [] }])
    expect(refusal(() => lockedChain(GUN, { ...bare, root: { ...root, ...changed } }, file)).code).toBe('ERR_LOCK_MISMATCH')
})

test('a lock without bytes whose keys were edited does not pass beside the real root', () => {
  const {
    root: { file: _, ...root },
    ...rest
  } = locked
  const keys = root.keys.map((key) => ({ ...key, canonicalId: 'b'.repeat(64) }))
  expect(refusal(() => judge({ ...rest, root: { ...root, keys } }, { chain: chainOf(rotated), leadsFromLock: true })).code).toBe(
    'ERR_LOCK_MISMATCH',
  )
})

test('a root that is bridged counts as a chain only when the locked keys sign it', () => {
  const gap = collectionOf()
  const entry = entryOf(gap)
  const first = gap.keys('root')
  gap.rotateRoot().rotateRoot({ alsoSignedBy: first }).publish()
  const start = lockedChain(GUN, entry)
  if (start === undefined) throw new Error('no chain')
  expect(bridgeFromLock(start, rootFile(gap, 3)).version).toBe(3)
  expect(refusal(() => bridgeFromLock(start, rootFile(collectionOf(GUN, { seed: 'x', rotations: [{}, {}] }), 3))).code).toBe(
    'ERR_ROOT_ROTATION',
  )
})

test('an expected key must have signed: one that is only listed proves nothing', () => {
  const both = collectionOf(GUN, { roles: { root: { keys: 2, threshold: 1 } } })
  const chain = chainOf(both)
  const ids = lockEntry({ chain, server: SERVER }).root.keys.map(({ canonicalId }) => canonicalId)
  for (const id of ids) expect(isExpected(chain, new Set([id]))).toBe(true)
  expect(isExpected(chain, new Set(['f'.repeat(64)]))).toBe(false)
  const half = createTrustCollection(GUN, { roles: { root: { keys: 2, threshold: 1 } } })
  half.tamper('root', { after: (envelope) => void envelope.signatures.pop() }).publish()
  const [signer, listed] = half
    .keys('root')
    .map(
      ({ id }) => lockEntry({ chain: chainOf(half), server: SERVER }).root.keys.find((key) => key.id === id)?.canonicalId ?? '',
    )
  expect(isExpected(chainOf(half), new Set([signer ?? '']))).toBe(true)
  expect(isExpected(chainOf(half), new Set([listed ?? '']))).toBe(false)
})

test('a fingerprint is read in both spellings and in no third', () => {
  const hex = locked.root.keys[0]?.canonicalId ?? ''
  const { ssh } = fingerprint(hex)
  expect(readFingerprint(hex)).toBe(hex)
  expect(readFingerprint(hex.toUpperCase())).toBe(hex)
  expect(readFingerprint(ssh)).toBe(hex)
  expect(readFingerprint(`${ssh}=`)).toBe(hex)
  for (const text of ['', 'SHA256:', ssh.slice(0, -1), `${hex}0`, `MD5:${hex}`, `${ssh}\n`, ` ${ssh}`])
    expect(readFingerprint(text)).toBeUndefined()
})
