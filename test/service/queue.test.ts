/** A full queue answers at once, and nobody waits without end. */
import { expect, test } from 'vitest'
import { QueueFull, RequestQueue } from '../../src/service/queue.js'

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
  const running = queue.run(first.work)
  const waiting = [1, 2].map((at) => queue.run(async () => void order.push(at)))
  await expect(queue.run(async () => undefined)).rejects.toThrow(QueueFull)
  expect([queue.running, order]).toEqual([1, []])
  first.finish()
  await Promise.all([running, ...waiting])
  expect([queue.running, order]).toEqual([0, [1, 2]])
})

test('a request that waits too long is refused, and its place is free again', async () => {
  const queue = new RequestQueue({ running: 1, waiting: 1, waitMs: 20 })
  const first = held()
  const running = queue.run(first.work)
  await expect(queue.run(async () => undefined)).rejects.toThrow(QueueFull)
  const next = queue.run(async () => 'in time')
  first.finish()
  await running
  expect(await next).toBe('in time')
})

test('work that fails gives its turn on', async () => {
  const queue = new RequestQueue({ running: 1, waiting: 1, waitMs: 1_000 })
  await expect(queue.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
  expect(queue.running).toBe(0)
  expect(await queue.run(async () => 1)).toBe(1)
})
