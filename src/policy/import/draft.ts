/** A policy in the making, from the configuration of another program; every meaning that changes is a warning. */

import type { KeyId } from '../../crypto/keys.js'
import type { DocumentNode, Place } from '../../document/document.js'
import { commonImage, compareRanks, type Pattern, parsePattern } from '../pattern.js'
import type { Action } from '../policy.js'

/** A meaning that changes. */
export interface ImportWarning extends Place {
  readonly text: string
  /** Something could not be carried over: the policy is incomplete, and denies where it must. */
  readonly isLost: boolean
}

/** What became of another program's configuration. */
export interface Imported {
  /** The policy as JSON text: deterministic, with a newline at the end. */
  readonly text: string
  readonly warnings: readonly ImportWarning[]
  /** False when something was lost. */
  readonly isComplete: boolean
}

/** A rule in the shape of the file. */
export interface DraftRule {
  readonly action?: Action
  readonly server?: string
  readonly firstUse?: 'accept' | 'refuse'
  readonly pinning?: {
    readonly certs?: Readonly<Record<string, readonly string[]>>
    readonly ca?: object
    readonly disable_tofu?: boolean
  }
  readonly requireSigners?: { readonly all: readonly (string | { readonly name: string; readonly keys: readonly KeyId[] })[] }
}

/** What the other program has a rule for. */
export interface Origin {
  /** As the other program writes it. */
  readonly name: string
  /** Rules with a higher number come first there. */
  readonly priority?: number
}

/** Positive when the other program asks `one` before `other` for an image that both match. 0 when it does not say. */
export type OtherOrder = (one: Origin, other: Origin, image: string) => number

/** What a name becomes here. */
export interface Patterns extends Origin {
  readonly matches: readonly string[]
  /** In what they match less than the name did. */
  readonly narrowed?: string
}

interface Kept {
  readonly pattern: Pattern
  readonly rule: DraftRule
  readonly at: DocumentNode
  readonly origin: Origin
}

export class Draft {
  readonly #warnings: ImportWarning[] = []
  readonly #rules: Kept[] = []
  readonly #order: OtherOrder
  default: DraftRule | undefined

  constructor(order: OtherOrder = () => 0) {
    this.#order = order
  }

  /** A meaning that changes. */
  warn(at: { readonly place: Place }, text: string): void {
    this.#warnings.push({ ...at.place, text, isLost: false })
  }

  /** Something that a policy cannot say. */
  lose(at: { readonly place: Place }, text: string): undefined {
    this.#warnings.push({ ...at.place, text, isLost: true })
  }

  /** Members that this import does not know: they may ask for something. */
  loseOthers(node: DocumentNode | undefined, known: readonly string[]): void {
    if (node?.kind !== 'object') return
    for (const [name, { place }] of node.members)
      if (!known.includes(name)) this.lose({ place }, `${JSON.stringify(name.slice(0, 100))} is not known here: left out`)
  }

  /** What cannot be carried over is denied: less than was asked must not come out of an import. */
  deny(patterns: Patterns, at: DocumentNode, why: string): undefined {
    this.lose(at, `${why}: denied is ${patterns.matches.join(', ')}`)
    this.add(patterns, { action: 'deny' }, at)
  }

  add(patterns: Patterns, rule: DraftRule, at: DocumentNode): undefined {
    const { matches, narrowed, ...origin } = patterns
    // An exemption of fewer images is stricter; a demand on fewer images is not.
    if (narrowed !== undefined && rule.action === 'skip') this.warn(at, `${origin.name}: ${narrowed}`)
    else if (narrowed !== undefined) this.lose(at, `${origin.name}: ${narrowed}`)
    for (const match of matches) this.#addOne(match, rule, at, origin)
  }

  #addOne(match: string, rule: DraftRule, at: DocumentNode, origin: Origin): undefined {
    const pattern = parsePattern(match)
    if ('problem' in pattern) return this.lose(at, `${match}: ${pattern.problem}; left out. ${pattern.hint}`)
    const twice = this.#rules.find((kept) => kept.pattern.text === match)
    if (twice !== undefined)
      return this.lose(at, `${match} is named twice (first in line ${twice.at.place.line}); this one is left out`)
    for (const kept of this.#rules) this.#compare(kept, { pattern, rule, at, origin })
    this.#rules.push({ pattern, rule, at, origin })
  }

