import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createTrustCollection, type SigningKey, type TrustCollection } from '../../src/testing/index.js'

const GUN = 'docker.io/library/alpine'

interface File {
  signed: {
    _type: string
    version: number
    expires: string
    meta: Record<string, { length: number; hashes: Record<string, string> }>
    targets: Record<string, unknown>
    roles: Record<string, { keyids: string[]; threshold: number }>
    delegations: { keys: object; roles: { name: string; keyids: string[] }[] }
  }
  signatures: { keyid: string; method: string; sig: string }[]
}

function bytesOf(collection: TrustCollection, name: string): Buffer {
  const bytes = collection.served(name)
  if (bytes === undefined) throw new Error(`no ${name}`)
  return Buffer.from(bytes)
}

const read = (collection: TrustCollection, name: string) => JSON.parse(bytesOf(collection, name).toString()) as File
const sha256 = (bytes: Uint8Array, encoding: 'hex' | 'base64' = 'hex') => createHash('sha256').update(bytes).digest(encoding)

function versions(collection: TrustCollection): Record<string, number> {
  const names = [...collection.files().keys()].filter((name) => !/\.[0-9a-f]{64}$|^\d+\.root$/.test(name))
  return Object.fromEntries(names.map((name) => [name, read(collection, name).signed.version]))
}

/** OpenSSL alone, not the reader under test. Canonical wire form and no odd characters: the signed part stands there as it is. */
function isSignedBy(file: Buffer, { id, pair }: SigningKey): boolean {
  const { signatures } = JSON.parse(file.toString()) as File
  const signature = signatures.find(({ keyid }) => keyid === id)
  const message = Buffer.from(file.toString().match(/^\{"signed":(\{.*\}),"signatures":/)?.[1] ?? '')
  const key = createPublicKey({ key: pair.publicKey.export({ type: 'spki', format: 'der' }), format: 'der', type: 'spki' })
  const sig = Buffer.from(signature?.sig ?? '', 'base64')
  return signature !== undefined && verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, sig)
}

