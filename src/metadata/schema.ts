/**
 * The shapes of Notary's files, checked once at the door. Source: notary 0.7.0 tuf/data/*.go; the JSON fields there.
 *
 * Unknown members are allowed and dropped. Where Go writes `null` for an empty list or map, so may a file. Members of
 * objects whose names the format defines may not differ by case alone: Go would read either for the other.
 */
import { z } from 'zod'
import { isBase64 } from '../bytes.js'
import { isJsonObject, type JsonObject, type JsonValue } from './json.js'
import type { EnvelopeWire, RootWire, SnapshotWire, TargetsWire, TargetWire, TimestampWire } from './wire.js'

/** An object with members that the format names. */
function formatObject<Shape extends z.ZodRawShape>(shape: Shape) {
  const defined = new Map(Object.keys(shape).map((name) => [fold(name), name]))
  return z.preprocess((input, context) => {
    const clash = caseCollision(input, defined)
    if (clash !== undefined) context.issues.push({ code: 'custom', message: `member names differ only by case: ${clash}`, input })
    return input
  }, z.object(shape))
}

/** A map whose names a publisher chose; `__proto__` is a name like any other, so it never becomes a plain object. */
function chosenNames<Value extends z.ZodType>(value: Value) {
  return z.preprocess(
    (input) => (isJsonObject(input) ? new Map(Object.entries(input)) : (input ?? new Map())),
    z.map(z.string(), value),
  )
}

/** A list, where `null` or nothing stands for the empty one. */
function list<Item extends z.ZodType>(item: Item) {
  return z.preprocess((input) => input ?? [], z.array(item))
}

/** What Go decodes from nothing or `null`. */
const textOrNothing = z.preprocess((input) => input ?? '', z.string())
const base64Text = z.string().refine(isBase64, 'not standard base64')
const positive = z.int().min(1)

const file = formatObject({ length: positive, hashes: chosenNames(base64Text) })
const key = formatObject({ keytype: z.string(), keyval: formatObject({ public: base64Text }) })
const role = formatObject({ keyids: list(z.string()), threshold: positive })
const common = { version: positive, expires: z.string() }

const signature = formatObject({
  keyid: textOrNothing,
  method: textOrNothing,
  sig: z.preprocess((input) => input ?? '', base64Text),
})

export const envelopeSchema: z.ZodType<EnvelopeWire> = formatObject({
  signed: z.custom<JsonObject>(isJsonObject, 'expected an object'),
  signatures: list(signature),
})

export const rootSchema: z.ZodType<RootWire> = formatObject({
  _type: z.literal('Root'),
  ...common,
  consistent_snapshot: z.boolean().nullish(),
  keys: chosenNames(key),
  // Chosen names too, but only these four mean anything: old servers list roles like `root.1` or `mirrors`.
  roles: z.object({ root: role, targets: role, snapshot: role, timestamp: role }),
})

export const timestampSchema: z.ZodType<TimestampWire> = formatObject({
  _type: z.literal('Timestamp'),
  ...common,
  meta: chosenNames(file),
})

export const snapshotSchema: z.ZodType<SnapshotWire> = formatObject({
  _type: z.literal('Snapshot'),
  ...common,
  meta: chosenNames(file),
})

// A target's hashes are judged when it is the one asked for; the rest of the file stays good.
const target = formatObject({
  length: z.int().min(0),
  hashes: chosenNames(z.preprocess((input) => input ?? '', base64Text)),
  custom: z.custom<JsonValue>().optional(),
})

const delegations = formatObject({
  keys: chosenNames(key),
  roles: list(formatObject({ name: z.string(), keyids: list(z.string()), threshold: positive, paths: list(z.string()) })),
})

/**
 * Thousands of entries, nearly all with a length, one hash and nothing else: those are read by hand, at a tenth of the
 * time, and whatever is not as plain as that is left to the schema. Both give the same answer (target-entries.test.ts).
 */
const targets = z.preprocess(
  (input) => input ?? {},
  z.custom<JsonObject>(isJsonObject, 'expected an object').transform((input, context) => {
    const entries = new Map<string, TargetWire>()
    for (const [name, entry] of Object.entries(input)) {
      const plain = plainTarget(entry)
      const checked = plain === undefined ? target.safeParse(entry) : { success: true as const, data: plain }
      if (!checked.success) {
        for (const { message, path } of checked.error.issues)
          context.issues.push({ code: 'custom', message, path: [name, ...path], input: entry })
        return z.NEVER
      }
      entries.set(name, checked.data)
    }
    return entries
  }),
)

export const targetsSchema: z.ZodType<TargetsWire> = formatObject({
  _type: z.literal('Targets'),
  ...common,
  targets,
  delegations: z.preprocess((input) => input ?? {}, delegations),
})

/** `{"hashes":{"sha256":"..."},"length":1}`, or with a sha512 too, and nothing else. */
function plainTarget(entry: JsonValue): TargetWire | undefined {
  if (!isJsonObject(entry) || Object.keys(entry).length !== 2) return undefined
  const { hashes, length } = entry
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0 || !isJsonObject(hashes)) return undefined
  const known = new Map<string, string>()
  for (const [algorithm, text] of Object.entries(hashes)) {
    if ((algorithm !== 'sha256' && algorithm !== 'sha512') || typeof text !== 'string' || !isBase64(text)) return undefined
    known.set(algorithm, text)
  }
  return { length, hashes: known }
}

function caseCollision(input: unknown, defined: ReadonlyMap<string, string>): string | undefined {
  if (!isJsonObject(input)) return undefined
  const seen = new Map<string, string>()
  for (const name of Object.keys(input)) {
    const folded = fold(name)
    const other = seen.get(folded) ?? defined.get(folded)
    if (other !== undefined && other !== name) return `${other}, ${name}`
    seen.set(folded, name)
  }
  return undefined
}

/** Case folded as Go's JSON decoder does it, long s and Kelvin sign included. */
function fold(name: string): string {
  return name.toUpperCase().toLowerCase()
}
