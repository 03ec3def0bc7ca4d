// What the scripts here share: their arguments, a die that falls the same for the same seed, and a publisher that goes on.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createTrustCollection } from '../../dist/testing/index.js'

/** Whole numbers from the command line, `--name 5`; whatever is not named in `defaults` is an error. */
export function numbers(defaults) {
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' }]))
  const { values } = parseArgs({ options })
  return Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => {
      const number = Number(values[name] ?? value)
      if (!Number.isSafeInteger(number) || number < 0) throw new TypeError(`--${name} takes a whole number`)
      return [name, number]
    }),
  )
}

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
export function die(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What a condition of a run is that must hold. */
export function must(holds, what) {
  if (!holds) throw new Error(what)
}

const ROLES = ['timestamp', 'snapshot', 'targets', 'targets/releases']

/** A collection in which `1.0` is signed anew again and again; every digest tells which versions it came with. */
export class Publisher {
  collection
  /** Digest -> {generation, versions}. */
  published = new Map()
  #roll

  constructor(gun, roll) {
    this.#roll = roll
    this.collection = createTrustCollection(gun)
    this.collection.delegate('targets/releases')
    this.advance(false)
  }

  get gun() {
    return this.collection.gun
  }

  served(name) {
    return this.collection.served(name)
  }

  /** Publishes, now and then with new keys. */
  advance(mayRotate = true) {
    const rolled = mayRotate ? this.#roll() : 1
    if (rolled < 0.1) this.collection.rotateRoot()
    else if (rolled < 0.25) this.collection.rotateKey(ROLES[Math.floor(this.#roll() * 3)])
    else if (rolled < 0.3) this.collection.rotateKey('targets/releases')
    const generation = this.published.size + 1
    const digest = this.collection.sign('1.0', `generation ${generation}`, { role: 'targets/releases' })
    this.collection.publish()
    const versions = Object.fromEntries(['root', ...ROLES].map((role) => [role, this.collection.version(role)]))
    this.published.set(digest, { generation, versions })
  }
}

/** What writers leave only while they write. */
export async function leftovers(trustDirectory) {
  const names = await readdir(trustDirectory, { recursive: true }).catch(() => [])
  return names.filter((name) => /(?:^|[\\/])\.dct-|\.(?:journal|lock|turn)$/.test(name))
}

/** The versions in a floors file. */
export function versionsOf(floors) {
  const { roles } = JSON.parse(Buffer.from(floors).toString())
  return Object.fromEntries(roles.map(({ role, version }) => [role, version]))
}

/** The options of every client here, but for where it asks and what it keeps. */
export function clientOptions({ url, ca }, trustDirectory, now) {
  return {
    env: {},
    disableContentTrust: false,
    dockerConfig: join(trustDirectory, 'none'),
    credentials: {},
    server: url,
    ca,
    trustDirectory,
    now: () => now,
  }
}
