/** What a policy of 500 rules costs the command: it verifies the same 1,000 references, its cache filled, with and without one, in turns. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunOf } from './kit-collections.mjs'
import { timeProgram } from './measure-program.mjs'
import { PLAIN, REFERENCES, rowOf } from './policy-cost.mjs'

const BIN = fileURLToPath(new URL('../dist/cli/bin.cjs', import.meta.url))

/** Rows of the command without a policy, with one in JSON, and with the same in YAML. */
export async function measurePolicyCommand(lab, collections, rounds) {
  const tags = REFERENCES / collections
  const server = fork(fileURLToPath(new URL('kit-server.mjs', import.meta.url)), [collections, tags, 0])
  try {
    const [{ url, ca }] = await once(server, 'message')
    const folder = lab.freshFolder()
    const file = (name, text) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    mkdirSync(folder, { recursive: true })
    const places = ['--server', url, '--tlscacert', file('ca.pem', ca), '--config', folder]
    const list = Array.from({ length: REFERENCES }, (_, n) => `${gunOf(n % collections)}:v${Math.floor(n / collections)}\n`)
    const references = file('references', list.join(''))
    const yaml = `version: 1\nrules:\n${PLAIN.rules.map(({ match }) => `  - match: "${match}"\n`).join('')}`
    const subjects = [
      ['without a policy', []],
      ['JSON', ['--policy', file('policy.json', JSON.stringify(PLAIN, undefined, 2))]],
      ['YAML', ['--policy', file('policy.yaml', yaml)]],
    ].map(([name, options]) => ({ name, words: [...options, '--trust-dir', join(folder, name)], samples: [] }))
    for (let round = -1; round < rounds; round += 1) {
      for (const { words, samples } of subjects) {
        const line = ['bash', '-c', 'exec "$@" <"$0"', references, process.execPath, ...lab.nodeOptions, BIN, 'verify', '-']
        const sample = await timeProgram([...line, ...places, ...words], { PATH: process.env.PATH })
        if (sample.status !== 0) throw new Error(`status ${sample.status}: ${sample.stderr}`)
        // The first turn fills the cache.
        if (round >= 0) samples.push(sample)
      }
    }
    return subjects.map(rowOf)
  } finally {
    server.disconnect()
  }
}
