/** What a policy of 500 rules costs: a warm client verifies the same 1,000 references with and without one, in turns. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createMemoryStore, createTrustClient } from '../dist/index.js'
import { gunOf } from './kit-collections.mjs'
import { median } from './rounds.mjs'

export const REFERENCES = 1_000
const RULES = 500

/** Rules as people write them: most name one repository. */
export const PLAIN = rules([
  ...each(RULES / 2, (n) => `${gunOf(n)}`),
  ...each(RULES / 2 - 1, (n) => `registry-${n}.example/**`),
  'registry.example/**',
])

/** Rules of which every one matches the name of each collection and is compared with each tag; only the last fits. */
const ADVERSE = rules([
  ...each(RULES / 2, (n) => `registry.example/*/*:*v*x${n}`),
  ...each(RULES / 2 - 1, (n) => `*.example/b*/**:v*y${n}`),
  '**',
])

/** Rows of a client without a policy, and of clients with each, for 1,000 references in so many collections. */
export async function measurePolicy(collections, rounds) {
  const tags = REFERENCES / collections
  const server = fork(fileURLToPath(new URL('kit-server.mjs', import.meta.url)), [collections, tags, 0])
  try {
    const [{ url, ca, now }] = await once(server, 'message')
    const references = Array.from({ length: REFERENCES }, (_, n) => `${gunOf(n % collections)}:v${Math.floor(n / collections)}`)
    const base = { env: {}, disableContentTrust: false, server: url, ca, now: () => new Date(Date.parse(now) + 1_000) }
    const subjects = Object.entries({ 'without a policy': {}, plain: { policy: PLAIN }, adverse: { policy: ADVERSE } }).map(
      ([name, options]) => {
        return { name, client: createTrustClient({ ...base, store: createMemoryStore(), ...options }), samples: [] }
      },
    )
    // The first turns fill the cache, and let the compiler of Node do its work.
    for (let round = -WARMING; round < rounds; round += 1) {
      for (const { client, samples } of subjects) {
        const sample = await measured(client, references)
        if (round >= 0) samples.push(sample)
      }
    }
    for (const { client } of subjects) await client.close()
    return subjects.map(rowOf)
  } finally {
    server.disconnect()
  }
}

/** The row of a subject: medians of its samples, `{wall, cpu}` in milliseconds. */
export function rowOf({ name, samples }) {
  return { name, wall: median(samples.map(({ wall }) => wall)), cpu: median(samples.map(({ cpu }) => cpu)) }
}

const WARMING = 5

async function measured(client, references) {
  const before = process.cpuUsage()
  const start = performance.now()
  for await (const { error, result } of client.verifyTags(references))
    if (result?.status !== 'trusted') throw error ?? new Error(`status ${result?.status}`)
  const wall = performance.now() - start
  const { user, system } = process.cpuUsage(before)
  return { wall, cpu: (user + system) / 1_000 }
}

/** Of three digits, so that all have the same rank and no two fit the same name. */
function each(count, text) {
  return Array.from({ length: count }, (_, n) => text(String(n).padStart(3, '0')))
}

function rules(patterns) {
  return { version: 1, rules: patterns.map((match) => ({ match })) }
}
