/** A long-running process that loads the library once, then answers its parent's questions and measures each answer. */
import { createTrustClient } from '../dist/index.js'

/** Open clients by trust directory and server. */
const living = new Map()

const answers = {
  /** Creates a client with a new connection, and measures until it has the answers. */
  async cold({ options, references }) {
    const { result, ...cost } = await measured(async () => {
      const client = createTrustClient(options)
      return { client, outcomes: await verifyAll(client, references) }
    })
    await result.client.close()
    return { ...cost, digests: digests(result.outcomes) }
  },
  /** Opens a connection before each `warm`: idle connections are closed between rounds, but a busy process has one open. */
  async wake({ options, references }) {
    const key = keyOf(options)
    if (!living.has(key)) living.set(key, createTrustClient(options))
    return { digests: digests(await verifyAll(living.get(key), references)) }
  },
  /** Asks an open client the same question again. */
  async warm({ options, references }) {
    const client = living.get(keyOf(options))
    const { result, ...cost } = await measured(() => verifyAll(client, references))
    return { ...cost, digests: digests(result) }
  },
  async memory() {
    return { bytes: process.resourceUsage().maxRSS * 1024 }
  },
}

function keyOf({ trustDirectory, server }) {
  return `${trustDirectory} ${server}`
}

async function verifyAll(client, references) {
  if (references.length === 1) return [{ result: await client.verifyTag(references[0]) }]
  const outcomes = []
  for await (const outcome of client.verifyTags(references)) outcomes.push(outcome)
  return outcomes
}

function digests(outcomes) {
  return outcomes.map(({ result, error }) => result?.digest ?? String(error))
}

async function measured(act) {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const result = await act()
  const wall = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  return { wall, cpu: (user + system) / 1000, result }
}

process.on('message', async ({ op, ...question }) => {
  try {
    process.send({ answer: await answers[op](question) })
  } catch (error) {
    process.send({ failure: String(error?.stack ?? error) })
  }
})
process.once('disconnect', () => process.exit())
