/**
 * The differential test: `npm run fuzz:differential -- --count N --seed S`. `--only K` repeats one case. `--tell kinder` also shows every
 * case that this list excuses, `--tell 'kinder: sha512-alone'` those of one rule.
 * Fails if any difference is not allowed by the closed lists, and prints all of these.
 */
import { fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startTrustServer } from '../../../src/testing/index.js'
import { createHttpTransport } from '../../../src/trust-server/http-transport.js'
import { parseServer } from '../../../src/trust-server/notary-url.js'
import { requirePrograms } from '../lab/requirements.js'
import { readRecorded } from './adopted.js'
import { askNotary, askUs } from './askers.js'
import { type CaseSource, gunOf, makeCase } from './cases.js'
import type { Files } from './draft.js'
import { type Bench, judgeCase, type Verdict } from './judge.js'
import { readRules } from './rules.js'

/** Cases that run at the same time in one process; notary is one process per lookup. */
const LANES = 4
/** Number of cases for which a separate process is worth its cost. */
const FEW = 50

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    tell: { type: 'string', multiple: true },
    /** Tells a process that shares the work its number and the number of processes. */
    part: { type: 'string' },
  },
})
const seed = values.seed ?? String(Date.now())
const only = values.only === undefined ? undefined : whole(values.only)
const count = only === undefined ? whole(values.count ?? '1000') : 1
const first = only ?? 0

requirePrograms('notary')
if (values.part !== undefined) {
  const [part = 0, parts = 1] = values.part.split('/').map(whole)
  const indices = Array.from({ length: count }, (_, at) => first + at).filter((index) => index % parts === part)
  const outcome = await run(indices)
  process.removeAllListeners('disconnect')
  process.send?.(outcome, () => process.disconnect())
} else {
  const started = performance.now()
  const parts = count < FEW ? 1 : availableParallelism()
  const outcomes = await Promise.all(Array.from({ length: parts }, (_, part) => inProcess(`${part}/${parts}`)))
  const figures = new Map<string, number>()
  for (const [what, times] of outcomes.flatMap((one) => one.figures)) figures.set(what, (figures.get(what) ?? 0) + times)
  const [done, failed] = [sum(outcomes.map((one) => one.done)), sum(outcomes.map((one) => one.failed))]
  const classes = [...figures].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, times]) => `${what} ${times}`)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log([`${done} cases of seed ${seed} in ${seconds} s`, ...classes, `failed ${failed}`].join('; '))
  process.exitCode = failed === 0 && done === count ? 0 : 1
}

interface Outcome {
  readonly figures: readonly (readonly [what: string, times: number])[]
  readonly done: number
  readonly failed: number
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

/** Runs a part of the cases in a separate process, because half of the work is in JavaScript, which has one thread. */
function inProcess(part: string): Promise<Outcome> {
  const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--seed', seed, '--part', part])
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('message', (outcome) => resolve(outcome as Outcome))
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`the process of part ${part} ended with ${code ?? signal}`)))
  })
}

/** Runs these cases with both clients and prints every failure. */
async function run(indices: readonly number[]): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'dct-differential-'))
  // On a message to stop, it finishes the running cases and reports its progress; if the parent ends, it ends at once.
  let isStopped = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      isStopped = true
    })
  process.once('disconnect', () => {
    rmSync(folder, { recursive: true, force: true })
    process.exit(1)
  })
  const served = new Map<string, Files>()
  const holders = indices.map(gunOf).map((gun) => ({ gun, served: (name: string) => served.get(gun)?.get(name) }))
  // Notary requests /v2/ first, which is not a file, and needs status 200 to accept the server.
  const server = await startTrustServer({ collections: holders, faults: { '': Buffer.from('{}') } })
  const transport = createHttpTransport({ server: parseServer(server.url), ca: server.ca, dockerConfig: folder, env: {} })
  const figures = new Map<string, number>()
  let [done, failed] = [0, 0]
  try {
    const ca = join(folder, 'ca.crt')
    await writeFile(ca, server.ca)
    const stricter = readRules('test/interop/stricter.md', 'stricter')
    const { url } = server
    const bench: Bench = {
      notary: (folder, gun, target) => {
        const hasTimestamp = served.get(gun)?.has('timestamp') === true
        return askNotary({ url, ca, folder, hasTimestamp }, gun, target)
      },
      us: (folder, gun, target) => askUs({ url, transport, folder }, gun, target),
      folder,
      served,
      stricter: stricter.filter(({ id }) => id !== 'no-answer-there'),
      unanswered: stricter.filter(({ id }) => id === 'no-answer-there'),
      kinder: readRules('test/interop/kinder.md', 'kinder'),
    }
    const source = { seed, recorded: readRecorded('fixtures') }
    const left = indices.values()
    const lane = async (): Promise<void> => {
      for (const index of left) {
        if (isStopped) return
        for (const { failed: bad, what, told = '' } of await verdictsOf(bench, source, index)) {
          const isShown = bad || only !== undefined || values.tell?.some((one) => what.startsWith(one)) === true
          if (isShown) console.error(`${what}\n  ${told}\n  again: npm run fuzz:differential -- --seed ${seed} --only ${index}\n`)
          if (bad) failed++
          else figures.set(what, (figures.get(what) ?? 0) + 1)
        }
        done++
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
  } finally {
    await transport.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { figures: [...figures], done, failed }
}

async function verdictsOf(bench: Bench, source: CaseSource, index: number): Promise<Verdict[]> {
  try {
    return await judgeCase(bench, makeCase(source, index))
  } catch (error) {
    return [{ failed: true, what: `the case could not be made: ${error instanceof Error ? error.stack : String(error)}` }]
  }
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new TypeError(`${text} is not an integer`)
  return Number(text)
}
