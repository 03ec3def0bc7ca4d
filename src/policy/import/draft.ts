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

interface Kept {
  readonly pattern: Pattern
  readonly rule: DraftRule
  readonly at: DocumentNode
  /** The other program asks rules with a higher number first; undefined where it decides by specificity. */
  readonly priority: number | undefined
}

export class Draft {
  readonly #warnings: ImportWarning[] = []
  readonly #rules: Kept[] = []
  default: DraftRule | undefined

  /** A meaning that changes. */
  warn(at: { readonly place: Place }, text: string): void {
    this.#warnings.push({ ...at.place, text, isLost: false })
  }

  /** Something that a policy cannot say. */
  lose(at: { readonly place: Place }, text: string): undefined {
    this.#warnings.push({ ...at.place, text, isLost: true })
  }

  /** What cannot be carried over is denied: less than was asked must not come out of an import. */
  deny(matches: readonly string[], at: DocumentNode, why: string): undefined {
    this.lose(at, `${why}: denied is ${matches.join(', ')}`)
    this.add(matches, { action: 'deny' }, at)
  }

  add(matches: readonly string[], rule: DraftRule, at: DocumentNode, priority?: number): undefined {
    for (const match of matches) this.#addOne(match, rule, at, priority)
  }

  #addOne(match: string, rule: DraftRule, at: DocumentNode, priority: number | undefined): undefined {
    const pattern = parsePattern(match)
    if ('problem' in pattern) return this.lose(at, `${match}: ${pattern.problem}; left out. ${pattern.hint}`)
    const twice = this.#rules.find((kept) => kept.pattern.text === match)
    if (twice !== undefined)
      return this.lose(at, `${match} is named twice (first in line ${twice.at.place.line}); this one is left out`)
    for (const kept of this.#rules) this.#compare(kept, { pattern, rule, at, priority })
    this.#rules.push({ pattern, rule, at, priority })
  }

  finish(): Imported {
    const rules = this.#rules.map(({ pattern, rule }) => ({ match: pattern.text, ...rule }))
    const policy = { version: 1, ...(this.default === undefined ? {} : { default: this.default }), rules }
    const warnings = this.#warnings.toSorted((one, other) => one.line - other.line || one.column - other.column)
    return { text: `${JSON.stringify(policy, undefined, 2)}\n`, warnings, isComplete: !warnings.some(({ isLost }) => isLost) }
  }

  /** Rules whose order is another one here. */
  #compare(one: Kept, other: Kept): void {
    const image = commonImage(one.pattern, other.pattern)
    if (image === undefined) return
    const order = compareRanks(one.pattern.rank, other.pattern.rank)
    if (order === 0)
      this.lose(
        other.at,
        `${other.pattern.text} and ${one.pattern.text} are equally specific and both match ${image}: make one more specific`,
      )
    else if (
      one.priority !== undefined &&
      other.priority !== undefined &&
      Math.sign(one.priority - other.priority) !== Math.sign(order)
    ) {
      const [here] = order > 0 ? [one, other] : [other, one]
      this.lose(
        other.at,
        `for ${image} the priorities chose between ${one.pattern.text} and ${other.pattern.text}; here ${here?.pattern.text} decides, which is more specific`,
      )
    }
  }
}

/**
 * A name in which `*` stands for anything, slashes too, as patterns in which it stays within a segment; together they match no
 * less. A name without a registry is completed as Docker does.
 */
export function patternsOf(name: string, at: DocumentNode, draft: Draft): string[] {
  const [colon, slash] = [name.lastIndexOf(':'), name.lastIndexOf('/')]
  const [bare, tag] = colon > slash ? [name.slice(0, colon), name.slice(colon + 1)] : [name, '*']
  const [host = '', ...path] = completed(bare)
    .split('/')
    .map((segment) => segment.replace(/\*+/g, '*'))
  const behind = tag === '*' ? '' : `:${tag}`
  const last = path.pop()
  if (last === undefined) return [`${host === '*' ? '**' : host}${behind}`]
  if ([...path, last].some((segment) => segment !== '*' && segment.slice(0, -1).includes('*')))
    draft.lose(at, `${name}: * matched slashes too; here it stays within a segment`)
  const inner = [host, ...path.flatMap((segment) => (segment.endsWith('*') ? [segment, '**'] : [segment]))].join('/')
  if (last === '*') return [`${inner.replace(/\/\*\*$/, '')}/**${behind}`]
  if (!last.endsWith('*')) return [`${inner}/${last}${behind}`]
  const deeper = `${inner}/${last}/**${behind}`
  return inner === 'docker.io' ? [deeper] : [`${inner}/${last}${behind}`, deeper]
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

/** `https://` in front where no scheme is named; undefined for another scheme. */
export function httpsServer(host: string): string | undefined {
  if (/^https:\/\//.test(host)) return host
  return host.includes('://') ? undefined : `https://${host}`
}
