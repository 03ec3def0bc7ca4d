/** One writer at a time, also when a writer dies, is suspended or runs in another container. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { createFileStore } from '../../src/cache/file-store.js'
import { lockState, withLock } from '../../src/cache/lock.js'
import { decodeHolder, isDead, type LockHolder, thisHolder } from '../../src/cache/lock-holder.js'
import type { CommitOutcome } from '../../src/cache/metadata-store.js'

/** Called right before a lock is broken. */
const disk = vi.hoisted(() => ({ beforeTurn: undefined as (() => Promise<void>) | undefined }))
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const open = async (...args: Parameters<typeof real.open>) => {
    const happens = String(args[0]).endsWith('.turn') ? disk.beforeTurn : undefined
    if (happens !== undefined) disk.beforeTurn = undefined
    await happens?.()
    return real.open(...args)
  }
  return { ...real, open }
})

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-lock-'))
  path = join(folder, 'lock')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const inside = () => Promise.resolve('in')
/** Milliseconds that it took to get the lock. */
async function timeToGet(): Promise<number> {
  const start = performance.now()
  expect(await withLock(path, inside)).toBe('in')
  return performance.now() - start
}

/** A process of this system that has ended. */
function deadHolder(): LockHolder {
  const { pid } = spawnSync(process.execPath, ['--version'])
  return { ...thisHolder(), pid, started: 'long ago' }
}

async function left(holder: LockHolder | string, age = 0): Promise<void> {
  await writeFile(path, typeof holder === 'string' ? holder : JSON.stringify(holder))
  const time = new Date(Date.now() - age)
  await utimes(path, time, time)
}

