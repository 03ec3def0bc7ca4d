/** `-o FORMAT[=FILE]`: which reports a run writes, and where. */
import { utf8 } from '../bytes.js'
import { UsageError } from '../errors.js'
import type { Finding, RunFacts } from '../report/finding.js'
import type { Io } from './io.js'
import { packageVersion } from './version.js'

type Writer = (findings: readonly Finding[], facts: RunFacts) => string

/** Each format, loaded when it is asked for. */
const FORMATS = new Map<string, () => Promise<Writer>>([
  ['text', async () => (await import('../report/text-report.js')).textReport],
  ['json', async () => (await import('../report/json-report.js')).jsonReport],
  ['junit', async () => (await import('../report/junit.js')).junitReport],
  ['sarif', async () => (await import('../report/sarif.js')).sarifReport],
])

/** A report that was asked for. */
interface Output {
  readonly format: string
  /** Absent for standard output. */
  readonly file?: string
}

/** The reports of a run. Made before anything is asked, so that a mistake is found at once. */
export class ReportOutputs {
  readonly #outputs: readonly Output[]
  readonly #now: () => Date
  readonly #started: Date

  /** @throws UsageError ERR_SETTINGS_INVALID for an unknown format, or two reports to one place */
  constructor(typed: readonly string[], { now = () => new Date() }: Pick<Io, 'now'>) {
    this.#outputs = typed.map(readOutput)
    const places = this.#outputs.map(({ file }) => file ?? '')
    const twice = places.find((place, index) => places.indexOf(place) !== index)
    if (twice !== undefined) {
      throw new UsageError('ERR_SETTINGS_INVALID', `two reports go to ${twice === '' ? 'standard output' : twice}`, {
        hint: 'Give each report a file of its own: -o sarif=dct.sarif -o junit=dct.xml',
      })
    }
    this.#now = now
    this.#started = now()
  }

  /** Whether a report was asked for. */
  get any(): boolean {
    return this.#outputs.length > 0
  }

  /** Whether a report takes the place of the answers on standard output. */
  get takesStandardOutput(): boolean {
    return this.#outputs.some(({ file }) => file === undefined)
  }

  /**
   * Refuses formats that tell places in files: GitHub takes no result of SARIF without one.
   *
   * @throws UsageError ERR_SETTINGS_INVALID
   */
  refuseFormatsOfFiles(): void {
    if (!this.#outputs.some(({ format }) => format === 'sarif')) return
    throw new UsageError('ERR_SETTINGS_INVALID', 'a report as sarif tells places in files, and goes with --file', {
      hint: 'Name the files whose images are verified: dct verify -f Dockerfile -o sarif=dct.sarif. For references: -o junit=dct.xml',
    })
  }

  /** Writes all reports. @throws UsageError ERR_SETTINGS_INVALID when a file cannot be written */
  async write(findings: readonly Finding[], io: Io): Promise<void> {
    if (!this.any) return
    const seconds = Math.max(0, this.#now().getTime() - this.#started.getTime()) / 1000
    const facts = { version: packageVersion(), started: this.#started, seconds }
    const { writeWhole } = await import('../tasks/replace-file.js')
    for (const { format, file } of this.#outputs) {
      const text = (await FORMATS.get(format)?.())?.(findings, facts) ?? ''
      if (file === undefined) io.out(text)
      else await writeWhole(file, utf8(text))
    }
  }
}

function readOutput(typed: string): Output {
  const [format = ''] = typed.split('=', 1)
  const file = typed.includes('=') ? typed.slice(format.length + 1) : undefined
  if (FORMATS.has(format) && file !== '') return { format, ...(file === undefined ? {} : { file }) }
  throw new UsageError('ERR_SETTINGS_INVALID', `--output takes FORMAT or FORMAT=FILE, got ${JSON.stringify(typed)}`, {
    hint: `Formats: ${[...FORMATS.keys()].join(', ')}. For example: -o sarif=dct.sarif`,
  })
}
