/**
 * What a policy asks of an image.
 *
 * Invariants: every name that is known of an image is asked (as typed, as signed, as Docker Hub's), and the stricter answer counts
 * in each respect. A tag's rule cannot be evaded by naming a digest.
 */
import { CollectionPolicy } from './collection-policy.js'
import type { Decision, DigestDecision } from './decision.js'
import { canonicalName, hubName } from './names.js'
import { matchesName } from './pattern.js'
import type { Policy, Rule } from './policy.js'
import { byRank } from './rule-order.js'

/** The names of one collection. */
export interface AskedNames {
  /** The GUN as typed. */
  readonly typed: string
  /** The GUN under which trust data is signed, where a mirror makes it another. */
  readonly signed?: string
}

/** Collections whose rules are kept (memory: a client that lives long meets many). */
const MAX_KEPT_COLLECTIONS = 2_048

/** Tags whose decisions are kept, of all collections (memory: a client that lives long is asked for many). */
const MAX_KEPT_TAGS = 20_000

/** A policy made ready to be asked many times. It does not change; a client that lives on keeps asking the one that it was given. */
export class PolicyIndex {
  readonly policy: Policy
  /** By host and first segment where both are written out, else by host, else under ''. The most specific rule first. */
  readonly #buckets = new Map<string, Rule[]>()
  readonly #collections = new Map<string, CollectionPolicy>()
  #keptTags = 0

  constructor(policy: Policy) {
    this.policy = policy
    for (const rule of byRank(policy.rules)) {
      const key = bucketOf(rule)
      const bucket = this.#buckets.get(key)
      if (bucket === undefined) this.#buckets.set(key, [rule])
      else bucket.push(rule)
    }
  }

  /** The same for a collection that is asked for again: `names` is called for a new key. */
  collection(key: string, names: () => AskedNames): CollectionPolicy {
    const known = this.#collections.get(key)
    if (known !== undefined) return known
    if (this.#collections.size >= MAX_KEPT_COLLECTIONS) this.#forget()
    const asked = namesOf(names()).map((name) => ({ name, rules: this.matching(name) }))
    const made = new CollectionPolicy(this.policy, asked, () => {
      if (++this.#keptTags > MAX_KEPT_TAGS) this.#forget()
    })
    this.#collections.set(key, made)
    return made
  }

  /** What is asked of a tag. */
  decide(names: AskedNames, tag: string): Decision {
    return this.#asked(names).decide(tag)
  }

  /** What is asked of an image that is named by its digest alone. */
  decideDigest(names: AskedNames): DigestDecision {
    return this.#asked(names).decideDigest()
  }

  /** Every rule that matches a canonical name, the most specific first. Without a tag: that matches for some tag. */
  matching(name: string, tag?: string): Rule[] {
    const segments = name.split('/')
    return byRank(
      this.#bucketsFor(segments).flatMap((bucket) => bucket.filter(({ pattern }) => matchesName(pattern, segments, tag))),
    )
  }

  #asked(names: AskedNames): CollectionPolicy {
    return this.collection(`names ${names.typed} ${names.signed ?? ''}`, () => names)
  }

  /** The collections that callers still hold go on answering. */
  #forget(): void {
    this.#collections.clear()
    this.#keptTags = 0
  }

  #bucketsFor([host = '', first = '']: readonly string[]): Rule[][] {
    return [`${host}/${first}`, host, ''].flatMap((key) => {
      const bucket = this.#buckets.get(key)
      return bucket === undefined ? [] : [bucket]
    })
  }
}

/** Every name to be asked, each once. */
export function namesOf({ typed, signed }: AskedNames): string[] {
  const names = [signed, typed].flatMap((gun) => (gun === undefined ? [] : [canonicalName(gun)]))
  return [...new Set(names.flatMap((name) => [hubName(name) ?? name, name]))]
}

function bucketOf({ pattern: { tokens } }: Rule): string {
  const isWritten = (token: (typeof tokens)[number] | undefined) => typeof token === 'string' && !token.includes('*')
  const [host, first] = tokens
  if (!isWritten(host)) return ''
  return isWritten(first) ? `${String(host)}/${String(first)}` : String(host)
}
