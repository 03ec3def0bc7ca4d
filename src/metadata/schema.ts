/**
 * The shapes of Notary's files, checked once on input. Source: the JSON fields in notary 0.7.0 tuf/data/*.go.
 *
 * Unknown members are allowed and dropped. Lists and maps may be `null`, which Go writes for empty ones. Two members of an
 * object with defined names must not differ by case only, because Go would take one for the other.
 */
import * as z from 'zod/mini'
import { isBase64 } from '../bytes.js'
import { isJsonObject, type JsonObject, type JsonValue } from './json-value.js'
import { MAX_DELEGATIONS, MAX_KEYS, MAX_PATHS, MAX_SIGNATURES, TooMany } from './limits.js'
import type { EnvelopeWire, RootWire, SnapshotWire, TargetsWire, TargetWire, TimestampWire } from './wire.js'

/** English messages, passed to each `safeParse`: zod/mini has none, and the setting for the whole process belongs to the program. */
export const inEnglish: { readonly error: z.core.$ZodErrorMap } = { error: z.locales.en().localeError }

/** A schema whose input is changed first. */
function before<Schema extends z.ZodMiniType>(schema: Schema, change: (input: unknown) => unknown) {
  return z.pipe(z.transform(change), schema)
}

/** An object whose member names are defined by the format. */
function formatObject<Shape extends z.core.$ZodShape>(shape: Shape) {
  const defined = new Map(Object.keys(shape).map((name) => [fold(name), name]))
  const named = z.transform((input, context) => {
    const clash = caseCollision(input, defined)
    if (clash !== undefined) context.issues.push({ code: 'custom', message: `member names differ only by case: ${clash}`, input })
    return input
  })
  return z.pipe(named, z.object(shape))
}

/** The maximum number of items, and what they are. */
interface Limit {
  readonly what: string
  readonly most: number
}

/** The result of parsing one item. */
type Read<Value> = ReturnType<z.ZodMiniType<Value>['safeParse']>

/** The second argument of a zod transform, which collects issues. */
type Context = Parameters<Parameters<typeof z.transform>[0]>[1]

/**
 * Parses items in turn, up to the first invalid one or the limit. zod's own lists and maps collect the issues of all items and
 * pass them as arguments of one call: 130,000 invalid items overflow the stack.
 *
 * @throws TooMany
 */
function eachUntilWrong<Key extends string | number, Item, Value>(
  entries: Iterable<readonly [Key, Item]>,
  read: (input: Item) => Read<Value>,
  context: Context,
  limit: Limit | undefined,
  keep: (key: Key, value: Value) => void,
): boolean {
  let count = 0
  for (const [key, input] of entries) {
    if (limit !== undefined && ++count > limit.most) throw new TooMany(limit.what, limit.most)
    const checked = read(input)
    if (!checked.success) {
      const [{ message, path } = { message: 'wrong shape', path: [] }] = checked.error.issues
      context.issues.push({ code: 'custom', message, path: [key, ...path], input })
      return false
    }
    keep(key, checked.data)
  }
  return true
}

/** A map whose names a publisher chose. It never becomes a plain object, because `__proto__` is an ordinary name. */
function chosenNames<Value>(
  value: z.ZodMiniType<Value>,
  limit?: Limit,
  plain: (input: JsonValue) => Value | undefined = () => undefined,
) {
  const read = (input: JsonValue): Read<Value> => {
    const data = plain(input)
    return data === undefined ? value.safeParse(input, inEnglish) : { success: true, data }
  }
  return z.pipe(
    before(z.custom<JsonObject>(isJsonObject, 'expected an object'), (input) => input ?? {}),
    z.transform((input: JsonObject, context) => {
      const map = new Map<string, Value>()
      return eachUntilWrong(Object.entries(input), read, context, limit, (name, one) => void map.set(name, one)) ? map : z.NEVER
    }),
  )
}

