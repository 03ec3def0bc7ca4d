/** The catalogue of attacks: every row has a test that names it, or a reason in README.md. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import families from './catalogue.json' with { type: 'json' }

const TESTS = fileURLToPath(new URL('..', import.meta.url))
const FAMILIES = Object.keys(families).join('|')
/** Tables of cases and titles, in other files than the test that runs them. */
const TABLES = ['http/wire-faults.ts']
/** `(ATK-07)`, `[SIG-01, SIG-02]`, `(JSON-08..10)`; identifiers of other lists may be beside them. */
const MENTION = /[([]((?:[A-Z]+(?:-| )[0-9]+(?:\.\.[0-9]+)?(?:, )?)+)[)\]]/g

const ROWS = Object.entries(families).flatMap(([family, numbers]) => numbers.split(' ').map((number) => `${family}-${number}`))

/** Rows that the text names in parentheses or brackets. */
function mentioned(text: string): string[] {
  const lists = [...text.matchAll(MENTION)].map(([, list = '']) => list)
  return lists.flatMap((list) => list.split(', ')).flatMap(rowsOf)
}

function rowsOf(mention: string): string[] {
  const [, family = '', first = '', last = first] = new RegExp(`^(${FAMILIES})-([0-9]+)(?:\\.\\.([0-9]+))?$`).exec(mention) ?? []
  if (family === '') return []
  const count = Number(last) - Number(first) + 1
  return Array.from({ length: count }, (_, offset) => `${family}-${String(Number(first) + offset).padStart(2, '0')}`)
}

/** Titles are literals: of `test`, of `describe`, or in the table of an `each`. Comments do not count. */
function rowsInTitles(file: string): string[] {
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      found.push(...mentioned(node.text))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, readFileSync(`${TESTS}/${file}`, 'utf8'), ts.ScriptTarget.Latest))
  return found
}

/** Lines `| ATK-25 | why |` of the table in README.md. */
function declined(): Map<string, string> {
  const lines = readFileSync(new URL('README.md', import.meta.url), 'utf8').split('\n')
  const cells = lines.map((line) => line.split('|').map((cell) => cell.trim()))
  const rows = cells.filter(([, id = '']) => new RegExp(`^(?:${FAMILIES})-`).test(id))
  expect(new Set(rows.map(([, id]) => id)).size, 'no row is declined twice').toBe(rows.length)
  return new Map(rows.map(([, id = '', reason = '']) => [id, reason]))
}

describe('the catalogue of attacks', () => {
  // What only the interop suite runs is not run by `npm test`.
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter(
    (file) => (file.endsWith('.test.ts') && !file.startsWith('interop')) || TABLES.includes(file),
  )
  const tested = new Set(files.flatMap(rowsInTitles))
  const reasons = declined()

  test(`has ${ROWS.length} rows, each either tested or declined`, () => {
    expect(new Set(ROWS).size).toBe(ROWS.length)
    expect(ROWS.filter((row) => !tested.has(row) && !reasons.has(row))).toEqual([])
    expect(ROWS.filter((row) => tested.has(row) && reasons.has(row))).toEqual([])
  })

  test('names no row that it does not have', () => {
    expect([...tested, ...reasons.keys()].filter((row) => !ROWS.includes(row))).toEqual([])
  })

  test('declines with a reason', () => {
    for (const [row, reason] of reasons) expect(reason.split(' ').length, row).toBeGreaterThan(5)
  })

  test('reads ranges, lists and neighbours of other lists, and nothing without parentheses', () => {
    expect(mentioned('a (JSON-08..10) b [SIG-01, ATK-02] (ROOT-38, ODD-18) CERT-01 (BEHAVIOUR 5)')).toEqual([
      'JSON-08',
      'JSON-09',
      'JSON-10',
      'SIG-01',
      'ATK-02',
      'ROOT-38',
    ])
  })
})
