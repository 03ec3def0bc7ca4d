/** Counters in Prometheus' text format (version 0.0.4). No label holds a digest or a tag, so that their number stays bounded. */

/** Seconds: upper bounds of the buckets of a duration. */
const BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Different label values of one metric: bounds memory, should a label ever get values from outside. */
const MAX_SERIES = 1_000

type Labels = Readonly<Record<string, string>>

interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** The lines of its samples. */
  lines(): string[]
}

/** Counts by labels. */
export class Counter implements Family {
  readonly type = 'counter'
  readonly #series = new Map<string, number>()
  readonly name: string
  readonly help: string

  constructor(name: string, help: string) {
    this.name = name
    this.help = help
  }

  add(labels: Labels): void {
    const key = labelText(labels)
    const count = this.#series.get(key)
    if (count === undefined && this.#series.size >= MAX_SERIES) return
    this.#series.set(key, (count ?? 0) + 1)
  }

  lines(): string[] {
    return [...this.#series].map(([labels, count]) => `${this.name}${labels} ${count}`)
  }
}

/** A value with its labels. */
export type Sample = readonly [value: number, labels?: Labels]

/** Values that are read when the metrics are. */
export class Reading implements Family {
  readonly type: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly #read: () => readonly Sample[]

  constructor(type: 'counter' | 'gauge', name: string, help: string, read: () => readonly Sample[]) {
    this.type = type
    this.name = name
    this.help = help
    this.#read = read
  }

  lines(): string[] {
    return this.#read().map(([value, labels = {}]) => `${this.name}${labelText(labels)} ${value}`)
  }
}

/** Durations in seconds. */
export class Histogram implements Family {
  readonly type = 'histogram'
  readonly name: string
  readonly help: string
  readonly #counts: number[] = BUCKETS.map(() => 0)
  #count = 0
  #sum = 0

  constructor(name: string, help: string) {
    this.name = name
    this.help = help
  }

  observe(seconds: number): void {
    this.#count += 1
    this.#sum += seconds
    for (const [at, bound] of BUCKETS.entries()) if (seconds <= bound) this.#counts[at] = (this.#counts[at] ?? 0) + 1
  }

  lines(): string[] {
    const buckets = BUCKETS.map((bound, at) => `${this.name}_bucket{le="${bound}"} ${this.#counts[at] ?? 0}`)
    return [
      ...buckets,
      `${this.name}_bucket{le="+Inf"} ${this.#count}`,
      `${this.name}_sum ${this.#sum}`,
      `${this.name}_count ${this.#count}`,
    ]
  }
}

/** The text of all families. */
export function metricsText(families: readonly Family[]): string {
  const blocks = families.map((family) =>
    [`# HELP ${family.name} ${family.help}`, `# TYPE ${family.name} ${family.type}`, ...family.lines()].join('\n'),
  )
  return `${blocks.join('\n')}\n`
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