describe('a publication', () => {
  test('signs every role with its key, over the canonical form', () => {
    const collection = createTrustCollection(GUN)
    collection.delegate('targets/releases').sign('3.19', 'x', { role: 'targets/releases' })
    collection.publish()
    for (const role of ['root', 'timestamp', 'snapshot', 'targets', 'targets/releases']) {
      const [key] = collection.keys(role)
      expect(key !== undefined && isSignedBy(bytesOf(collection, role), key), role).toBe(true)
    }
  })

  test('lists each file below with its length and hashes, and serves it under its hash', () => {
    const collection = createTrustCollection(GUN)
    collection.delegate('targets/releases').sign('3.19', 'x', { role: 'targets/releases' })
    collection.publish()
    const { meta } = read(collection, 'snapshot').signed
    expect(Object.keys(meta).sort()).toEqual(['root', 'targets', 'targets/releases'])
    for (const [role, { length, hashes }] of Object.entries({ ...meta, ...read(collection, 'timestamp').signed.meta })) {
      const bytes = bytesOf(collection, role)
      expect(length).toBe(bytes.length)
      expect(hashes['sha256']).toBe(sha256(bytes, 'base64'))
      expect(bytesOf(collection, `${role}.${sha256(bytes)}`)).toEqual(bytes)
    }
    expect(bytesOf(collection, '1.root')).toEqual(bytesOf(collection, 'root'))
  })

  test('numbers what changed, snapshot and timestamp; root only with new keys', () => {
    const collection = createTrustCollection(GUN)
    collection.delegate('targets/releases')
    collection.sign('1', 'x', { role: 'targets/releases' })
    collection.publish()
    expect(versions(collection)).toEqual({ root: 1, targets: 1, 'targets/releases': 1, snapshot: 1, timestamp: 1 })
    collection.sign('2', 'x', { role: 'targets/releases' })
    collection.publish()
    expect(versions(collection)).toEqual({ root: 1, targets: 1, 'targets/releases': 2, snapshot: 2, timestamp: 2 })
    collection.publish()
    expect(versions(collection)).toEqual({ root: 1, targets: 1, 'targets/releases': 2, snapshot: 2, timestamp: 2 })
    collection.touchTimestamp()
    expect(versions(collection)).toEqual({ root: 1, targets: 1, 'targets/releases': 2, snapshot: 2, timestamp: 3 })
    collection.rotateKey('snapshot').publish()
    expect(versions(collection)).toEqual({ root: 2, targets: 1, 'targets/releases': 2, snapshot: 3, timestamp: 4 })
    collection.rotateRoot().rotateRoot().publish()
    expect(versions(collection)).toEqual({ root: 4, targets: 1, 'targets/releases': 2, snapshot: 4, timestamp: 5 })
    for (const version of [1, 2, 3, 4]) expect(read(collection, `${version}.root`).signed.version).toBe(version)
    collection.undelegate('targets/releases').publish()
    expect(versions(collection)).toEqual({ root: 4, targets: 2, snapshot: 5, timestamp: 6 })
  })

  test('keeps old files, and gives each role the lifetime that Notary gives', () => {
    const collection = createTrustCollection(GUN)
    collection.sign('1', 'x')
    collection.publish()
    const before = collection.files()
    collection.sign('2', 'x')
    collection.publish({ at: new Date('2026-04-01T00:00:00Z') })
    for (const [name, bytes] of before) if (/\.[0-9a-f]{64}$|\.root$/.test(name)) expect(collection.served(name)).toEqual(bytes)
    expect(read(collection, 'root').signed.expires).toBe('2036-03-01T12:00:00.000Z')
    expect(read(collection, 'targets').signed.expires).toBe('2029-04-01T00:00:00.000Z')
    expect(read(collection, 'snapshot').signed.expires).toBe('2029-04-01T00:00:00.000Z')
    expect(read(collection, 'timestamp').signed.expires).toBe('2026-04-15T00:00:00.000Z')
  })

  test('an expiry or a version that was set counts once; numbers go on from it', () => {
    const collection = createTrustCollection(GUN)
    collection.setExpiry('targets', new Date('2026-05-01T00:00:00Z')).setVersion('targets', 7).publish()
    expect(read(collection, 'targets').signed).toMatchObject({ version: 7, expires: '2026-05-01T00:00:00.000Z' })
    collection.sign('1', 'x')
    collection.publish()
    expect(read(collection, 'targets').signed).toMatchObject({ version: 8, expires: '2029-03-01T12:00:00.000Z' })
  })

  test('names like __proto__ are names', () => {
    const collection = createTrustCollection(GUN)
    collection.sign('__proto__', 'x')
    collection.publish()
    expect(bytesOf(collection, 'targets').toString()).toContain('"targets":{"__proto__":{"hashes"')
    collection.remove('__proto__').publish()
    expect(bytesOf(collection, 'targets').toString()).toContain('"targets":{}')
  })

  test('a misspelt digest is a TypeError', () => {
    const collection = createTrustCollection(GUN)
    for (const digest of ['sha256:abc', `sha256:${'A'.repeat(64)}`, `sha512:${'a'.repeat(128)}`])
      expect(() => collection.sign('1', digest), digest).toThrow(new TypeError(`not a sha256 digest: ${digest}`))
    expect(collection.sign('1', `sha256:${'a'.repeat(64)}`)).toBe(collection.sign('1', 'a'.repeat(64)))
  })

  test('what is signed can be asked for, by role', () => {
    const collection = createTrustCollection(GUN, { tags: { 1: 'x' }, delegations: { 'targets/releases': { tags: { 1: 'y' } } } })
    expect(collection.digest('1')).toBe(`sha256:${sha256(Buffer.from('x'), 'hex')}`)
    expect(collection.digest('1', 'targets/releases')).toBe(collection.sign('1', 'y'))
    expect(() => collection.remove('1').digest('1')).toThrow(new TypeError(`${GUN} has no 1 in targets`))
  })

  test('a delegation is below targets', () => {
    const collection = createTrustCollection(GUN)
    expect(() => collection.delegate('releases')).toThrow(/releases; targets\/releases is one/)
  })

  test('pretty files hold the same', () => {
    const collection = createTrustCollection(GUN, { wire: 'pretty' })
    collection.sign('1', 'x')
    collection.publish()
    expect(bytesOf(collection, 'targets').toString()).toContain('\n   "signed": {\n')
    expect(read(collection, 'targets').signed.version).toBe(1)
  })
})

