/** Runs one case with both clients, state after state, and judges the answers. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Answer } from './askers.js'
import type { Case } from './cases.js'
import type { Files } from './draft.js'
import { isGood, isLeftOut, isSigner } from './good.js'
import { type Rule, ruleFor } from './rules.js'
import { truthsOf, wasSigned } from './truths.js'
import { type Signed, View } from './view.js'

/** Makes one of the two clients with this folder as its cache. */
type Asker = (folder: string, gun: string, target: string) => Promise<Answer>

export interface Bench {
  readonly notary: Asker
  readonly us: Asker
  readonly folder: string
  /** The files that are served now, by GUN. */
  readonly served: Map<string, Files>
  readonly stricter: readonly Rule[]
  readonly kinder: readonly Rule[]
  /** Notary gives no answer at all, and this project refuses. */
  readonly unanswered: readonly Rule[]
}

/** A class for the statistics, or a description of the failure. */
export interface Verdict {
  readonly failed: boolean
  readonly what: string
  /** The changes and both answers, one per line. */
  readonly told?: string
  /** For a difference: the truths of the collection. */
  readonly truths?: readonly string[]
}

/** Gives one verdict for every state. It stops after a difference, because the two caches then differ. */
export async function judgeCase(bench: Bench, { gun, target, states, log }: Case): Promise<Verdict[]> {
  const folder = join(bench.folder, gun.replace(/.*\//, ''))
  const [theirs, ours] = [join(folder, 'notary'), join(folder, 'ours')]
  const verdicts: Verdict[] = []
  const mutations: string[] = []
  const views: View[] = []
  const accepted: View[] = []
  try {
    for (const one of [theirs, ours]) await mkdir(one, { recursive: true })
    for (const state of states) {
      bench.served.set(gun, state.files)
      mutations.push(...state.mutations)
      const [notary, us] = await Promise.all([bench.notary(theirs, gun, target), bench.us(ours, gun, target)])
      const now = new View(gun, state.files, log, accepted)
      views.push(now)
      const asked: Asked = { target, mutations, views, now, accepted, askAnew: () => askAnew(bench, gun, target) }
      const verdict = await judge(bench, notary, us, asked)
      const where = `state ${views.length} of ${states.length}, ${JSON.stringify(target)}`
      const told = [where, ...mutations, ...(verdict.truths ?? []), `notary: ${tell(notary)}`, `we: ${tell(us)}`]
      verdicts.push({ ...verdict, told: told.join('\n  ') })
      if (verdict.failed || verdict.truths !== undefined) break
      // A missing name is not a fault of the collection.
      const isRefused = us.kind === 'refused' && us.code !== 'ERR_TAG_NOT_SIGNED'
      if (!isRefused) accepted.push(now)
      // After a refused first state, notary has stored its root, and this project has stored nothing.
      if (accepted.length === 0) mutations.push('after a refused first state')
      else if (isRefused) mutations.push('after a refusal')
    }
  } finally {
    bench.served.delete(gun)
    await rm(folder, { recursive: true, force: true })
  }
  return verdicts
}

/** One state with both answers. */
interface Asked {
  readonly target: string
  readonly mutations: readonly string[]
  /** All states so far, ending with this one. */
  readonly views: readonly View[]
  readonly now: View
  /** The earlier states with equal answers. */
  readonly accepted: readonly View[]
  /** Notary's answer without a cache. */
  readonly askAnew: () => Promise<Answer>
}

type Digest = Extract<Answer, { kind: 'digest' }>

const failure = (what: string, truths: readonly string[] = []): Verdict => ({ failed: true, what, truths })
const excused = (list: string, rule: Rule, truths: readonly string[]): Verdict => ({
  failed: false,
  what: `${list}: ${rule.id}`,
  truths,
})

async function judge(bench: Bench, notary: Answer, us: Answer, asked: Asked): Promise<Verdict> {
  const { target, mutations, views, now, accepted } = asked
  const { stricter, kinder, unanswered } = bench
  // Without a served timestamp, the last accepted state is still used.
  const last = now.serves('timestamp') ? undefined : accepted.at(-1)
  const isGoodNow = (): boolean => (last === undefined ? isGood(now, accepted) : isGood(last, accepted.slice(0, -1)))
  const view = last ?? now
  const isRight = ({ digest, size }: Digest): boolean =>
    isGoodNow() &&
    isIt(
      view.answers(target).find(({ role }) => !isLeftOut(view, role)),
      digest,
      size,
    )
  if (us.kind === 'crashed' || us.kind === 'hung') return failure(`we ${us.kind}`)
  if (us.kind === 'digest' && !wasSigned(us, target, views)) return failure('we answered a digest that no key signed')
  // Saying that a name is missing requires accepting the collection.
  const isTaken = us.kind === 'refused' && us.code === 'ERR_TAG_NOT_SIGNED'
  if (isTaken && !isGoodNow()) return failure('we accepted a collection that is not good', truthsOf(now, accepted, target))
  if (notary.kind === 'crashed' || notary.kind === 'hung') {
    if (notary.kind === 'crashed' && us.kind === 'refused' && !isGoodNow())
      return { failed: false, what: 'we refused, notary gave no answer' }
    const truths = truthsOf(now, accepted, target)
    if (notary.kind === 'hung') return failure('notary hung', truths)
    if (us.kind === 'digest') {
      // A crash is a refusal without words, so only a rule without words matches.
      const wordless = { kind: 'refused', code: '', role: '', says: '' } as const
      const rule = isRight(us) ? ruleFor(kinder, { answer: wordless, mutations, truths }) : undefined
      return rule === undefined ? failure('notary crashed', truths) : excused('kinder', rule, truths)
    }
    const rule = ruleFor(unanswered, { answer: us, mutations, truths })
    return rule === undefined ? failure('notary crashed', truths) : excused('stricter', rule, truths)
  }
  if (us.kind === 'digest' && notary.kind === 'digest') {
    const same = us.digest === notary.digest && us.size === notary.size
    if (!same) return failure('two digests')
    if (!isRight(us)) return failure('both answered, and neither should', truthsOf(now, accepted, target))
    return { failed: false, what: 'same digest' }
  }
  if (us.kind === 'refused' && notary.kind === 'refused') {
    if (us.code !== 'ERR_TAG_NOT_SIGNED' && mutations.every((one) => one.startsWith('honest')))
      return failure('an honest collection was refused by both')
    return judgeRefusals(bench, notary, us, asked, isGoodNow)
  }
  const truths = truthsOf(now, accepted, target)
  const holdsOddities = (role: string) => isSigner(role) && truths.some((one) => one.startsWith(`truth: ${role} holds `))
  const having = now.answers(target)
  if (having.length > 0 && having.every(({ role }) => isLeftOut(now, role) || holdsOddities(role)))
    truths.push('truth: only signers whose files are odd have the name')
  if (us.kind !== 'digest') {
    const rule = ruleFor(stricter, { answer: us, mutations, truths })
    return rule === undefined ? failure('we refused, notary did not', truths) : excused('stricter', rule, truths)
  }
  if (!isRight(us)) return failure('notary refused, and so should we', truths)
  const anew = views.length === 1 ? notary : await asked.askAnew()
  if (anew.kind === 'digest' && anew.digest === us.digest && anew.size === us.size)
    truths.push('truth: notary without a cache gives the same answer')
  // Files that notary stored from a refusal may hide its reason for refusing the present state.
  const answers = mutations.some((one) => one.startsWith('after a refus')) ? [notary, anew] : [notary]
  const rule = answers.map((answer) => ruleFor(kinder, { answer, mutations, truths })).find((one) => one !== undefined)
  return rule === undefined ? failure('notary refused, we did not', truths) : excused('kinder', rule, truths)
}

/** Both refused. This project must not refuse if the only reason is one of notary's own. */
function judgeRefusals(
  { stricter, kinder }: Bench,
  notary: Answer,
  us: Answer,
  { target, mutations, now, accepted }: Asked,
  isGoodNow: () => boolean,
): Verdict {
  const refused: Verdict = { failed: false, what: 'both refused' }
  if (!now.serves('timestamp') || !isGoodNow() || now.answers(target).length === 0) return refused
  const truths = truthsOf(now, accepted, target)
  // A signer whose file cannot be read is left out, so names that only this file has are not found.
  const isLeftOut = truths.some((one) => /^truth: targets\/\S+ holds /.test(one))
  if (us.kind === 'refused' && us.code === 'ERR_TAG_NOT_SIGNED' && !isLeftOut)
    return failure('we did not find what is signed', truths)
  // Few faults of a certificate are truths, and an oddity may affect this project in another place.
  const isUnclear = truths.some((one) => one.includes(' holds ')) || mutations.some((one) => one.startsWith('certificate: '))
  const isTheirs = ruleFor(kinder, { answer: notary, mutations, truths }) !== undefined
  const isOurs = ruleFor(stricter, { answer: us, mutations, truths }) !== undefined
  return isTheirs && !isOurs && !isUnclear ? failure("we refused for a reason that is notary's alone", truths) : refused
}

function isIt(one: Signed | undefined, digest: string, size: number): boolean {
  return one !== undefined && one.digest === digest && one.size === size
}

async function askAnew({ notary, folder }: Bench, gun: string, target: string): Promise<Answer> {
  const empty = join(folder, gun.replace(/.*\//, ''), 'anew')
  await mkdir(empty, { recursive: true })
  return notary(empty, gun, target)
}

function tell(answer: Answer): string {
  if (answer.kind === 'digest') return `${answer.digest} ${answer.size}`
  const code = 'code' in answer ? answer.code : ''
  return [answer.kind, code, answer.says.replace(/\s+/g, ' ').slice(0, 400)].join(' ')
}
