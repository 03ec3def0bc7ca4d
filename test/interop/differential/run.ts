/**
 * The differential test: `npm run fuzz:differential -- --count N --seed S`, or `--only K` for one case again; `--tell kinder`
 * shows every case that this list excuses, too, `--tell 'kinder: sha512-alone'` those of one rule.
 * Fails on the first difference that the closed lists do not allow; all of them are printed.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startTrustServer } from '../../../src/testing/index.js'
import { createHttpTransport } from '../../../src/transport/http-transport.js'
import { parseServer } from '../../../src/transport/notary-url.js'
import { requirePrograms } from '../lab/requirements.js'
import { readRecorded } from './adopted.js'
import { gunOf, makeCase } from './cases.js'
import type { Files } from './draft.js'
import { type Bench, judgeCase, type Verdict } from './judge.js'
import { readRules } from './rules.js'

/** Cases under way at a time: notary is a process for each lookup, and waits on the disk for much of it. */
const LANES = 4

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    tell: { type: 'string', multiple: true },
  },
})
const seed = values.seed ?? String(Date.now())
const only = values.only === undefined ? undefined : whole(values.only)
const count = only === undefined ? whole(values.count ?? '1000') : 1
const first = only ?? 0

requirePrograms('notary')
const started = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'dct-differential-'))
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    rmSync(folder, { recursive: true, force: true })
    process.exit(1)
  })
}
const served = new Map<string, Files>()
const holders = Array.from({ length: count }, (_, at) => gunOf(first + at)).map((gun) => ({
  gun,
  served: (name: string) => served.get(gun)?.get(name),
}))
// Notary asks for /v2/ first, which is no file's name, and takes anything but 200 for no server.
const server = await startTrustServer({ collections: holders, faults: { '': Buffer.from('{}') } })
const transport = createHttpTransport({ server: parseServer(server.url), ca: server.ca, dockerConfig: folder, env: {} })
const figures = new Map<string, number>()
let failed = 0
try {
  const ca = join(folder, 'ca.crt')
  await writeFile(ca, server.ca)
  const stricter = readRules('test/interop/stricter.md', 'stricter')
  const bench = {
    url: server.url,
    ca,
    transport,
    folder,
    served,
    stricter: stricter.filter(({ id }) => !id.startsWith('no-answer-there')),
    unanswered: stricter.filter(({ id }) => id.startsWith('no-answer-there')),
    kinder: readRules('test/interop/kinder.md', 'kinder'),
  }
  const source = { seed, recorded: readRecorded('fixtures') }
  const verdictsOf = async (bench: Bench, index: number): Promise<Verdict[]> => {
    try {
      return await judgeCase(bench, makeCase(source, index))
    } catch (error) {
      return [{ failed: true, what: `the case could not be made: ${error instanceof Error ? error.stack : String(error)}` }]
    }
  }
  let next = first
  const lane = async (): Promise<void> => {
    while (next < first + count) {
      const index = next++
      for (const { failed: bad, what, told = '' } of await verdictsOf(bench, index)) {
        const isShown = bad || only !== undefined || values.tell?.some((one) => what.startsWith(one)) === true
        if (isShown) console.error(`${what}\n  ${told}\n  again: npm run fuzz:differential -- --seed ${seed} --only ${index}\n`)
        if (bad) failed++
        else figures.set(what, (figures.get(what) ?? 0) + 1)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
} finally {
  await transport.close()
  await server.close()
  await rm(folder, { recursive: true, force: true })
}
const classes = [...figures].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, times]) => `${what} ${times}`)
const seconds = ((performance.now() - started) / 1000).toFixed(1)
console.log([`${count} cases of seed ${seed} in ${seconds} s`, ...classes, `failed ${failed}`].join('; '))
process.exitCode = failed === 0 ? 0 : 1

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new TypeError(`${text} is not a whole number`)
  return Number(text)
}
