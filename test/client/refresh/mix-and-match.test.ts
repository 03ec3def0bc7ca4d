import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { FileDocument } from '../../../src/testing/index.js'
import { codeAndRole, GUN, Story } from '../story.js'

const base64 = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('base64')

describe('a file that is not the one the role above names', () => {
  test.each(['snapshot', 'targets', 'targets/releases'])(
    'is refused: %s of the version before (ATK-01, ATK-30)',
    async (role) => {
      const story = new Story()
      story.collection.delegate('targets/releases').sign('3.19', 'one', { role: 'targets/releases' })
      story.collection.publish()
      const before = story.collection.served(role) ?? 'missing'
      story.collection.sign('3.19', 'two', { role: 'targets/releases' })
      story.collection.sign('3.19', 'two')
      story.collection.publish()
      story.transport.faults.set(role, before)
      const refusal = await story.refused()
      expect(codeAndRole(refusal)).toEqual({ code: 'ERR_HASH_MISMATCH', role })
      expect(refusal.message).toContain(GUN)
    },
  )

  test('is refused when it is shorter, too large when it is longer (HASH-17)', async () => {
    for (const role of ['snapshot', 'targets']) {
      const story = new Story()
      const file = story.collection.served(role) ?? new Uint8Array()
      story.transport.faults.set(role, file.subarray(0, -1))
      expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_HASH_MISMATCH', role })
      story.transport.faults.set(role, Buffer.concat([file, Buffer.from('\n')]))
      expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_TOO_LARGE', role })
    }
  })

  test('is refused: another root than the one in use (ROOT-39)', async () => {
    const story = new Story()
    await story.verify()
    story.collection
      .tamper('snapshot', { before: ({ meta }) => void Object.assign(meta, { root: fileOf('another root') }) })
      .publish()
    expect(codeAndRole(await story.refused())).toMatchObject({ role: 'root' })
  })

  test('is refused when the tampering server leaves the honest hashes', async () => {
    const story = new Story()
    const replace = (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString().replace('"length":528', '"length":529'))
    story.collection.tamper('targets', { bytes: replace, parents: 'honest' }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_HASH_MISMATCH', role: 'targets' })
  })
})

describe('what snapshot and timestamp say of a file', () => {
  const changes: [string, (file: FileDocument) => void, string | undefined][] = [
    ['sha256 alone (HASH-01)', ({ hashes }) => void delete hashes['sha512'], undefined],
    [
      'sha256 and another algorithm (HASH-08)',
      (file) => void Object.assign(file, { hashes: { sha256: file.hashes['sha256'] ?? '', md5: 'AAAA' } }),
      undefined,
    ],
    [
      'a wrong sha512 beside the right sha256 (HASH-03)',
      ({ hashes }) => void Object.assign(hashes, { sha512: base64('sha512', 'x') }),
      'ERR_HASH_MISMATCH',
    ],
    ['no hash (HASH-12)', (file) => void Object.assign(file, { hashes: {} }), 'ERR_METADATA_MALFORMED'],
    [
      'an unknown algorithm alone (HASH-07, ATK-31)',
      (file) => void Object.assign(file, { hashes: { md5: 'AAAA' } }),
      'ERR_METADATA_MALFORMED',
    ],
    [
      'SHA256 in upper case (HASH-09)',
      (file) => void Object.assign(file, { hashes: { SHA256: file.hashes['sha256'] ?? '' } }),
      'ERR_METADATA_MALFORMED',
    ],
    [
      '31 bytes of sha256 (HASH-11)',
      ({ hashes }) => void Object.assign(hashes, { sha256: Buffer.alloc(31).toString('base64') }),
      'ERR_METADATA_MALFORMED',
    ],
    ['a length of 0 (HASH-18)', (file) => void Object.assign(file, { length: 0 }), 'ERR_METADATA_MALFORMED'],
    ['a length of -1 (HASH-19)', (file) => void Object.assign(file, { length: -1 }), 'ERR_METADATA_MALFORMED'],
    ['a length with a fraction (HASH-22)', (file) => void Object.assign(file, { length: 473.5 }), 'ERR_METADATA_MALFORMED'],
    ['a length of a petabyte (HASH-21, ATK-27)', (file) => void Object.assign(file, { length: 1e15 }), 'ERR_METADATA_TOO_LARGE'],
  ]

  test.each(changes)('of targets: %s', async (_, change, code) => {
    const story = new Story()
    story.collection.tamper('snapshot', { before: ({ meta }) => change(meta['targets'] ?? fileOf('')) }).publish()
    if (code === undefined) expect((await story.verify()).status).toBe('trusted')
    else expect((await story.refused()).code).toBe(code)
  })

  test.each(changes)('of the snapshot: %s', async (_, change, code) => {
    const story = new Story()
    story.collection.tamper('timestamp', { before: ({ meta }) => change(meta.snapshot) }).publish()
    if (code === undefined) expect((await story.verify()).status).toBe('trusted')
    else expect((await story.refused()).code).toBe(code)
  })

  test('of a file: sha512 alone is enough, and the plain name is asked for', async () => {
    const story = new Story()
    const only512 = ({ hashes }: FileDocument) => void delete hashes['sha256']
    story.collection.tamper('timestamp', { before: ({ meta }) => only512(meta.snapshot) })
    story.collection.tamper('snapshot', { before: ({ meta }) => only512(meta['targets'] ?? fileOf('')) }).publish()
    expect((await story.verify()).status).toBe('trusted')
    expect(story.requests().filter((name) => name.includes('snapshot.') || name.includes('targets.'))).toEqual([])
  })
})

describe('the entry of a tag', () => {
  test.each<[string, Record<string, string> | null, string]>([
    ['only a sha512 (HASH-14)', { sha512: base64('sha512', 'x') }, 'ERR_TAG_NOT_SIGNED'],
    ['31 bytes of sha256 (HASH-11)', { sha256: Buffer.alloc(31).toString('base64') }, 'ERR_METADATA_MALFORMED'],
    ['no hashes (HASH-12)', {}, 'ERR_TAG_NOT_SIGNED'],
    ['null for hashes (HASH-12)', null, 'ERR_TAG_NOT_SIGNED'],
    ['null for sha256', JSON.parse('{"sha256":null}') as Record<string, string>, 'ERR_METADATA_MALFORMED'],
  ])('with %s has no digest, and targets does not step in for releases', async (_, hashes, code) => {
    const story = new Story()
    story.collection.delegate('targets/releases').sign('3.19', 'x', { role: 'targets/releases' })
    story.collection.sign('3.20', 'good', { role: 'targets/releases' })
    story.collection.tamper('targets/releases', {
      before: ({ targets }) => void Object.assign(targets['3.19'] ?? {}, { hashes }),
    })
    story.collection.publish()
    // The rest of the file stays good: it is judged when it is asked for.
    expect((await story.verify('alpine:3.20')).role).toBe('targets/releases')
    const refusal = await story.refused()
    expect(codeAndRole(refusal)).toEqual({ code, role: 'targets/releases' })
    expect(refusal.message).toContain('no valid hash, expecting sha256')
  })

  test('with a negative length is malformed (HASH-23)', async () => {
    const story = new Story()
    story.collection.sign('3.19', 'x', { size: -5 })
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
  })

  test('with a sha512 of other content than its sha256 is accepted: only the sha256 is used', async () => {
    const story = new Story()
    const digest = story.collection.sign('3.19', 'x', { sha512: base64('sha512', 'y') })
    story.collection.publish()
    expect((await story.verify()).digest).toBe(digest)
  })
})

function fileOf(text: string): FileDocument {
  return { hashes: { sha256: base64('sha256', text) }, length: Math.max(1, text.length) }
}