describe('options', () => {
  test('do the same at once as the methods one by one', () => {
    const expires = new Date('2026-06-01T00:00:00Z')
    const roles = { root: { keys: 3, threshold: 2 } }
    const said = createTrustCollection(GUN, {
      roles,
      tags: { latest: { digest: 'x', size: 7, custom: { a: 1 } } },
      delegations: { 'targets/a': { keys: 2, threshold: 2, paths: ['a/'], tags: { 'a/1': 'y' } }, 'targets/a/b': {} },
      expires: { root: expires, targets: expires },
      rotations: [{ keys: 1, threshold: 1 }, {}],
    }).publish()
    const done = createTrustCollection(GUN, { roles }).delegate('targets/a', { keys: 2, threshold: 2, paths: ['a/'] })
    done.sign('latest', 'x', { size: 7, custom: { a: 1 } })
    done.sign('a/1', 'y', { role: 'targets/a' })
    done.delegate('targets/a/b').setExpiry('root', expires).setExpiry('targets', expires)
    done.rotateRoot({ keys: 1, threshold: 1 }).rotateRoot().publish()
    expect([...said.files().keys()]).toEqual([...done.files().keys()])
    for (const [name, bytes] of said.files())
      expect(Buffer.from(bytes).toString()).toBe(Buffer.from(done.served(name) ?? '').toString())
    expect(versions(said)).toMatchObject({ root: 3, targets: 1, 'targets/a': 1 })
    expect(read(said, '1.root').signed.expires).toBe(expires.toISOString())
    expect(read(said, '3.root').signed.expires).not.toBe(expires.toISOString())
  })
})

describe('rotation', () => {
  test('a new root is signed by old and new keys by default', () => {
    const collection = createTrustCollection(GUN, { roles: { root: { keys: 2, threshold: 2 } } })
    const old = collection.keys('root').map(({ id }) => id)
    collection.rotateRoot().publish()
    const fresh = collection.keys('root').map(({ id }) => id)
    const signers = (name: string) => read(collection, name).signatures.map(({ keyid }) => keyid)
    expect(signers('2.root').sort()).toEqual([...old, ...fresh].sort())
    expect(read(collection, '2.root').signed.roles['root']).toEqual({ keyids: fresh, threshold: 2 })
    collection.rotateRoot({ signedByOld: false, keys: 1, threshold: 1 }).publish()
    expect(signers('3.root')).toEqual(collection.keys('root').map(({ id }) => id))
  })

  test('keys of other roles are new ones, and those of root stay', () => {
    const collection = createTrustCollection(GUN)
    collection.publish()
    const [root] = collection.keys('root')
    for (const role of ['targets', 'snapshot', 'timestamp']) {
      const [before] = collection.keys(role)
      collection.rotateKey(role).publish()
      const [after] = collection.keys(role)
      expect(after?.id).not.toBe(before?.id)
      expect(read(collection, 'root').signed.roles[role]?.keyids).toEqual([after?.id])
      expect(after !== undefined && isSignedBy(bytesOf(collection, role), after)).toBe(true)
    }
    expect(collection.keys('root')).toEqual([root])
  })

  test('delegations: new keys sign the file again by default, if there are any', () => {
    const collection = createTrustCollection(GUN)
    collection.delegate('targets/releases').sign('1', 'x', { role: 'targets/releases' })
    collection.publish()
    collection.setDelegationKeys('targets/releases', { keys: 3, threshold: 2 }).publish()
    expect(read(collection, 'targets/releases').signatures).toHaveLength(3)
    expect(read(collection, 'targets').signed.delegations.roles).toMatchObject([{ name: 'targets/releases', threshold: 2 }])
    const before = bytesOf(collection, 'targets/releases')
    collection.setDelegationKeys('targets/releases', {}, { resign: false }).publish()
    expect(bytesOf(collection, 'targets/releases')).toEqual(before)
    collection.setDelegationKeys('targets/releases', { keys: 0 }).publish()
    expect(bytesOf(collection, 'targets/releases')).toEqual(before)
    expect(read(collection, 'targets').signed.delegations).toEqual({
      keys: {},
      roles: [{ keyids: [], name: 'targets/releases', paths: [''], threshold: 2 }],
    })
  })

  test('undelegating ends what is below too; a role that is not there is a mistake', () => {
    const collection = createTrustCollection(GUN)
    collection.delegate('targets/a').delegate('targets/a/b').delegate('targets/ab')
    collection.undelegate('targets/a').publish()
    expect(read(collection, 'targets').signed.delegations.roles.map(({ name }) => name)).toEqual(['targets/ab'])
    expect(() => collection.sign('1', 'x', { role: 'targets/a/b' })).toThrow('has no role targets/a/b')
    expect(() => collection.delegate('targets/x/y')).toThrow('has no role targets/x')
    expect(() => collection.delegate('root')).toThrow(TypeError)
  })
})

