/** A full queue answers at once, and nobody waits without end. */
import { expect, test } from 'vitest'
import { QueueFull, RequestQueue } from '../../src/service/queue.js'

const NONE = new Set<string>()
const held = () => {
  let finish: () => void = () => undefined
  const work = new Promise<void>((resolve) => {
    finish = resolve
  })
  return { work: () => work, finish }
}

test('lets as many in as it may, in their order, and refuses the rest at once', async () => {
  const queue = new RequestQueue({ running: 1, waiting: 2, waitMs: 10_000 })
  const order: number[] = []
  const first = held()
  const running = queue.run(NONE, first.work)
  const waiting = [1, 2].map((at) => queue.run(NONE, async () => void order.push(at)))
  await expect(queue.run(NONE, async () => undefined)).rejects.toThrow(QueueFull)
  expect([queue.running, order]).toEqual([1, []])
  first.finish()
  await Promise.all([running, ...waiting])
  expect([queue.running, order]).toEqual([0, [1, 2]])
})

test('a request that waits too long is refused, and its place is free again', async () => {
  const queue = new RequestQueue({ running: 1, waiting: 1, waitMs: 20 })
  const first = held()
  const running = queue.run(NONE, first.work)
  await expect(queue.run(NONE, async () => undefined)).rejects.toThrow(QueueFull)
  const next = queue.run(NONE, async () => 'in time')
  first.finish()
  await running
  expect(await next).toBe('in time')
})

test('work that fails gives its turn on', async () => {
  const queue = new RequestQueue({ running: 1, waiting: 1, waitMs: 1_000 })
  await expect(queue.run(NONE, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(queue.running).toBe(0)
  expect(await queue.run(NONE, async () => 1)).toBe(1)
})

test('one registry leaves room for others, running and waiting', async () => {
  const queue = new RequestQueue({ running: 4, waiting: 4, waitMs: 10_000, shareOfOne: 0.5 })
  const [hanging, other] = [new Set(['hangs.example']), new Set(['other.example'])]
  const hold = held()
  const held4 = Array.from({ length: 4 }, () => queue.run(hanging, hold.work))
  expect(queue.running).toBe(2)
  await expect(queue.run(hanging, hold.work)).rejects.toThrow('full of requests for hangs.example')
  // A request for both waits with those for the first, and takes no place meanwhile.
  await expect(queue.run(new Set([...other, ...hanging]), hold.work)).rejects.toThrow(QueueFull)
  expect(await queue.run(other, async () => 'answered')).toBe('answered')
  hold.finish()
  await Promise.all(held4)
  expect([queue.running, await queue.run(hanging, async () => 'again')]).toEqual([0, 'again'])
})

test('never more than it may for any registry, nothing is left behind, and all that was let in is done', async () => {
  const queue = new RequestQueue({ running: 8, waiting: 1_000, waitMs: 10_000, shareOfOne: 0.5 })
  const now = new Map<string, number>()
  let [all, most] = [0, 0]
  const names = ['a', 'b', 'c']
  const requests = Array.from({ length: 300 }, (_, at) => {
    const of = new Set(names.filter((__, bit) => ((at * 7) >> bit) & 1))
    return queue.run(of, async () => {
      all += 1
      most = Math.max(most, all)
      for (const one of of) now.set(one, (now.get(one) ?? 0) + 1)
      expect(Math.max(0, ...now.values())).toBeLessThanOrEqual(4)
      await new Promise((resolve) => setTimeout(resolve, at % 5))
      for (const one of of) now.set(one, (now.get(one) ?? 0) - 1)
      all -= 1
    })
  })
  await Promise.all(requests)
  expect([queue.running, most <= 8]).toEqual([0, true])
})
