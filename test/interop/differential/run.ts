/**
 * The differential test: `npm run fuzz:differential -- --count N --seed S`, or `--only K` for one case again; `--tell kinder`
 * shows every case that this list excuses, too, `--tell 'kinder: sha512-alone'` those of one rule.
 * Fails on the first difference that the closed lists do not allow; all of them are printed.
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

/** Cases under way at a time in one process: notary is a process for each lookup. */
const LANES = 4
/** Cases for which a process of its own is worth while. */
const FEW = 50

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    tell: { type: 'string', multiple: true },
    /** Told to the processes that share the work: which of how many this is. */
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

/** A part of the cases in a process of its own: half of the work is in this language, which has one thread. */
function inProcess(part: string): Promise<Outcome> {
  const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--seed', seed, '--part', part])
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('message', (outcome) => resolve(outcome as Outcome))
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`the process of part ${part} ended with ${code ?? signal}`)))
  })
}

/** Puts these cases to both; every failure is printed. */
async function run(indices: readonly number[]): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'dct-differential-'))
  // Told to stop, it ends the cases under way and says how far it came; left alone, it goes at once.
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
  // Notary asks for /v2/ first, which is no file's name, and takes anything but 200 for no server.
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
  if (!/^\d{1,9}$/.test(text)) throw new TypeError(`${text} is not a whole number`)
  return Number(text)
}