/** A list. `null` or a missing member is an empty list. */
function list<Item>(item: z.ZodMiniType<Item>, limit?: Limit) {
  const read = (input: unknown) => item.safeParse(input, inEnglish)
  return z.pipe(
    before(z.custom<readonly unknown[]>(Array.isArray, 'expected a list'), (input) => input ?? []),
    z.transform((input: readonly unknown[], context) => {
      const items: Item[] = []
      return eachUntilWrong(input.entries(), read, context, limit, (_, one) => void items.push(one)) ? items : z.NEVER
    }),
  )
}

/** A text. `null` or a missing member is an empty text, as in Go. */
const textOrNothing = before(z.string(), (input) => input ?? '')
const base64Text = z.string().check(z.refine(isBase64, 'not standard base64'))
const positive = z.int().check(z.minimum(1))

const file = formatObject({ length: positive, hashes: chosenNames(base64Text) })
const key = formatObject({ keytype: z.string(), keyval: formatObject({ public: base64Text }) })
const manyKeys: Limit = { what: 'keys', most: MAX_KEYS }
const keyIds = list(z.string(), manyKeys)
const role = formatObject({ keyids: keyIds, threshold: positive })
const common = { version: positive, expires: z.string() }

const signature = formatObject({
  keyid: textOrNothing,
  method: textOrNothing,
  sig: before(base64Text, (input) => input ?? ''),
})

export const envelopeSchema: z.ZodMiniType<EnvelopeWire> = formatObject({
  signed: z.custom<JsonObject>(isJsonObject, 'expected an object'),
  signatures: list(signature, { what: 'signatures', most: MAX_SIGNATURES }),
})

export const rootSchema: z.ZodMiniType<RootWire> = formatObject({
  _type: z.literal('Root'),
  ...common,
  consistent_snapshot: z.nullish(z.boolean()),
  keys: chosenNames(key, manyKeys),
  // Servers may list other roles, such as `root.1` or `mirrors`. Only these four are used.
  roles: z.object({ root: role, targets: role, snapshot: role, timestamp: role }),
})

export const timestampSchema: z.ZodMiniType<TimestampWire> = formatObject({
  _type: z.literal('Timestamp'),
  ...common,
  meta: chosenNames(file),
})

export const snapshotSchema: z.ZodMiniType<SnapshotWire> = formatObject({
  _type: z.literal('Snapshot'),
  ...common,
  meta: chosenNames(file),
})

// The hashes of a target are checked only when that target is looked up. Invalid ones do not affect the rest of the file.
const target = formatObject({
  length: z.int().check(z.minimum(0)),
  hashes: chosenNames(before(base64Text, (input) => input ?? '')),
  custom: z.optional(z.custom<JsonValue>()),
})

const delegations = formatObject({
  keys: chosenNames(key, manyKeys),
  roles: list(
    formatObject({
      name: z.string(),
      keyids: keyIds,
      threshold: positive,
      paths: list(z.string(), { what: 'paths of a delegation', most: MAX_PATHS }),
    }),
    { what: 'delegations', most: MAX_DELEGATIONS },
  ),
})

/**
 * Thousands of entries, nearly all with only a length, hashes and perhaps a custom part. `plainTarget` parses those in a tenth
 * of the time; the schema parses all others. Both give the same result (target-entries.test.ts).
 */
const targets = chosenNames<TargetWire>(target, undefined, plainTarget)

export const targetsSchema: z.ZodMiniType<TargetsWire> = formatObject({
  _type: z.literal('Targets'),
  ...common,
  targets,
  delegations: before(delegations, (input) => input ?? {}),
})

/** Parses `{"hashes":{"sha256":"..."},"length":1}`, with any hashes and an optional `custom`; undefined for other entries. */
function plainTarget(entry: JsonValue): TargetWire | undefined {
  if (!isJsonObject(entry)) return undefined
  const { hashes, length, custom } = entry
  if (Object.keys(entry).length !== (custom === undefined ? 2 : 3)) return undefined
  if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0 || !isJsonObject(hashes)) return undefined
  const known = new Map<string, string>()
  for (const algorithm of Object.keys(hashes)) {
    const text = hashes[algorithm]
    if (typeof text !== 'string' || !isBase64(text)) return undefined
    known.set(algorithm, text)
  }
  return { length, hashes: known, ...(custom === undefined ? {} : { custom }) }
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
