// Verifies alpine:3.19 from a folder of served files in its own process, and prints the cost. Runs on dist/.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createMemoryStore, verifyTag } from '../../dist/index.js'

const [folder = '', now = ''] = process.argv.slice(2)

/** A server that has these files; it never gives more than is asked for, as every transport must. */
const transport = {
  async fetchMetadata({ name, maxBytes }) {
    const file = await readFile(join(folder, `${encodeURIComponent(name)}.json`)).catch(() => undefined)
    if (file !== undefined && file.length > maxBytes) throw Object.assign(new Error('too large'), { code: 'over the limit' })
    return file
  },
  close: () => Promise.resolve(),
}

/** Keeps nothing, and counts what it is given to keep. */
const inner = createMemoryStore()
let written = 0
const store = {
  read: (gun) => inner.read(gun),
  forget: (gun) => inner.forget(gun),
  list: () => inner.list(),
  commit(_gun, { metadata, floors }) {
    for (const file of [...metadata.values(), floors]) written += file.length
    return Promise.resolve()
  },
}

const options = {
  env: {},
  disableContentTrust: false,
  server: 'https://notary.example',
  transport,
  store,
  now: () => new Date(now),
  // What is measured is the work, and the machine may be busy.
  timeout: 120_000,
}
const start = performance.now()
const startCpu = process.cpuUsage()
const outcome = await verifyTag('alpine:3.19', options).then(
  ({ status, digest }) => ({ status, digest, message: '' }),
  ({ code, role, message }) => ({ code, role, message }),
)
const { user, system } = process.cpuUsage(startCpu)
/** What it took by the clock, or of the processor when that was less: then others ran in between. */
const milliseconds = Math.round(Math.min(performance.now() - start, (user + system) / 1000))

/** The most memory this program ever had, in kB. On Linux `maxRSS` also counts that of the process that started it. */
const peak = await readFile('/proc/self/status', 'utf8').then(
  (status) => Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]),
  () => process.resourceUsage().maxRSS,
)
const megabytes = Math.round(peak / 1024)

/** Milliseconds of processor time of a fixed piece of such work: machines differ, and so do runs. */
const paceCpu = process.cpuUsage()
const members = Object.create(null)
for (let number = 0; number < 100_000; number++) {
  const name = JSON.parse(`"member ${number}"`)
  if (!(name in members)) members[name] = number
}
const paced = process.cpuUsage(paceCpu)
const pace = (paced.user + paced.system) / 1000

const { message, ...rest } = outcome
process.stdout.write(JSON.stringify({ ...rest, messageLength: message.length, milliseconds, megabytes, pace, written }))
