/**
 * A strict reader of Prometheus' text format, version 0.0.4, after the document "Exposition formats": it refuses what Prometheus would refuse,
 * and what `promtool check metrics` warns of that matters here.
 */

interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly Sample[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const SAMPLE = new RegExp(`^(?<name>${NAME})(?:\\{(?<labels>.*)\\})? (?<value>NaN|[+-]Inf|[-+]?[0-9.]+(?:e[-+]?[0-9]+)?)$`, 's')
const LABEL = /^(?<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>(?:[^"\\\n]|\\["\\n])*)"(?:,|$)/

/** @throws Error for a line that is not of the format, or not where it may be */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n') || text.includes('\r\n')) throw new Error('the last line must end with \\n, and no line with \\r\\n')
  const families = new Map<string, Family & { samples: Sample[] }>()
  let current: (Family & { samples: Sample[] }) | undefined
  const lines = text.slice(0, -1).split('\n')
  for (const [at, line] of lines.entries()) {
    const [, help, helpText = ''] = new RegExp(`^# HELP (${NAME}) (.+)$`).exec(line) ?? []
    if (help !== undefined) {
      if (families.has(help)) throw new Error(`${help}: a second HELP`)
      const [, typed, type = ''] = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`).exec(lines[at + 1] ?? '') ?? []
      if (typed !== help) throw new Error(`${help}: TYPE does not follow HELP`)
      current = { name: help, type, help: helpText, samples: [] }
      families.set(help, current)
    } else if (!line.startsWith('# TYPE ')) {
      if (current === undefined) throw new Error(`a sample without a family: ${line}`)
      current.samples.push(readSample(line, current))
    }
  }
  for (const family of families.values()) check(family)
  return families
}

function readSample(line: string, { name: family, type }: Family): Sample {
  const { name = '', labels: text = '', value = '' } = SAMPLE.exec(line)?.groups ?? {}
  const names = type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => family + end) : [family]
  if (!names.includes(name)) throw new Error(`not a sample of ${family}: ${line}`)
  const labels = new Map<string, string>()
  let rest = text
  while (rest !== '') {
    const found = LABEL.exec(rest)
    const { name: label = '', value: content = '' } = found?.groups ?? {}
    if (found === null || labels.has(label)) throw new Error(`labels: ${line}`)
    labels.set(label, content)
    rest = rest.slice(found[0].length)
  }
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) }
}

function check({ name, type, samples }: Family): void {
  const keys = samples.map((sample) => JSON.stringify([sample.name, [...sample.labels].sort()]))
  if (new Set(keys).size !== keys.length) throw new Error(`${name}: two samples with the same labels`)
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name}: counters end in _total, and nothing else does`)
  if (type === 'counter' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name}: a counter is not negative`)
  if (type !== 'histogram') return
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`)
  const bounds = buckets.map(({ labels }) => Number(labels.get('le')?.replace('+Inf', 'Infinity')))
  const counts = buckets.map(({ value }) => value)
  const isSorted = (list: number[]): boolean => list.every((value, at) => at === 0 || value >= (list[at - 1] ?? 0))
  if (bounds.at(-1) !== Number.POSITIVE_INFINITY || !isSorted(bounds) || !isSorted(counts)) throw new Error(`${name}: buckets`)
  const count = samples.find((sample) => sample.name === `${name}_count`)
  if (count === undefined || count.value !== counts.at(-1)) throw new Error(`${name}: count`)
  if (!samples.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name}: sum`)
}