  finish(): Imported {
    const rules = this.#rules.map(({ pattern, rule }) => ({ match: pattern.text, ...rule }))
    const policy = { version: 1, ...(this.default === undefined ? {} : { default: this.default }), rules }
    const unique = new Map(this.#warnings.map((warning) => [`${warning.line}:${warning.column} ${warning.text}`, warning]))
    const warnings = [...unique.values()].sort((one, other) => one.line - other.line || one.column - other.column)
    return { text: `${JSON.stringify(policy, undefined, 2)}\n`, warnings, isComplete: !warnings.some(({ isLost }) => isLost) }
  }

  /** Rules whose order is another one here. */
  #compare(one: Kept, other: Kept): void {
    const image = commonImage(one.pattern, other.pattern)
    if (image === undefined) return
    const order = compareRanks(one.pattern.rank, other.pattern.rank)
    if (order === 0)
      return void this.lose(
        other.at,
        `${other.pattern.text} and ${one.pattern.text} are equally specific and both match ${image}: make one more specific`,
      )
    if (isSame(one.rule, other.rule)) return
    const [here, there] = order > 0 ? [one, other] : [other, one]
    if (this.#order(there.origin, here.origin, image) > 0)
      this.lose(
        other.at,
        `for ${image}, ${there.origin.name} came before ${here.origin.name}; here ${here.pattern.text} decides, which is more specific`,
      )
  }
}

function isSame(one: DraftRule, other: DraftRule): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/**
 * A name in which `*` stands for anything, slashes too, as patterns in which it stays within a segment; together they match no
 * less, unless `narrowed` says so. A name without a registry is completed as Docker does.
 */
export function patternsOf(name: string, origin: Origin = { name }): Patterns {
  const [colon, slash] = [name.lastIndexOf(':'), name.lastIndexOf('/')]
  const [bare, tag] = colon > slash ? [name.slice(0, colon), name.slice(colon + 1)] : [name, '*']
  const [host = '', ...path] = completed(bare)
    .split('/')
    .map((segment) => segment.replace(/\*+/g, '*'))
  const behind = tag === '*' ? '' : `:${tag}`
  const last = path.pop()
  if (last === undefined)
    return { ...origin, matches: [`${host === '*' ? '**' : host.endsWith('*') ? `${host}/**` : host}${behind}`] }
  const isCut = host.includes('*') || [...path, last].some((segment) => segment !== '*' && segment.slice(0, -1).includes('*'))
  const narrowed = isCut ? { narrowed: '* matched slashes too; here it stays within a segment' } : {}
  const inner = [host, ...path.flatMap((segment) => (segment.endsWith('*') ? [segment, '**'] : [segment]))].join('/')
  const deeper = `${inner}/${last}/**${behind}`
  const matches =
    last === '*'
      ? [`${inner.replace(/\/\*\*$/, '')}/**${behind}`]
      : !last.endsWith('*')
        ? [`${inner}/${last}${behind}`]
        : inner === 'docker.io'
          ? [deeper]
          : [`${inner}/${last}${behind}`, deeper]
  return { ...origin, matches, ...narrowed }
}

function completed(name: string): string {
  const [first = '', ...rest] = name.split('/')
  if (/[.:*[]|^localhost$/.test(first)) return first === '*' && rest.length === 0 ? '*' : name
  return rest.length === 0 ? `docker.io/library/${name}` : `docker.io/${name}`
}

/** The pin that binds what a pattern matches: its name, or what is before the first `*`. */
export function pinPrefix(match: string): string {
  const [colon, slash] = [match.lastIndexOf(':'), match.lastIndexOf('/')]
  const name = colon > slash && slash !== -1 ? match.slice(0, colon) : match
  const star = name.indexOf('*')
  return star === -1 ? name : `${name.slice(0, star)}*`
}

/** The member of an object. */
export function child(node: DocumentNode | undefined, name: string): DocumentNode | undefined {
  return node?.kind === 'object' ? node.members.get(name)?.value : undefined
}

/** The items of a list, none for anything else. */
export function itemsOf(node: DocumentNode | undefined): readonly DocumentNode[] {
  return node?.kind === 'list' ? node.items : []
}

/** The text, or undefined. */
export function textOf(node: DocumentNode | undefined): string | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined
}

/** The truth value, or undefined. */
export function truthOf(node: DocumentNode | undefined): boolean | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'boolean' ? node.value : undefined
}

/** True for what asks for nothing: nothing at all, an empty list or object, and `enabled: false`, also further inside. */
export function isOff(node: DocumentNode): boolean {
  if (node.kind === 'list') return node.items.length === 0
  if (node.kind === 'scalar') return node.value === null || node.value === ''
  if (truthOf(child(node, 'enabled')) === false) return true
  return [...node.members.values()].every(({ value }) => isOff(value))
}

/** `https://` in front where no scheme is named; undefined for another scheme. */
export function httpsServer(host: string): string | undefined {
  if (/^https:\/\//.test(host)) return host
  return host.includes('://') ? undefined : `https://${host}`
}
