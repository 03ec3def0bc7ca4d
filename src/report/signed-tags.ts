/** Signed tags as rows, for spreadsheets and for programs. */
import type { InspectedRole, Inspection, ListedTag, TagList } from '../client/results.js'

/** A key that signed, by both of its IDs. */
interface SigningKey {
  /** The role whose metadata it signed: that which answers, and those of the signers. */
  readonly role: string
  readonly id: string
  readonly canonicalId?: string
}

/** One released tag, and all that is known of it. */
export interface SignedTagRow {
  readonly gun: string
  readonly tag: string
  /** Absent where `problem` says why there is none. */
  readonly digest?: string
  readonly size: number
  readonly role: string
  readonly signers: readonly string[]
  readonly keys: readonly SigningKey[]
  readonly custom?: unknown
  /** ISO dates by role: root, timestamp, snapshot, targets, and the role that answers. */
  readonly expires: Readonly<Record<string, string>>
  readonly problem?: string
}

/** The roles behind every answer. */
const BASE_ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const

/** A spreadsheet runs a cell that begins with one of these as a formula. Source: OWASP, "CSV Injection". */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/

const COLUMNS: readonly (readonly [head: string, cell: (row: SignedTagRow) => string])[] = [
  ['gun', ({ gun }) => gun],
  ['tag', ({ tag }) => tag],
  ['digest', ({ digest = '' }) => digest],
  ['size', ({ size }) => String(size)],
  ['role', ({ role }) => role],
  ['signers', ({ signers }) => signers.join(' ')],
  ['key_ids', ({ keys }) => keys.map(({ id }) => id).join(' ')],
  ['canonical_key_ids', ({ keys }) => keys.map(({ id, canonicalId = id }) => canonicalId).join(' ')],
  ['custom', ({ custom }) => (custom === undefined ? '' : JSON.stringify(custom))],
  ...BASE_ROLES.map((role) => [`${role}_expires`, ({ expires }: SignedTagRow) => expires[role] ?? ''] as const),
  ['role_expires', ({ role, expires }) => expires[role] ?? ''],
  ['problem', ({ problem = '' }) => problem],
]

/** The rows of one collection, in the order of its tags. */
export function signedTagRows(list: TagList, { roles }: Inspection): SignedTagRow[] {
  const byName = new Map(roles.map((role) => [role.role, role]))
  return list.tags.map((tag) => rowOf(list.gun, tag, byName))
}

/** What every row about a tag begins with: a new object, to which callers assign the rest. */
export function tagFields(
  gun: string,
  { tag, digest, size, role, signers }: ListedTag,
): Pick<SignedTagRow, 'gun' | 'tag' | 'digest' | 'size' | 'role' | 'signers'> {
  return { gun, tag, ...(digest === undefined ? {} : { digest }), size, role, signers }
}

function rowOf(gun: string, listed: ListedTag, roles: ReadonlyMap<string, InspectedRole>): SignedTagRow {
  const { role, signers, custom, problem } = listed
  const signing = [role, ...signers.map((name) => `targets/${name}`)].flatMap((name) => roles.get(name) ?? [])
  const ends = [...BASE_ROLES, role].flatMap((name) => roles.get(name) ?? [])
  return Object.assign(tagFields(gun, listed), {
    keys: signing.flatMap(keysOf),
    ...(custom === undefined ? {} : { custom }),
    expires: Object.fromEntries(ends.map((one) => [one.role, one.expires])),
    ...(problem === undefined ? {} : { problem }),
  })
}

function keysOf({ role, keyDetails, signedBy }: InspectedRole): SigningKey[] {
  return keyDetails
    .filter(({ id }) => signedBy.includes(id))
    .map(({ id, canonicalId }) => ({ role, id, ...(canonicalId === undefined ? {} : { canonicalId }) }))
}

/** One JSON object a line. */
export function ndjsonText(rows: readonly SignedTagRow[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}

/** Comma-separated values with a line of names, after RFC 4180 but for its line ends: one newline each. */
export function csvText(rows: readonly SignedTagRow[]): string {
  const lines = [COLUMNS.map(([head]) => head), ...rows.map((row) => COLUMNS.map(([, cell]) => cell(row)))]
  return lines.map((cells) => `${cells.map(csvCell).join(',')}\n`).join('')
}

/** Quoted where it must be; a text that a spreadsheet would run gets an apostrophe before it. */
export function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