describe('a lock', () => {
  test('admits one writer at a time', async () => {
    let now = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++now)
      await new Promise((done) => setTimeout(done, 2))
      now--
    }
    await Promise.all(Array.from({ length: 20 }, () => withLock(path, work)))
    expect(most).toBe(1)
    expect(await readdir(folder)).toEqual([])
  })

  test('of a process that died is broken at once, by one of many', async () => {
    await left(deadHolder())
    let now = 0
    let most = 0
    let inherited = 0
    const start = performance.now()
    await Promise.all(
      Array.from({ length: 20 }, () =>
        withLock(path, async (lock) => {
          most = Math.max(most, ++now)
          inherited += lock.inherited ? 1 : 0
          await lock.assertHeld()
          await new Promise((done) => setTimeout(done, 2))
          now--
        }),
      ),
    )
    expect({ most, inherited }).toEqual({ most: 1, inherited: 1 })
    expect(performance.now() - start).toBeLessThan(8000)
    expect(await readdir(folder)).toEqual([])
  })

  test('that another process broke and took meanwhile belongs to that process', async () => {
    await left(deadHolder())
    const other = JSON.stringify(thisHolder())
    disk.beforeTurn = async () => {
      await rm(path)
      await writeFile(path, other)
    }
    let isInside = false
    const waiting = withLock(path, async () => {
      isInside = true
    })
    await new Promise((done) => setTimeout(done, 300))
    expect({ isInside, text: await readFile(path, 'utf8') }).toEqual({ isInside: false, text: other })
    await rm(path)
    await waiting
  })

  test('of a dead process whose number is used again is broken at once', async () => {
    await left({ ...thisHolder(), started: 'long ago' })
    if (process.platform === 'linux') expect(await timeToGet()).toBeLessThan(8000)
  })

  test.runIf(process.platform === 'linux')('of one that was killed and waits to be buried is broken at once', async () => {
    // The shell never waits for its child, so that the dead process keeps its number.
    const shell = spawn('sh', ['-c', `${process.execPath} -e 0 & echo $!; exec sleep 30`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [said] = (await once(shell.stdout, 'data')) as [Buffer]
    const pid = Number(said.toString())
    const state = () => readFile(`/proc/${pid}/stat`, 'utf8').then((stat) => stat.split(') ')[1]?.[0])
    while ((await state()) !== 'Z') await new Promise((done) => setTimeout(done, 10))
    const started = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')[19] ?? ''
    expect(isDead({ ...thisHolder(), pid, started })).toBe(true)
    shell.kill('SIGKILL')
  })

  test('of another system is broken when it is old', async () => {
    await left({ ...deadHolder(), system: 'another' }, 9000)
    expect(await lockState(path)).toBe('held')
    expect(await timeToGet()).toBeGreaterThan(300)
    await left({ ...deadHolder(), system: 'another' }, 11_000)
    expect(await lockState(path)).toBe('abandoned')
    expect(await timeToGet()).toBeLessThan(8000)
  })

  test('without a holder is broken after a second, even when its time is far in the future', async () => {
    await left('', -3_600_000)
    expect(await timeToGet()).toBeGreaterThan(900)
    await left('{"token":', 5000)
    expect(await timeToGet()).toBeLessThan(900)
  })

  test('is broken although a process died while breaking it', async () => {
    await left(deadHolder())
    await writeFile(`${path}.turn`, JSON.stringify(deadHolder()))
    expect(await timeToGet()).toBeLessThan(8000)
    expect(await readdir(folder)).toEqual([])
  })

  test('is released when the work fails, and the lock of another process is not', async () => {
    await expect(withLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(existsSync(path)).toBe(false)
    await withLock(path, async (lock) => {
      await rm(path)
      await writeFile(path, 'of another')
      await expect(lock.assertHeld()).rejects.toThrow('was lost to another process')
    })
    expect(await readFile(path, 'utf8')).toBe('of another')
  })
})

test('the holder is read only from a complete lock file', () => {
  const self = thisHolder()
  expect(decodeHolder(JSON.stringify(self))).toEqual(self)
  expect(isDead(self)).toBe(false)
  for (const text of [
    '',
    'null',
    '[]',
    '{}',
    '{"token":1}',
    JSON.stringify({ ...self, pid: -1 }),
    JSON.stringify({ ...self, pid: 1.5 }),
  ])
    expect(decodeHolder(text), text).toBeUndefined()
})

describe('a writer', () => {
  const GUN = 'registry.example/app'
  const changes = (generation: string) => ({
    metadata: new Map(['root', 'timestamp', 'snapshot', 'targets'].map((role) => [role, utf8(`${role} ${generation}`)])),
    floors: utf8(`floors ${generation}`),
  })

  test('that was suspended does not replace newer files with its older ones (CACHE-12)', async () => {
    const store = createFileStore(folder)
    const newer = createFileStore(folder)
    await store.commit(GUN, changes('one'), undefined)
    const lock = join(folder, 'dct', 'registry.example%2fapp.lock')
    const { revision } = await store.read(GUN)
    let others: Promise<CommitOutcome> | undefined
    const metadata = new (class extends Map<string, Uint8Array> {
      override get size(): number {
        // The writer is suspended here: its lock counts as abandoned, and another process writes.
        others ??= rm(lock).then(() => newer.commit(GUN, changes('three'), revision))
        return super.size
      }
    })(changes('two').metadata)
    const slept = store.commit(GUN, { ...changes('two'), metadata }, revision)
    await expect(slept).rejects.toThrow('was lost to another process')
    expect(await others).toBe('written')
    expect(await newer.read(GUN)).toMatchObject(changes('three'))
    expect((await readdir(folder, { recursive: true })).filter((name) => /\.(tmp|lock|journal)$/.test(name))).toEqual([])
  })

  test('that died is reported by the next read, so that the next run completes its commit', async () => {
    const store = createFileStore(folder)
    await store.commit(GUN, changes('one'), undefined)
    expect((await store.read(GUN)).isUnfinished).toBeUndefined()
    path = join(folder, 'dct', 'registry.example%2fapp.lock')
    await left(deadHolder())
    expect((await store.read(GUN)).isUnfinished).toBe(true)
    await writeFile(join(folder, 'dct', `.dct-registry.example%2fapp-${crypto.randomUUID()}.tmp`), 'x')
    await writeFile(join(folder, 'dct', `.dct-registry.example%2fapp-b-${crypto.randomUUID()}.tmp`), 'of another')
    await store.commit(GUN, changes('one'), (await store.read(GUN)).revision)
    expect((await store.read(GUN)).isUnfinished).toBeUndefined()
    expect((await readdir(join(folder, 'dct'))).filter((name) => name.endsWith('.tmp'))).toHaveLength(1)
  })
})
