/** The library in a process that lives: loads it once, then answers what its parent asks, measuring inside. */
import { createTrustClient } from '../dist/index.js'

/** Living clients by trust directory and server. */
const living = new Map()

const answers = {
  /** A new client, connection and all, until the answers are there. */
  async cold({ options, references }) {
    const { result, ...cost } = await measured(async () => {
      const client = createTrustClient(options)
      return { client, outcomes: await verifyAll(client, references) }
    })
    await result.client.close()
    return { ...cost, digests: digests(result.outcomes) }
  },
  /** Between rounds idle connections are closed; a busy process has one open: so this comes before each `warm`. */
  async wake({ options, references }) {
    const key = keyOf(options)
    if (!living.has(key)) living.set(key, createTrustClient(options))
    return { digests: digests(await verifyAll(living.get(key), references)) }
  },
  /** The same question again, to a client that lives. */
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
