/** Which rule decides over a reference, why, what it asks, and which rules came close. */
import { nearestName } from '../nearest-name.js'
import type { ImageReference } from '../reference/reference.js'
import { type AskedNames, namesOf, type PolicyIndex } from './decide.js'
import type { Decision } from './decision.js'
import { matchesName } from './pattern.js'
import type { Rule } from './policy.js'
import { requirementText } from './signers.js'

/** Rules that came close and are named. */
const MAX_CLOSE = 5

export interface Explanation {
  readonly reference: string
  /** The names that were asked, in their one spelling. */
  readonly names: readonly string[]
  /** Undefined for a digest alone, when the tags that carry it decide. */
  readonly tag: string | undefined
  readonly decision: Decision
  /** True for a digest whose tags are judged each by its own rule; `decision` counts when no tag carries it. */
  readonly byTag: boolean
  /** What is asked of the digest too, of `name:tag@digest` whose tag has a mild rule: the strictest of the rules for other tags. */
  readonly digestToo?: Decision
  /** Rules that match too and are less specific. */
  readonly overruled: readonly Rule[]
  readonly close: readonly { readonly rule: Rule; readonly because: string }[]
}

/** `asked`: the names that a client asks the policy by. */
export function explain(
  index: PolicyIndex,
  { reference, tag, digest }: Pick<ImageReference, 'reference' | 'tag' | 'digest'>,
  asked: AskedNames,
): Explanation {
  const names = namesOf(asked)
  const ofDigest = digest === undefined ? undefined : index.decideDigest(asked)
  const byDigest = tag === undefined ? ofDigest : undefined
  const decision =
    byDigest === undefined
      ? index.decide(asked, tag ?? 'latest')
      : byDigest.kind === 'uniform'
        ? byDigest.decision
        : byDigest.otherwise
  const isMild = decision.action === 'skip' || decision.action === 'warn'
  const digestToo = isMild && tag !== undefined && ofDigest?.kind === 'by-tag' ? ofDigest.otherwise : undefined
  const matching = new Set(names.flatMap((name) => index.matching(name, tag)))
  const deciding = new Set(names.flatMap((name) => index.matching(name, tag).slice(0, 1)))
  const byTag = byDigest?.kind === 'by-tag'
  return {
    reference,
    names,
    tag,
    decision,
    byTag,
    ...(digestToo === undefined ? {} : { digestToo }),
    overruled: [...matching].filter((rule) => !deciding.has(rule)),
    close: closeRules(index, names, tag, matching),
  }
}

/** The explanation in lines. */
export function explanationLines(
  file: string,
  { names, tag, decision, byTag, digestToo, overruled, close }: Explanation,
): string[] {
  const at = ({ place }: Rule) => `${file}:${place.line}`
  const { match, action } = decision
  const word =
    match === 'none'
      ? 'no rule matches, and there is no default'
      : match === 'default'
        ? 'no rule matches: the default decides'
        : `rule ${match} decides`
  return [
    ...names.map((name) => `asked as ${name}${tag === undefined ? '' : `:${tag}`}`),
    byTag ? `each tag that carries the digest is judged by its own rule; when none carries it: ${word}` : word,
    `action ${action}`,
    ...termLines(decision),
    ...(digestToo === undefined
      ? []
      : [
          `the digest is judged too, by the tags that carry it: the rule of one tag does not let the image of another pass; when none carries it: rule ${digestToo.match}, action ${digestToo.action}`,
        ]),
    ...overruled.map((rule) => `also matches, less specific: ${rule.pattern.text} (${at(rule)})`),
    ...close.map(({ rule, because }) => `comes close: ${rule.pattern.text} (${at(rule)}): ${because}`),
  ]
}

function termLines({ server, firstUse, pinnings, requireSigners, digestReferences, staleFallback, maxAge }: Decision): string[] {
  return [
    ...(server === undefined ? [] : [`server ${server}`]),
    ...(firstUse === undefined ? [] : [`first use: ${firstUse}`]),
    ...pinnings.map(({ certs, ca }) => `pins of ${[...certs.keys(), ...ca.keys()].join(', ') || 'nothing'}`),
    ...requireSigners.map((requirement) => `signed by ${requirementText(requirement)}`),
    ...(digestReferences === undefined ? [] : [`digest references: ${digestReferences}`]),
    ...(staleFallback === undefined ? [] : [`stale fallback: ${staleFallback}`]),
    ...(maxAge === undefined ? [] : [`answers of the server may be ${maxAge} ms old`]),
  ]
}

function closeRules(
  index: PolicyIndex,
  names: readonly string[],
  tag: string | undefined,
  matching: ReadonlySet<Rule>,
): Explanation['close'] {
  const found: { rule: Rule; because: string }[] = []
  for (const rule of index.policy.rules) {
    if (found.length >= MAX_CLOSE) break
    const because = matching.has(rule)
      ? undefined
      : names.map((name) => closeness(rule, name, tag)).find((text) => text !== undefined)
    if (because !== undefined) found.push({ rule, because })
  }
  return found
}

/** In what a rule that does not match differs from the name, when that is one thing. */
function closeness({ pattern }: Rule, name: string, tag: string | undefined): string | undefined {
  const segments = name.split('/')
  if (matchesName(pattern, segments, undefined)) return `it is for other tags than ${tag ?? 'these'}`
  const [host = '', ...path] = segments
  const [own] = pattern.tokens
  const otherHost = { ...pattern, tokens: ['*', ...pattern.tokens.slice(1)] }
  if (typeof own === 'string' && path.length > 0 && matchesName(otherHost, segments, tag))
    return `it is for ${own}, not for ${host}`
  if (matchesName(pattern, segments.slice(0, -1), tag)) return 'it ends a segment before: * stays within a segment, ** goes on'
  const text = pattern.tag === undefined ? pattern.text : pattern.text.slice(0, pattern.text.lastIndexOf(':'))
  return nearestName(name, [text]) === undefined ? undefined : 'its name is nearly the same'
}
