/**
 * The closed lists of allowed differences: `test/interop/stricter.md` (we refuse, notary answers) and `kinder.md` (the
 * other way round). Each line of their tables is a rule; the conditions are read from there, there are no others.
 */
import { readFileSync } from 'node:fs'
import type { Answer } from './askers.js'

export interface Rule {
  readonly id: string
  /** The codes that our refusal may have; none in `kinder.md`, where it is notary that refuses. */
  readonly codes: readonly string[]
  /** What the refusal has to say: every one of these texts. */
  readonly says: readonly string[]
  /** Patterns; one of the mutations so far has to fit one of them. */
  readonly mutations: readonly RegExp[]
}

const LINE = /^\| `([a-z0-9-]+)` \|(.+)\|$/

/** Reads the table: identifier, (in `stricter.md`) our code, words of the refusal, mutations, reason. */
export function readRules(file: string, columns: 'stricter' | 'kinder'): Rule[] {
  const rules = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const match = LINE.exec(line)
      if (match === null) return []
      const cells = (match[2] ?? '').split('|').map((cell) => cell.trim())
      const [code = '', says = '', mutations = '', reason = ''] = columns === 'stricter' ? cells : ['', ...cells]
      if (reason === '' || mutations === '') throw new Error(`${file}: the line of ${match[1]} is not complete`)
      return [{ id: match[1] ?? '', codes: quoted(code), says: quoted(says), mutations: quoted(mutations).map(pattern) }]
    })
  if (new Set(rules.map(({ id }) => id)).size !== rules.length) throw new Error(`${file}: an identifier stands there twice`)
  return rules
}

/** The first rule that the refusal and the mutations fit. */
export function ruleFor(rules: readonly Rule[], refusal: Answer, mutations: readonly string[]): Rule | undefined {
  if (refusal.kind !== 'refused') return undefined
  return rules.find(
    ({ codes, says, mutations: patterns }) =>
      (codes.length === 0 ? refusal.code === '' : codes.includes(refusal.code)) &&
      says.every((words) => refusal.says.includes(words)) &&
      mutations.some((mutation) => !mutation.startsWith('honest') && patterns.some((one) => one.test(mutation))),
  )
}

/** The texts between back quotes. */
function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
}

/** `*` stands for anything. */
function pattern(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`)
}
