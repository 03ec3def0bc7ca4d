/** Runs rounds in which every subject has a turn, so that the machine's noise affects all of them; computes medians. */
import { startDelayProxy } from './delay-proxy.mjs'
import { startRequestCounter } from './request-counter.mjs'

/** The middle value. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/**
 * Measures subjects against the server, `roundTrip` milliseconds away. Resolves to one row per subject: `wall` and `cpu` in
 * milliseconds, `memory` and `bytes` in bytes, `requests`, `connections`. The first, unmeasured round counts.
 */
export async function measure(server, subjects, { roundTrip, rounds }) {
  const near = await startDelayProxy(server.port, 0)
  const counter = await startRequestCounter(server)
  const far = roundTrip === 0 ? undefined : await startDelayProxy(server.port, roundTrip)
  const url = far?.url ?? server.url
  try {
    const counted = []
    for (const subject of subjects) counted.push(await count(subject, near, counter))
    const samples = subjects.map(() => [])
    // One turn before the measurement, since a long-running library was used before.
    for (const subject of subjects) await turn(subject, url)
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, subject] of subjects.entries()) samples[index].push(await turn(subject, url))
    }
    const rows = []
    for (const [index, { name, memory, scale = 1 }] of subjects.entries()) {
      const wall = median(samples[index].map((sample) => sample.wall)) * scale
      const cpu = median(samples[index].map((sample) => sample.cpu)) * scale
      const { connections, bytes, requests } = counted[index]
      const peak = await memory.call(subjects[index], server.url)
      rows.push({
        name,
        wall,
        cpu,
        connections: connections * scale,
        bytes: bytes * scale,
        requests: requests * scale,
        memory: peak,
      })
    }
    return rows
  } finally {
    await Promise.all([near.stop(), counter.stop(), far?.stop()])
  }
}

async function count(subject, near, counter) {
  await subject.prepare(near.url)
  near.takeCounts()
  await subject.run(near.url)
  const { connections, bytes } = near.takeCounts()
  await subject.prepare(counter.url)
  counter.takeCount()
  await subject.run(counter.url)
  return { connections, bytes, requests: counter.takeCount() }
}

async function turn(subject, url) {
  await subject.prepare(url)
  return subject.run(url)
}
