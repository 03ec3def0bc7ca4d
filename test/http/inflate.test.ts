/** Compressed answers are decompressed one at a time, and none after its request was aborted. */
import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { BodyTooLong, BodyUnreadable, readBody } from '../../src/http/http-body.js'
import { inflate } from '../../src/http/inflate.js'

const open = vi.hoisted(() => ({ now: 0, most: 0, ever: 0 }))
vi.mock('node:zlib', async (original) => {
  const zlib = await original<typeof import('node:zlib')>()
  const createGunzip: typeof zlib.createGunzip = (options) => {
    const stream = zlib.createGunzip(options)
    open.ever += 1
    open.now += 1
    open.most = Math.max(open.most, open.now)
    return stream.once('close', () => {
      open.now -= 1
    })
  }
  return { ...zlib, createGunzip }
})

const MIB = 2 ** 20
const never = new AbortController().signal

afterEach(async () => {
  await expect.poll(() => open.now).toBe(0)
  Object.assign(open, { most: 0, ever: 0 })
})

describe('many compressed answers', () => {
  test('are decompressed one at a time (a stream may still close while the next one opens)', async () => {
    const files = Array.from({ length: 20 }, (_, at) => gzipSync(Buffer.alloc(MIB, at)))
    const inflated = await Promise.all(files.map((file) => inflate(file, MIB, never)))
    expect(inflated.map((bytes) => [bytes.length, bytes[0], bytes.at(-1)])).toEqual(files.map((_, at) => [MIB, at, at]))
    expect(open.ever).toBe(20)
    expect(open.most).toBeLessThanOrEqual(2)
  })

  test('are not blocked by a broken one or a decompression bomb', async () => {
    const outcomes = await Promise.allSettled([
      inflate(new Uint8Array(100), MIB, never),
      inflate(gzipSync(Buffer.alloc(64 * MIB)), MIB, never),
      inflate(gzipSync('{}'), MIB, never),
    ])
    expect(outcomes).toMatchObject([
      { reason: expect.any(BodyUnreadable) },
      { reason: expect.any(BodyTooLong) },
      { value: new Uint8Array(Buffer.from('{}')) },
    ])
  })

  test('are not begun after an abort, and the running one stops', async () => {
    const controller = new AbortController()
    const file = gzipSync(randomBytes(16 * MIB))
    const all = Promise.allSettled(Array.from({ length: 5 }, () => inflate(file, 16 * MIB, controller.signal)))
    await expect.poll(() => open.now).toBe(1)
    controller.abort('enough')
    expect(await all).toEqual(Array.from({ length: 5 }, () => ({ status: 'rejected', reason: 'enough' })))
    expect(open.ever).toBe(1)
  })
})

describe('the limit', () => {
  test.each([0, 1, 255, 65_536, 262_144, 262_145])('allows exactly %i bytes', async (length) => {
    const file = gzipSync(Buffer.alloc(length))
    expect(await inflate(file, length, never)).toHaveLength(length)
    await expect(inflate(gzipSync(Buffer.alloc(length + 1)), length, never)).rejects.toThrow(BodyTooLong)
  })

  test('NaN allows nothing', async () => {
    await expect(inflate(gzipSync('x'), Number.NaN, never)).rejects.toThrow(BodyTooLong)
  })
})

describe('a list of encodings', () => {
  const read = (contentEncoding: readonly string[]): Promise<Uint8Array> => {
    const stream = Object.assign(one(gzipSync('{}')), { destroy: () => undefined })
    return readBody(stream, { contentLength: undefined, contentEncoding }, 100, never)
  }
  async function* one(bytes: Uint8Array): AsyncGenerator<unknown> {
    yield bytes
  }

  test.each([[['gzip']], [['identity', 'gzip']], [['GZip,']], [['', ' x-gzip ']]])('%j is one gzip', async (values) => {
    expect(await read(values)).toHaveLength(2)
  })

  test.each([[['gzip', 'gzip']], [['gzip,gzip']], [['gzip, br']], [['identity', 'deflate']], [['gzip;q=1']]])(
    '%j is refused',
    async (values) => {
      await expect(read(values)).rejects.toThrow(BodyUnreadable)
    },
  )
})
