/** Numbers of runs, changes to real files, and a check that time is linear in size. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'

/** A few seconds by default; `FUZZ_RUNS` multiplies the number of runs. */
const SCALE = Number(process.env['FUZZ_RUNS'] ?? '1')

/** For `fc.assert`. */
export function runs(few: number): { numRuns: number } {
  if (!(SCALE > 0)) throw new TypeError('FUZZ_RUNS is a number')
  return { numRuns: Math.ceil(few * SCALE) }
}

/** Milliseconds that a test may take. */
export const PATIENCE = 60_000 * Math.max(1, SCALE)

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url))

export interface RealFile {
  /** `root`, `timestamp`, `snapshot`, `targets` or a delegation. */
  readonly role: string
  readonly bytes: Uint8Array
}

/** Files that the real server gave, one of each role from a few fixtures. */
export const REAL_FILES: readonly RealFile[] = [
  'releases-and-signers',
  'rsa-x509-delegation',
  'plain-ed25519-server-keys',
  'custom-data',
].flatMap((fixture) => {
  const folder = join(FIXTURES, fixture, 'served')
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.json'))
  return paths.sort().map((path) => {
    const role = path
      .slice(0, -'.json'.length)
      .replaceAll('\\', '/')
      .replace(/^\d+\./, '')
    return { role, bytes: new Uint8Array(readFileSync(join(folder, path))) }
  })
})

/** Bytes changed, taken out, put in, and parts of another file. */
export function bent(originals: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc
      .constantFrom('"', '\\', '{', '}', ',', ':', '\\ud800', '1e9', '.0', 'null', '\ufeff', '"version":1,', '[[', '=')
      .map((text) => Buffer.from(text)),
  )
  const edit = fc.tuple(fc.nat(), fc.nat(8), piece)
  const spliced = fc.tuple(fc.constantFrom(...originals), fc.constantFrom(...originals), fc.nat(), fc.nat())
  return fc.tuple(spliced, fc.boolean(), fc.array(edit, { maxLength: 3 })).map(([[first, second, from, to], splice, edits]) => {
    let bytes = splice
      ? Buffer.concat([first.subarray(0, from % first.length), second.subarray(to % second.length)])
      : Buffer.from(first)
    for (const [at, gone, put] of edits) {
      const place = at % (bytes.length + 1)
      bytes = Buffer.concat([bytes.subarray(0, place), put, bytes.subarray(place + gone)])
    }
    return new Uint8Array(bytes)
  })
}

/** Replaces a member or item anywhere in a real document. */
export function misshapen(originals: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const documents = originals.map((bytes): unknown => JSON.parse(Buffer.from(bytes).toString()))
  const odd = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(null, -1, 0.5, 2 ** 53, '', 'AAAA', [], {}, [null], true),
  )
  return fc
    .tuple(fc.constantFrom(...documents), fc.array(fc.tuple(fc.nat(), odd), { minLength: 1, maxLength: 2 }))
    .map(([document, changes]) => {
      const copy: unknown = structuredClone(document)
      for (const [at, value] of changes) {
        const places = placesIn(copy)
        const [holder, name] = places[at % places.length] ?? [{}, '']
        Object.assign(holder, { [name]: structuredClone(value) })
      }
      return new Uint8Array(Buffer.from(JSON.stringify(copy)))
    })
}

function placesIn(value: unknown): [object, string][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]): [object, string][] => [[value, name], ...placesIn(member)])
}

/**
 * How many times as long four times as much takes. Four is linear, sixteen is not. Other programs only ever add, so the
 * best of several counts for both sizes.
 */
export function growth<Input>(make: (size: number) => Input, work: (input: Input) => unknown, size: number): number {
  const [small, large] = [make(size), make(4 * size)]
  work(small)
  const best = (input: Input, times: number): number => {
    const started = performance.now()
    for (let left = times; left > 0; left--) work(input)
    return (performance.now() - started) / times
  }
  // The best of many: noise only ever adds.
  const rounds = Array.from({ length: 15 }, () => [best(small, 4), best(large, 1)] as const)
  return Math.min(...rounds.map(([, long]) => long)) / Math.min(...rounds.map(([short]) => short))
}

/** More than linear growth would be, with room for the collector; less than quadratic. */
export const LINEAR = 9
