/** Random choices from a seed: the same seed gives the same choices on every machine. */
import { createHash } from 'node:crypto'

export class Random {
  readonly #seed: string
  readonly #state: Uint32Array

  constructor(seed: string) {
    this.#seed = seed
    const digest = createHash('sha256').update(seed).digest()
    this.#state = Uint32Array.from([0, 4, 8, 12].map((at) => digest.readUInt32LE(at)))
  }

  /** 0 to `below` - 1. */
  int(below: number): number {
    return Math.floor((this.#next() / 2 ** 32) * below)
  }

  /** True for this share of the calls. */
  chance(share: number): boolean {
    return this.#next() < share * 2 ** 32
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.int(items.length)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }

  /** Picks by weight. */
  weighted<Item>(items: readonly (readonly [number, Item])[]): Item {
    let rest = this.int(items.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, item] of items) {
      if (rest < weight) return item
      rest -= weight
    }
    throw new RangeError('nothing to pick from')
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    return items
      .map((item) => ({ item, at: this.#next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item)
  }

  /** A separate sequence of choices; the same name gives the same sequence. */
  fork(name: string): Random {
    return new Random(`${this.#seed}\n${name}`)
  }

  /** sfc32. */
  #next(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.#state
    const sum = (a + b + counter) >>> 0
    this.#state.set([b ^ (b >>> 9), (c + (c << 3)) >>> 0, (((c << 21) | (c >>> 11)) + sum) >>> 0, counter + 1])
    return sum
  }
}