describe('tampering', () => {
  test('before signing: the role signed it, and the roles above name it', () => {
    const collection = createTrustCollection(GUN)
    collection.tamper('targets', { before: (signed) => Object.assign(signed, { evil: 1 }) }).publish()
    const file = bytesOf(collection, 'targets')
    const [key] = collection.keys('targets')
    expect(file.toString()).toContain('"evil":1')
    expect(key !== undefined && isSignedBy(file, key)).toBe(true)
    expect(read(collection, 'snapshot').signed.meta['targets']?.hashes['sha256']).toBe(sha256(file, 'base64'))
    collection.sign('1', 'x')
    collection.publish()
    expect(bytesOf(collection, 'targets').toString()).not.toContain('evil')
  })

  test('after signing: the signature does not fit any more', () => {
    const collection = createTrustCollection(GUN)
    collection.tamper('snapshot', { after: ({ signed }) => Object.assign(signed, { version: 99 }) }).publish()
    const [key] = collection.keys('snapshot')
    expect(key !== undefined && isSignedBy(bytesOf(collection, 'snapshot'), key)).toBe(false)
    expect(read(collection, 'timestamp').signed.meta['snapshot']?.length).toBe(bytesOf(collection, 'snapshot').length)
  })

  test('with honest parents, they name the original file, and the changed file is served', () => {
    const collection = createTrustCollection(GUN)
    collection.tamper('targets', { bytes: () => Buffer.from('evil'), parents: 'honest' }).publish()
    expect(bytesOf(collection, 'targets').toString()).toBe('evil')
    const meta = read(collection, 'snapshot').signed.meta['targets']
    const named = Buffer.from(meta?.hashes['sha256'] ?? '', 'base64').toString('hex')
    expect(meta?.length).toBeGreaterThan(4)
    expect(bytesOf(collection, `targets.${named}`).toString()).toBe('evil')
  })

  test('of root makes a new version', () => {
    const collection = createTrustCollection(GUN)
    collection.publish()
    collection.tamper('root', { before: (signed) => Object.assign(signed.roles.timestamp, { threshold: 9 }) }).publish()
    expect(read(collection, '2.root').signed.roles['timestamp']?.threshold).toBe(9)
    expect(read(collection, '1.root').signed.roles['timestamp']?.threshold).toBe(1)
  })
})

describe('a seed', () => {
  test('gives the same keys again, another one others', () => {
    const ids = (seed: string) => {
      const collection = createTrustCollection(GUN, {
        seed,
        roles: { targets: { type: 'ed25519', keys: 2 }, snapshot: { curve: 'P-521' }, timestamp: { curve: 'P-224' } },
      })
      return ['targets', 'snapshot', 'timestamp'].flatMap((role) => collection.keys(role).map(({ id }) => id))
    }
    expect(ids('a')).toEqual(ids('a'))
    expect(new Set([...ids('a'), ...ids('b')]).size).toBe(8)
  })

  test('gives the same root key, whose certificate names the collection', () => {
    const certificates = [1, 2].map(() => new X509Certificate(createTrustCollection(GUN).keys('root')[0]?.certificate?.pem ?? ''))
    const [one, two] = certificates
    expect(one?.publicKey.equals(two?.publicKey ?? (one.publicKey as never))).toBe(true)
    expect(one?.subject).toBe(`CN=${GUN}`)
    expect(one?.ca).toBe(false)
    expect(new Date(one?.validTo ?? '')).toEqual(new Date('2036-03-01T12:00:00Z'))
  })
})
