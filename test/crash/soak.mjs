// npm run test:soak -- --verifications 20000 --collections 200: one client for a long time. What it keeps in memory and
// holds open at the end must be what it was after the first 2,000: by then code is compiled and every collection known.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createTrustClient } from '../../dist/index.js'
import { clientOptions, die, leftovers, must, numbers } from './lab.mjs'

/** Verifications at a time. */
const WIDTH = 4
/** One of so many finds something new. */
const PUBLISH_EVERY = 10
/** More open files than that were not there before. */
const MORE_FILES = 4
const GROWTH = 1.1
/** Verifications before the first measurement. */
const WARM = 2000

const { verifications, collections, seed } = numbers({ verifications: 4000, collections: 20, seed: 1 })
const gc = globalThis.gc
must(typeof gc === 'function', 'run with node --expose-gc')
const guns = Array.from({ length: collections }, (_, index) => `registry.example/soak/app${index}`)
const child = fork(fileURLToPath(new URL('soak-server.mjs', import.meta.url)), [JSON.stringify([guns, seed])])
const folder = await mkdtemp(join(tmpdir(), 'dct-soak-'))
const roll = die(seed)
let published = 0

/** What is in use once everything that can be freed is. */
async function measure() {
  for (let turn = 0; turn < 5; turn++) {
    gc()
    await pause(20)
  }
  const files = await readdir('/proc/self/fd').catch(() => [])
  return { heap: process.memoryUsage().heapUsed, rss: process.memoryUsage().rss, files: files.length }
}

async function publish(gun) {
  const done = once(child, 'message')
  child.send(gun)
  await done
  published++
}

const started = performance.now()
let client
let figures = ''
try {
  const [{ url, ca, now }] = await once(child, 'message')
  client = createTrustClient(clientOptions({ url, ca }, join(folder, 'trust'), new Date(now)))
  const work = async (from, to) => {
    for (let count = from; count < to; count += WIDTH) {
      if ((count / WIDTH) % (PUBLISH_EVERY / WIDTH) < 1) await publish(guns[Math.floor(roll() * guns.length)])
      const references = Array.from({ length: WIDTH }, () => `${guns[Math.floor(roll() * guns.length)]}:1.0`)
      const results = await Promise.all(references.map((reference) => client.verifyTag(reference)))
      for (const { reference, freshness, warnings } of results) {
        const unexpected = warnings.filter(({ code }) => code !== 'WARN_FIRST_USE')
        must(freshness === 'fresh' && unexpected.length === 0, `${reference}: ${freshness}, ${JSON.stringify(unexpected)}`)
      }
    }
  }
  // Each collection once, so that what is measured first knows them all.
  for (const gun of guns) await client.verifyTag(`${gun}:1.0`)
  const begun = Math.min(WARM, Math.ceil(verifications / 2))
  await work(0, begun)
  const early = await measure()
  await work(begun, verifications)
  const late = await measure()
  const mb = (bytes) => (bytes / 2 ** 20).toFixed(1)
  figures =
    `heap ${mb(early.heap)} -> ${mb(late.heap)} MB (${(((late.heap - early.heap) / early.heap) * 100).toFixed(1)} %), ` +
    `rss ${mb(early.rss)} -> ${mb(late.rss)} MB, open files ${early.files} -> ${late.files}`
  must(late.heap <= early.heap * GROWTH, `the heap grew: ${figures}`)
  must(late.files <= early.files + MORE_FILES, `files or sockets stay open: ${figures}`)
  must((await leftovers(folder)).length === 0, 'something was left behind')
} catch (error) {
  console.error(`with --seed ${seed}: ${error.message}`)
  process.exitCode = 1
} finally {
  await client?.close()
  child.disconnect()
  await rm(folder, { recursive: true, force: true })
}
console.log(
  `verifications ${verifications}, collections ${collections}, published ${published}, ${figures}, ` +
    `seconds ${((performance.now() - started) / 1000).toFixed(1)}`,
)
