/** A disk that is really full: a small file system in memory, if this user may mount one. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cp, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createFileStore } from '../../src/cache/file-store.js'
import { Story } from '../client/story.js'

const place = mkdtempSync(join(tmpdir(), 'dct-full-'))
const isMounted = mount()
afterAll(() => {
  if (isMounted) execFileSync('umount', ['-l', place])
  rmSync(place, { recursive: true, force: true })
})

function mount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=0700', 'tmpfs', place], { stdio: 'pipe' })
    return true
  } catch {
    // A message and no failure: disk-faults.test.ts fails each step with ENOSPC on every machine.
    console.warn('NOT TESTED on a real full disk: mounting a tmpfs is not permitted here (root on Linux may)')
    return false
  }
}

/** Fills the disk, except so many bytes. */
async function fillUpTo(free: number): Promise<void> {
  const { bavail, bsize } = await statfs(place)
  await writeFile(join(place, 'ballast'), new Uint8Array(Math.max(0, bavail * bsize - free)))
}

test.skipIf(!isMounted)(
  'with a full disk, verification succeeds, and the cache holds the old or the new files (CACHE-14)',
  async () => {
    const story = new Story()
    const template = join(place, '..', `${place.split('/').at(-1)}-template`)
    story.collection.delegate('targets/releases')
    const first = story.collection.sign('3.20', 'first', { role: 'targets/releases' })
    story.collection.publish()
    await story.verify('alpine:3.20', { store: createFileStore(template) })
    story.collection.rotateRoot()
    const second = story.collection.sign('3.20', 'second', { role: 'targets/releases' })
    story.collection.publish()
    const outcomes = new Set<string>()
    try {
      for (const from of [undefined, template]) {
        for (let free = 0; free <= 96 * 1024; free += 4096) {
          const trust = join(place, 'trust')
          if (from !== undefined) await cp(from, trust, { recursive: true })
          await fillUpTo(free)
          const { digest, warnings } = await story.verify('alpine:3.20', { store: createFileStore(trust) })
          expect(digest).toBe(second)
          const isWarned = warnings.some(({ code }) => code === 'WARN_CACHE_UNWRITABLE')
          const offline = await story
            .verify('alpine:3.20', { store: createFileStore(trust), offline: true })
            .catch(({ code }) => ({ digest: code }))
          const old = from === undefined ? 'ERR_OFFLINE' : first
          expect(isWarned ? [old, second] : [second], `${free} bytes free`).toContain(offline.digest)
          outcomes.add(
            `${from === undefined ? 'first use' : 'update'} ${isWarned ? 'warned' : 'kept'} ${offline.digest === second ? 'new' : 'old'}`,
          )
          await rm(join(place, 'ballast'))
          const next = await story.verify('alpine:3.20', { store: createFileStore(trust) })
          expect(next.warnings.map(({ code }) => code)).not.toContain('WARN_CACHE_UNWRITABLE')
          expect((await readdir(trust, { recursive: true })).filter((name) => /\.(tmp|lock|journal|turn)$/.test(name))).toEqual(
            [],
          )
          await rm(trust, { recursive: true })
        }
      }
    } finally {
      await rm(template, { recursive: true, force: true })
    }
    // The disk was full in some runs and not in others.
    for (const outcome of [
      'first use warned old',
      'first use kept new',
      'update warned old',
      'update warned new',
      'update kept new',
    ])
      expect([...outcomes]).toContain(outcome)
  },
  60_000,
)
