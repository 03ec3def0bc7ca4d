// Verifies one tag again and again, and writes each digest to its standard output before it goes on. A line on its
// standard input lets it go on after the first. Whoever started it may end it at any moment.
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createTrustClient } from '../../dist/index.js'
import { clientOptions } from './lab.mjs'

const { server, trustDirectory, now, reference, times } = JSON.parse(process.argv[2] ?? '{}')
const client = createTrustClient(clientOptions(server, trustDirectory, new Date(now)))
const go = new Promise((resolve) => createInterface({ input: process.stdin }).once('line', resolve))
for (let count = 0; count < times; count++) {
  const outcome = await client.verifyTag(reference).then(
    ({ digest, warnings }) => ({
      digest,
      warnings: warnings.map(({ code }) => code).filter((code) => code !== 'WARN_FIRST_USE'),
    }),
    ({ code, message }) => ({ code, message }),
  )
  // To the kernel, at once: what was said before a kill is heard after it.
  writeSync(1, `${JSON.stringify(outcome)}\n`)
  if (count === 0) await go
}
await client.close()
process.stdin.destroy()
