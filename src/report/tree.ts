/** The trust tree of a collection for people: roles, keys, thresholds, paths, and how long each role is still good. */
import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'
import type { InspectedDelegation, InspectedRole, Inspection } from '../client/results.js'
import type { KeyDetails } from '../trust/key-names.js'
import type { Paint, Style } from './colors.js'
import { cutMiddle, isolated, oneLine } from './table.js'

/** What a tree is drawn with. */
export interface TreeOptions {
  readonly now: Date
  readonly paint: Paint
  /** Columns; none: lines are as long as they are. */
  readonly width?: number
}

/** What is drawn of a role. */
interface Node {
  readonly title: string
  readonly details: readonly string[]
  readonly children: readonly Node[]
}

const DAY = 86_400_000

/** Days that a role is usually signed for (notary 0.7.0 tuf/data/types.go, server defaults): what a full bar means. */
const USUAL_DAYS: ReadonlyMap<string, number> = new Map([
  ['root', 3650],
  ['timestamp', 14],
])
const USUAL_DAYS_OF_OTHERS = 1095

/** Cells of the bar. */
const BAR = 10

/** Prefixes of names that are shown of a delegation: one may have a thousand. */
const MAX_PATHS = 5

/** The lines of the tree. */
export function treeLines(inspection: Inspection, options: TreeOptions): string[] {
  const { gun, server, rootTrust, freshness } = inspection
  const root = draw(rootNode(inspection, options), { first: '', rest: '' }, options)
  return [
    options.paint('bold', shortened(oneLine(gun), options)),
    ...wrap(`${server}, ${freshness}, root ${rootTrust}`, options.width),
    '',
    ...root,
  ]
}

function rootNode(inspection: Inspection, options: TreeOptions): Node {
  const roles = new Map(inspection.roles.map((role) => [role.role, role]))
  const node = (name: string, children: readonly Node[] = []): Node[] => {
    const role = roles.get(name)
    return role === undefined
      ? []
      : [{ title: roleTitle(role, options), details: roleDetails(role, undefined, options), children }]
  }
  const [root] = node('root', [
    ...node('timestamp'),
    ...node('snapshot'),
    ...node('targets', delegated('targets', inspection, roles, options)),
  ])
  return root ?? { title: 'root', details: [], children: [] }
}

function delegated(
  above: string,
  inspection: Inspection,
  roles: ReadonlyMap<string, InspectedRole>,
  options: TreeOptions,
): Node[] {
  return inspection.delegations
    .filter(({ delegatedBy }) => delegatedBy === above)
    .map((delegation) => {
      const role = roles.get(delegation.role)
      if (role === undefined)
        return { title: leftOutTitle(delegation, options), details: absentDetails(delegation), children: [] }
      const children = delegated(delegation.role, inspection, roles, options)
      return { title: roleTitle(role, options), details: roleDetails(role, delegation, options), children }
    })
}

function roleTitle({ role, version }: InspectedRole, { paint }: TreeOptions): string {
  return `${byWord(paint, 'bold', isolated(oneLine(role)))}  version ${version}`
}

function leftOutTitle({ role, state }: InspectedDelegation, { paint }: TreeOptions): string {
  const why = state === 'unsigned' ? byWord(paint, 'dim', 'has signed nothing yet') : byWord(paint, 'red', 'left out today')
  return `${byWord(paint, 'bold', isolated(oneLine(role)))}  ${why}`
}

/** Each word by itself: lines are wrapped at blanks, and a style must not go on behind the guides of the next line. */
function byWord(paint: Paint, style: Style, text: string): string {
  return text
    .split(' ')
    .map((word) => paint(style, word))
    .join(' ')
}

function roleDetails(role: InspectedRole, delegation: InspectedDelegation | undefined, options: TreeOptions): string[] {
  const { threshold, keyDetails, signedBy } = role
  const signed = new Set(signedBy)
  return [
    expiry(role, options),
    `signed by ${signed.size} of ${count(keyDetails.length, 'key')}, ${threshold} needed`,
    ...keyDetails.flatMap((key) => keyLines(key, signed.has(key.id))),
    ...(delegation === undefined ? [] : [pathsLine(delegation)]),
  ]
}

