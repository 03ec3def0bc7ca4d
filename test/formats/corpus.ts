/**
 * The corpus: files made for the purpose, each with what has to be found beside it (`NAME.expected.json`), written by hand
 * after the documents of each format, not taken from what the code does.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FileFormat, FindOptions, ImageUse } from '../../src/formats/image-use.js'
import type { DigestLookup, PinOptions } from '../../src/formats/pin-text.js'
import { parseReference } from '../../src/reference/reference.js'

const FOLDER = 'test/formats/corpus'

/** A digest that was signed for some tag and no longer is; and one that was never signed. */
const OLD = `sha256:${'0'.repeat(64)}`
const EVIL = `sha256:${'f'.repeat(64)}`

/** What has to be found. Lines of `pinned` and `updated` replace lines of the file, all else stays as it is. */
interface Expected {
  /** `LINE:COLUMN KIND REFERENCE`, then after ` | `: `verdict V` (of a check), `cannot WORDS` (be written), `platform P`, `ignored`; for `?`: `because WORDS`. */
  readonly uses?: readonly string[]
  /** `LINE:COLUMN WORDS`. */
  readonly problems?: readonly string[]
  readonly skipped?: readonly string[]
  readonly pinned?: Readonly<Record<string, string>>
  readonly updated?: Readonly<Record<string, string>>
  /** A replacement that goes over the end of a line. */
  readonly replaced?: readonly [string, string]
  /** The file is refused: `LINE:COLUMN WORDS`. */
  readonly broken?: string
  readonly hint?: string
  readonly options?: {
    readonly format?: FileFormat
    readonly platform?: string
    readonly paths?: readonly string[]
    readonly contexts?: readonly string[]
    readonly buildArgs?: Readonly<Record<string, string>>
    readonly variables?: Readonly<Record<string, string>>
  }
  readonly pin?: PinOptions
}

/** A file of the corpus. */
export interface CorpusFile {
  readonly path: string
  readonly bytes: Uint8Array
  readonly text: string
  readonly expected: Expected
  readonly options: FindOptions & PinOptions
}

/** All files, in the order of their names. */
export function corpus(): CorpusFile[] {
  const names = readdirSync(FOLDER, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.expected.json'))
    .map((entry) => join(entry.parentPath, entry.name))
  return names.sort().map((name) => {
    const bytes = readFileSync(name)
    const expected: Expected = JSON.parse(readFileSync(`${name}.expected.json`, 'utf8'))
    return { path: name.slice(FOLDER.length + 1), bytes, text: bytes.toString('utf8'), expected, options: optionsOf(expected) }
  })
}

function optionsOf({ options = {}, pin = {} }: Expected): FindOptions & PinOptions {
  const { buildArgs, contexts, variables, ...others } = options
  return {
    ...others,
    ...pin,
    ...(buildArgs === undefined ? {} : { buildArgs: new Map(Object.entries(buildArgs)) }),
    ...(variables === undefined ? {} : { variables: new Map(Object.entries(variables)) }),
    ...(contexts === undefined ? {} : { contexts: new Set(contexts) }),
  }
}

/** The digest that the corpus takes for signed: of each tag another one. */
export function digestOf(reference: string): string {
  const { gun, tag } = parseReference(reference)
  return `sha256:${createHash('sha256').update(`${gun}:${tag}`).digest('hex')}`
}

/** Every tag is signed; OLD was, too. */
export const lookup: DigestLookup = (reference) => {
  const others = new Set([OLD])
  return parseReference(reference).tag === undefined ? { others } : { current: digestOf(reference), others }
}

/** `@D` behind a reference, `D<reference>`, `@OLD` and `@EVIL` become digests. */
export function withDigests(text: string): string {
  return text
    .replace(/D<([^<>]+)>/g, (_, reference: string) => digestOf(reference))
    .replace(/([A-Za-z0-9._:/[\]-]+)@D\b/g, (_, name: string) => `${name}@${digestOf(name.replace(/^.*:\/\//, ''))}`)
    .replaceAll('@OLD', `@${OLD}`)
    .replaceAll('@EVIL', `@${EVIL}`)
}

/** The file with the lines that have to change. */
export function withLines(text: string, lines: Readonly<Record<string, string>>): string {
  const all = text.split('\n')
  for (const [number, line] of Object.entries(lines)) all[Number(number) - 1] = withDigests(line)
  return all.join('\n')
}

/** A use in the words of the corpus. */
export function described(use: ImageUse, verdict: string): string {
  const { place, kind, reference, slot, reason, platform, ignored } = use
  return [
    `${place.line}:${place.column} ${kind} ${reference ?? '?'}`,
    ...(reference === undefined ? [`because ${reason}`] : slot === undefined ? [`cannot ${reason}`] : []),
    ...(reference === undefined || ignored || verdict === 'not-pinned' ? [] : [`verdict ${verdict}`]),
    ...(platform === undefined ? [] : [`platform ${platform}`]),
    ...(ignored ? ['ignored'] : []),
  ].join(' | ')
}
