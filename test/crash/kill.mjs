// npm run test:crash -- --kills 50 --seed 1: a client is killed at any moment, also in the midst of writing its cache.
// After each kill the cache must verify offline as what was accepted last or as something newer, and the next run must
// take away whatever the dead one left.
import { spawn } from 'node:child_process'
import { existsSync, watch } from 'node:fs'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFileStore } from '../../dist/cache/file-store.js'
import { verifyTag } from '../../dist/index.js'
import { startTrustServer } from '../../dist/testing/index.js'
import { clientOptions, die, leftovers, must, numbers, Publisher, versionsOf } from './lab.mjs'

/** One of so many rounds begins with an empty cache. */
const FRESH_EVERY = 5
/** Milliseconds after which a run that gives no answer has failed. */
const PATIENCE = 30_000
const VERIFIER = fileURLToPath(new URL('verifier.mjs', import.meta.url))

const { kills, seed } = numbers({ kills: 50, seed: 1 })
const roll = die(seed)
const publisher = new Publisher('registry.example/team/app', roll)
const server = await startTrustServer({ collections: [publisher] })
const folder = await mkdtemp(join(tmpdir(), 'dct-kill-'))
const figures = { kills: 0, insideCommit: 0, afterJournal: 0, firstUses: 0, floorsCompared: 0, leftovers: 0 }
const seen = new Set()
const now = publisher.collection.now
const reference = `${publisher.gun}:1.0`
const name = 'registry.example%2fteam%2fapp'
let child

/** A client in a process, and what it has said so far. */
class Run {
  accepted = 0
  #waiting = () => undefined

  constructor(trustDirectory) {
    const work = { server: { url: server.url, ca: server.ca }, trustDirectory, now, reference, times: 1000 }
    this.process = spawn(process.execPath, [VERIFIER, JSON.stringify(work)], { stdio: ['pipe', 'pipe', 'inherit'] })
    child = this.process
    this.ended = new Promise((resolve) => this.process.once('close', resolve))
    this.process.stdin.on('error', () => undefined)
    let text = ''
    this.process.stdout.setEncoding('utf8').on('data', (data) => {
      const lines = (text + data).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) this.#hear(JSON.parse(line))
    })
  }

  #hear(answer) {
    const known = publisher.published.get(answer.digest)
    if (known === undefined || answer.warnings.length > 0) this.fault ??= JSON.stringify(answer)
    else {
      if (known.generation < this.accepted) this.fault ??= `went back to generation ${known.generation}`
      this.accepted = known.generation
      seen.add(known.generation)
      publisher.advance() // so that there is always something to write
    }
    this.#waiting()
  }

  /** The first answer. */
  async first() {
    const late = setTimeout(() => this.process.kill('SIGKILL'), PATIENCE)
    await Promise.race([new Promise((resolve) => (this.#waiting = resolve)), this.ended])
    clearTimeout(late)
    must(this.accepted > 0 || this.fault !== undefined, 'a run gave no answer in time')
    must(this.fault === undefined, this.fault)
  }

  /** Killed at some moment: most often once it writes, which takes milliseconds. */
  async kill(trustDirectory, isRunning) {
    const own = join(trustDirectory, 'dct')
    const metadata = join(trustDirectory, 'tuf', publisher.gun, 'metadata')
    for (const place of [own, metadata]) await mkdir(place, { recursive: true, mode: 0o700 })
    const [when, which, delay, whenever] = [roll(), Math.floor(roll() * 3), roll(), roll() * (isRunning ? 60 : 400)]
    const end = () => this.process.kill('SIGKILL')
    const bell = isRunning ? undefined : setTimeout(end, PATIENCE)
    // Most often once the lock is taken, or in the midst of the renames, which are over in a moment.
    const [place, sign, wait] = when < 0.5 ? [own, /\.lock$/, delay * 12] : [metadata, /^[a-z]+\.json$/, delay * 0.5]
    const watcher = watch(place)
    let signs = 0
    if (when < 0.85)
      watcher.on('change', (_, file) => {
        if (sign.test(file ?? '') && existsSync(join(place, file)) && signs++ === (isRunning ? which : 0))
          wait < 0.25 ? end() : setTimeout(end, wait)
      })
    else setTimeout(end, whenever)
    if (isRunning) this.process.stdin.write('\n')
    await this.ended
    clearTimeout(bell)
    watcher.close()
    must(this.fault === undefined, this.fault)
  }
}

/** What the kill left is at least what was accepted, and verifies without the server. */
async function judge(trustDirectory, accepted) {
  const copy = `${trustDirectory}-copy`
  await rm(copy, { recursive: true, force: true })
  await cp(trustDirectory, copy, { recursive: true })
  const { floors, metadata } = await createFileStore(trustDirectory).read(publisher.gun)
  const answer = await verifyTag(reference, { ...clientOptions(server, copy, now), offline: true }).catch((error) => error)
  const known = publisher.published.get(answer.digest)
  if (known === undefined) {
    must(accepted === 0 && !metadata.has('root') && answer.code === 'ERR_OFFLINE', `offline: ${answer.code} ${answer.message}`)
    return
  }
  must(known.generation >= accepted, `offline: generation ${known.generation}, accepted was ${accepted}`)
  if (accepted === 0) return
  must(floors !== undefined, 'the floors are gone')
  const { versions } = [...publisher.published.values()].find(({ generation }) => generation === accepted)
  const kept = versionsOf(floors)
  for (const [role, version] of Object.entries(versions)) {
    must(kept[role] >= version, `the floor of ${role} is ${kept[role]}, accepted was ${version}`)
    figures.floorsCompared++
  }
}

let trustDirectory
let accepted = 0
try {
  for (let round = 0; round < kills; round++) {
    const isFresh = round % FRESH_EVERY === 0
    if (isFresh) [trustDirectory, accepted] = [join(folder, `${round}`), 0]
    const run = new Run(trustDirectory)
    if (isFresh) await run.kill(trustDirectory, false)
    else {
      await run.first()
      must(run.accepted >= accepted, `generation ${run.accepted} after ${accepted}`)
      const left = await leftovers(trustDirectory)
      figures.leftovers += left.length
      must(left.length === 0, `the next run left ${left.join(', ')}`)
      await run.kill(trustDirectory, true)
    }
    accepted = Math.max(accepted, run.accepted)
    figures.kills++
    figures.firstUses += isFresh ? 1 : 0
    figures.insideCommit += existsSync(join(trustDirectory, 'dct', `${name}.lock`)) ? 1 : 0
    figures.afterJournal += existsSync(join(trustDirectory, 'dct', `${name}.journal`)) ? 1 : 0
    await judge(trustDirectory, accepted)
  }
  must(
    figures.insideCommit * 4 >= kills,
    `only ${figures.insideCommit} of ${kills} kills were inside a commit: this run shows little`,
  )
} catch (error) {
  console.error(`after ${figures.kills} kills, with --seed ${seed}: ${error.message}`)
  process.exitCode = 1
} finally {
  child?.kill('SIGKILL')
  await server.close()
  await rm(folder, { recursive: true, force: true })
}
console.log(
  `kills ${figures.kills} (seed ${seed}), inside a commit ${figures.insideCommit}, with a journal ${figures.afterJournal}, on first use ${figures.firstUses}, ` +
    `versions seen ${seen.size} of ${publisher.published.size}, floors compared ${figures.floorsCompared}, leftovers ${figures.leftovers}`,
)