function absentDetails({ reason, threshold, keyDetails, ...delegation }: InspectedDelegation): string[] {
  return [
    ...(reason === undefined ? [] : [isolated(oneLine(reason))]),
    `${count(keyDetails.length, 'key')}, ${threshold} needed`,
    ...keyDetails.flatMap((key) => keyLines(key, false)),
    pathsLine(delegation),
  ]
}

function keyLines({ id, canonicalId, algorithm, certificateExpires }: KeyDetails, hasSigned: boolean): string[] {
  const certificate = certificateExpires === undefined ? '' : `, certificate ends ${certificateExpires.slice(0, 10)}`
  return [
    `${hasSigned ? '✓' : '·'} ${id}`,
    ...(canonicalId === undefined || canonicalId === id ? [] : [`  canonical ID ${canonicalId}`]),
    `  ${algorithm}${certificate}`,
  ]
}

function pathsLine({ paths }: Pick<InspectedDelegation, 'paths'>): string {
  if (paths.includes('')) return 'may sign any name'
  if (paths.length === 0) return 'may sign no name'
  const named = paths.slice(0, MAX_PATHS).map((path) => isolated(JSON.stringify(oneLine(path))))
  return `may sign names that begin with ${named.join(', ')}${paths.length > MAX_PATHS ? ` and ${paths.length - MAX_PATHS} more` : ''}`
}

/** A bar as full as the time left is of what the role is usually signed for. */
function expiry({ role, expires }: InspectedRole, { now, paint }: TreeOptions): string {
  const left = Date.parse(expires) - now.getTime()
  const share = Math.min(Math.max(left / ((USUAL_DAYS.get(role) ?? USUAL_DAYS_OF_OTHERS) * DAY), 0), 1)
  const full = left > 0 ? Math.max(Math.round(share * BAR), 1) : 0
  const bar = `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`
  return `${paint(share > 0.25 ? 'green' : share > 0.1 ? 'yellow' : 'red', bar)} ${timeLeft(left)}, until ${expires.slice(0, 16)}Z`
}

function timeLeft(left: number): string {
  if (!(left > 0)) return 'expired'
  const days = Math.floor(left / DAY)
  if (days >= 730) return `${Math.floor(days / 365)} years left`
  if (days >= 2) return `${days} days left`
  return `${Math.max(Math.floor(left / 3_600_000), 1)} h left`
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}

function draw(
  { title, details, children }: Node,
  { first, rest }: { first: string; rest: string },
  options: TreeOptions,
): string[] {
  const below = children.length > 0 ? `${rest}│  ` : `${rest}   `
  return [
    ...indented(title, first, below, options),
    ...details.flatMap((detail) => indented(detail, below, `${below}  `, options)),
    ...children.flatMap((child, index) => {
      const isLast = index === children.length - 1
      return draw(child, { first: `${rest}${isLast ? '└─ ' : '├─ '}`, rest: `${rest}${isLast ? '   ' : '│  '}` }, options)
    }),
  ]
}

/** Wrapped at blanks behind the prefix; the guides of the tree go on. */
function indented(text: string, first: string, next: string, { width }: TreeOptions): string[] {
  if (width === undefined) return [first + text]
  return wrap(text, Math.max(width - stringWidth(next), MIN_TEXT)).map((line, index) => (index === 0 ? first : next) + line)
}

/** Columns that a text keeps beside the guides, on the narrowest screen. */
const MIN_TEXT = 12

/** A word that is too long is cut in its middle. Blanks at the beginning stay. */
function wrap(text: string, width?: number): string[] {
  if (width === undefined) return [text]
  const lines: string[] = []
  let line = /^ */.exec(text)?.[0] ?? ''
  let isEmpty = true
  for (const word of text.trim().split(/ +/)) {
    const room = width - stringWidth(line) - (isEmpty ? 0 : 1)
    if (!isEmpty && stringWidth(word) > room) {
      lines.push(line)
      line = ''
      isEmpty = true
    }
    const space = width - stringWidth(line) - (isEmpty ? 0 : 1)
    const fitted = stringWidth(word) <= space ? word : cutMiddle(stripVTControlCharacters(word), space)
    line += isEmpty ? fitted : ` ${fitted}`
    isEmpty = false
  }
  return [...lines, line]
}

function shortened(text: string, { width }: TreeOptions): string {
  return isolated(width === undefined ? text : cutMiddle(text, width))
}
