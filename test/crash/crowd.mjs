// npm run test:crowd -- --processes 8 --verifications 100: processes share one folder while the publisher goes on. Nobody
// may fail, wait for ever, or find the floors lower than what anybody was told before.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFileStore } from '../../dist/cache/file-store.js'
import { startTrustServer } from '../../dist/testing/index.js'
import { die, leftovers, must, numbers, Publisher, versionsOf } from './lab.mjs'

/** Answers after which the publisher goes on: often enough that several write at once, seldom enough that some do not. */
const ANSWERS_PER_PUBLISH = 5
const VERIFIER = fileURLToPath(new URL('verifier.mjs', import.meta.url))

const { processes, verifications, seconds, seed } = numbers({ processes: 8, verifications: 100, seconds: 300, seed: 1 })
const publisher = new Publisher('registry.example/team/app', die(seed))
const server = await startTrustServer({ collections: [publisher] })
const folder = await mkdtemp(join(tmpdir(), 'dct-crowd-'))
const trustDirectory = join(folder, 'trust')
const store = createFileStore(trustDirectory)
const figures = { answers: 0, floorsCompared: 0 }
const children = []
/** The highest version of each role that anybody was told. */
const told = {}
let fault

async function hear({ digest, warnings, ...refusal }) {
  const known = publisher.published.get(digest)
  must(known !== undefined, `refused: ${JSON.stringify(refusal)}`)
  must(warnings.length === 0, `warned: ${warnings}`)
  figures.answers++
  if (figures.answers % ANSWERS_PER_PUBLISH === 0) publisher.advance()
  for (const [role, version] of Object.entries(known.versions)) told[role] = Math.max(told[role] ?? 0, version)
  const expected = Object.entries(told)
  const { floors } = await store.read(publisher.gun)
  const kept = versionsOf(floors)
  for (const [role, version] of expected) {
    must(kept[role] >= version, `the floor of ${role} is ${kept[role]} when ${version} was accepted`)
    figures.floorsCompared++
  }
}

function run() {
  const now = publisher.collection.now
  const reference = `${publisher.gun}:1.0`
  const work = { server: { url: server.url, ca: server.ca }, trustDirectory, now, reference, times: verifications }
  const child = spawn(process.execPath, [VERIFIER, JSON.stringify(work)], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  child.stdin.on('error', () => undefined).end('\n')
  let text = ''
  const heard = []
  child.stdout.setEncoding('utf8').on('data', (data) => {
    const lines = (text + data).split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) heard.push(hear(JSON.parse(line)).catch((error) => (fault ??= error)))
  })
  return new Promise((resolve) => child.once('close', (status) => resolve(Promise.all(heard).then(() => status))))
}

const started = performance.now()
const late = setTimeout(() => {
  fault ??= new Error(`not done after ${seconds} s: ${figures.answers} of ${processes * verifications} answers`)
  for (const child of children) child.kill('SIGKILL')
}, seconds * 1000)
try {
  const statuses = await Promise.all(Array.from({ length: processes }, run))
  if (fault !== undefined) throw fault
  must(
    statuses.every((status) => status === 0),
    `exit statuses ${statuses}`,
  )
  must(figures.answers === processes * verifications, `${figures.answers} answers`)
  const left = await leftovers(trustDirectory)
  must(left.length === 0, `left behind: ${left.join(', ')}`)
} catch (error) {
  console.error(`with --seed ${seed}: ${error.message}`)
  process.exitCode = 1
} finally {
  clearTimeout(late)
  for (const child of children) child.kill('SIGKILL')
  await server.close()
  await rm(folder, { recursive: true, force: true })
}
console.log(
  `processes ${processes}, answers ${figures.answers}, versions ${publisher.published.size}, floors compared ${figures.floorsCompared}, ` +
    `seconds ${((performance.now() - started) / 1000).toFixed(1)}`,
)
