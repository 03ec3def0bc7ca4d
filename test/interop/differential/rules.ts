/**
 * The closed lists of allowed differences: `test/interop/stricter.md` (this project refuses, notary answers) and `kinder.md` (the
 * reverse). Each line of their tables is a rule. All conditions are in these tables.
 */
import { readFileSync } from 'node:fs'
import type { Answer } from './askers.js'

export interface Rule {
  readonly id: string
  /** The codes that this project's refusal may have; none in `kinder.md`, where notary refuses. */
  readonly codes: readonly string[]
  /** Texts that the refusal must contain, all of them. */
  readonly says: readonly string[]
  /** Alternatives. In one of them, every pattern must match a truth of the present state, or a mutation so far. */
  readonly holds: readonly (readonly string[])[]
}

const LINE = /^\| `([a-z0-9-]+)` \|(.+)\|$/

/** Reads the table: identifier, (in `stricter.md`) code of this project, words of the refusal, condition, reason. */
export function readRules(file: string, columns: 'stricter' | 'kinder'): Rule[] {
  const rules = readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const match = LINE.exec(line)
      if (match === null) return []
      const cells = (match[2] ?? '').split('|').map((cell) => cell.trim())
      const [code = '', says = '', holds = '', reason = ''] = columns === 'stricter' ? cells : ['', ...cells]
      if (reason === '' || holds === '') throw new Error(`${file}: the line of ${match[1]} is not complete`)
      if (/`(?!truth: |done: (?!honest)\w)/.test(holds.replaceAll(/`([^`]*)`/g, '`$1')))
        throw new Error(`${file}: the line of ${match[1]} has a condition that is neither a truth nor a mutation`)
      return [
        {
          id: match[1] ?? '',
          codes: quoted(code),
          says: quoted(says),
          holds: holds.split(/, (?=`)/).map(quoted),
        },
      ]
    })
  if (new Set(rules.map(({ id }) => id)).size !== rules.length) throw new Error(`${file}: an identifier is there twice`)
  return rules
}

/** A refusal that needs a rule. */
export interface Refusal {
  readonly answer: Answer
  /** The mutations so far. */
  readonly mutations: readonly string[]
  readonly truths?: readonly string[]
}

/** Finds the first rule that matches. Honest mutations, or truths without a mutation, match no rule. */
export function ruleFor(rules: readonly Rule[], { answer, mutations, truths = [] }: Refusal): Rule | undefined {
  if (answer.kind !== 'refused' || mutations.every((mutation) => mutation.startsWith('honest'))) return undefined
  const all = [...mutations.map((one) => `done: ${one}`), ...truths]
  const fitFor = (patterns: readonly string[], any: string): boolean =>
    patterns.map((text) => pattern(text, answer.role, any)).every((one) => all.some((text) => one.test(text)))
  const known = new Set(truths.map((truth) => truth.replace(/^truth: /, '').replace(/ .*/s, '')))
  const fits = (patterns: readonly string[]): boolean => [...known, 'no role'].some((any) => fitFor(patterns, any))
  return rules.find(
    (rule) =>
      (rule.codes.length === 0 ? answer.code === '' : rule.codes.includes(answer.code)) &&
      rule.says.every((words) => answer.says.includes(words)) &&
      rule.holds.some(fits),
  )
}

/** The texts between back quotes. */
function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
}

/** `*` matches anything, `{role}` the role of this project's refusal, `{any}` the same role in all patterns. */
function pattern(text: string, role: string, any: string): RegExp {
  const named = text.replaceAll('{role}', () => role || 'no role').replaceAll('{any}', () => any)
  const escaped = named.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*')}$`, 's')
}
