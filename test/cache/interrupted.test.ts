import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { createFileStore } from '../../src/cache/file-store.js'
import { makeFolder } from '../../src/cache/folders.js'
import { decodeJournal, encodeJournal } from '../../src/cache/journal.js'

const GUN = 'registry.example/app'
const bytes = (text: string) => utf8(text)
const changes = (generation: string) => ({
  metadata: new Map(
    ['root', 'timestamp', 'snapshot', 'targets', 'targets/releases'].map((role) => [role, bytes(`${role} ${generation}`)]),
  ),
  floors: bytes(`floors ${generation}`),
})

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-cache-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** The state after a kill in the middle of a commit: the journal, and the first `written` of the new files. */
async function interrupted(written: number): Promise<void> {
  const store = createFileStore(folder)
  await store.commit(GUN, changes('one'), undefined)
  const two = changes('two')
  await writeFile(join(folder, 'dct', 'registry.example%2fapp.journal'), encodeJournal(GUN, two))
  for (const [role, file] of [...two.metadata].slice(0, written))
    await writeFile(join(folder, 'tuf', GUN, 'metadata', `${role}.json`), file)
}

describe('a commit that was killed in the middle', () => {
  test.each([0, 1, 2, 3, 4, 5])('after %i files reads as all new files', async (written) => {
    await interrupted(written)
    const { metadata, floors } = await createFileStore(folder).read(GUN)
    expect(metadata).toEqual(changes('two').metadata)
    expect(floors).toEqual(bytes('floors two'))
  })

  test('is completed by the next writer before its own commit', async () => {
    await interrupted(2)
    const store = createFileStore(folder)
    const { revision } = await store.read(GUN)
    await store.commit(
      GUN,
      { metadata: new Map([['timestamp', bytes('timestamp three')]]), floors: bytes('floors three') },
      revision,
    )
    expect(await readFile(join(folder, 'tuf', GUN, 'metadata', 'snapshot.json'), 'utf8')).toBe('snapshot two')
    expect(await readdir(join(folder, 'dct'))).toEqual(['registry.example%2fapp.json'])
  })

  test('before the journal was complete reads as the old files', async () => {
    await createFileStore(folder).commit(GUN, changes('one'), undefined)
    await writeFile(join(folder, 'dct', 'registry.example%2fapp.journal'), encodeJournal(GUN, changes('two')).slice(0, 100))
    expect((await createFileStore(folder).read(GUN)).metadata).toEqual(changes('one').metadata)
  })

  test('is forgotten with the collection', async () => {
    await interrupted(2)
    expect(await createFileStore(folder).forget(GUN)).toBe(true)
    expect((await createFileStore(folder).read(GUN)).metadata.size).toBe(0)
  })
})

describe('a journal', () => {
  test('of another collection, with a path as a role, or with invalid content is ignored', () => {
    const journal = { metadata: new Map([['root', bytes('x')]]), floors: bytes('y') }
    expect(decodeJournal(encodeJournal(GUN, journal), GUN)).toEqual(journal)
    expect(decodeJournal(encodeJournal('other', journal), GUN)).toBeUndefined()
    expect(decodeJournal(encodeJournal(GUN, { ...journal, metadata: new Map([['../x', bytes('x')]]) }), GUN)).toBeUndefined()
    fc.assert(fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (file) => decodeJournal(file, GUN) === undefined))
  })
})

describe('folders', () => {
  test('are made with their parents, also by concurrent writers', async () => {
    const deep = join(folder, 'a', 'b', 'c')
    await Promise.all(Array.from({ length: 10 }, () => makeFolder(folder, ['a', 'b', 'c'])))
    await mkdir(join(deep, 'd'))
  })

  test.runIf(process.platform === 'linux')('that cannot be made are an error, not an endless loop', async () => {
    await expect(makeFolder('/proc/self/trust', ['x'])).rejects.toThrow('ENOENT')
  })
})
