/** One case put to both, state after state, and what their answers amount to. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Transport } from '../../../src/index.js'
import { type Answer, askNotary, askUs } from './askers.js'
import type { Case } from './cases.js'
import type { Files } from './draft.js'
import { type Rule, ruleFor } from './rules.js'

export interface Bench {
  readonly url: string
  /** A PEM file. */
  readonly ca: string
  readonly transport: Transport
  readonly folder: string
  /** What is served now, by GUN. */
  readonly served: Map<string, Files>
  readonly stricter: readonly Rule[]
  readonly kinder: readonly Rule[]
  /** Where notary gives no answer at all, and we refuse. */
  readonly unanswered: readonly Rule[]
}

/** A class of the figures, or what is wrong. */
export interface Verdict {
  readonly failed: boolean
  readonly what: string
}

/** One verdict for every state that was asked. After a difference the two caches differ, so nothing is asked any more. */
export async function judgeCase(bench: Bench, { gun, target, states }: Case): Promise<Verdict[]> {
  const folder = join(bench.folder, gun.replace(/.*\//, ''))
  const [theirs, ours] = [join(folder, 'notary'), join(folder, 'ours')]
  const verdicts: Verdict[] = []
  const mutations: string[] = []
  try {
    for (const one of [theirs, ours]) await mkdir(one, { recursive: true })
    for (const state of states) {
      bench.served.set(gun, state.files)
      mutations.push(...state.mutations)
      const [notary, us] = await Promise.all([
        askNotary({ url: bench.url, ca: bench.ca, folder: theirs }, gun, target),
        askUs({ url: bench.url, transport: bench.transport, folder: ours }, gun, target),
      ])
      const verdict = judge(bench, notary, us, mutations)
      if (!verdict.failed) {
        verdicts.push(verdict)
        if (verdict.what.includes(':')) break
        // A refused first state leaves its root with notary, and nothing with us.
        if (verdicts.every(({ what }) => what === 'both refused')) mutations.push('after a refused first state')
        else if (verdict.what === 'both refused') mutations.push('after a refusal')
        continue
      }
      const told = [`state ${verdicts.length + 1} of ${states.length}, ${JSON.stringify(target)}`, ...mutations]
      verdicts.push({
        failed: true,
        what: `${verdict.what}\n  ${told.join('\n  ')}\n  notary: ${tell(notary)}\n  we: ${tell(us)}`,
      })
      break
    }
  } finally {
    bench.served.delete(gun)
    await rm(folder, { recursive: true, force: true })
  }
  return verdicts
}

function judge({ stricter, kinder, unanswered }: Bench, notary: Answer, us: Answer, mutations: readonly string[]): Verdict {
  const fail = (what: string): Verdict => ({ failed: true, what })
  if (us.kind === 'crashed' || us.kind === 'hung') return fail(`we ${us.kind}`)
  if (notary.kind === 'crashed' || notary.kind === 'hung') {
    const rule = notary.kind === 'crashed' ? ruleFor(unanswered, us, mutations) : undefined
    return rule === undefined ? fail(`notary ${notary.kind}`) : { failed: false, what: `stricter: ${rule.id}` }
  }
  if (us.kind === 'digest' && notary.kind === 'digest') {
    const same = us.digest === notary.digest && us.size === notary.size
    return same ? { failed: false, what: 'same digest' } : fail('two digests')
  }
  if (us.kind === 'refused' && notary.kind === 'refused') {
    if (us.code !== 'ERR_TAG_NOT_SIGNED' && mutations.every((one) => one.startsWith('honest')))
      return fail('an honest collection was refused by both')
    return { failed: false, what: 'both refused' }
  }
  if (us.kind === 'refused') {
    const rule = ruleFor(stricter, us, mutations)
    return rule === undefined ? fail('we refused, notary did not') : { failed: false, what: `stricter: ${rule.id}` }
  }
  const rule = ruleFor(kinder, notary, mutations)
  return rule === undefined ? fail('notary refused, we did not') : { failed: false, what: `kinder: ${rule.id}` }
}

function tell(answer: Answer): string {
  if (answer.kind === 'digest') return `${answer.digest} ${answer.size}`
  const code = 'code' in answer ? answer.code : ''
  return [answer.kind, code, answer.says.replace(/\s+/g, ' ').slice(0, 400)].join(' ')
}
