/**
 * Findings as JUnit XML, as GitLab, Jenkins and others read it: one test case an image. There is no standard; the schema that
 * Jenkins refuses reports by (junit-10.xsd of its xUnit plugin) knows no attribute for the place of a test case, so that the
 * place is part of the names.
 */
import { type Finding, placeOf, type RunFacts } from './finding.js'

/** What XML 1.0 does not allow, even escaped (Char, section 2.2), unpaired surrogates included. */
const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu

const ENTITIES = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
  ['\t', '&#9;'],
  ['\n', '&#10;'],
  ['\r', '&#13;'],
])

/** A suite of test cases. An image that is not verified is a failure, one without a verdict an error. */
export function junitReport(findings: readonly Finding[], { started, seconds }: RunFacts): string {
  const kinds = findings.map(childOf)
  const count = (kind: string) => kinds.filter((child) => child?.name === kind).length
  const totals = { tests: findings.length, failures: count('failure'), errors: count('error') }
  const time = seconds.toFixed(3)
  const timestamp = started.toISOString().replace(/\.\d+Z$/, '')
  const suite = { name: 'dct', ...totals, skipped: count('skipped'), time, timestamp }
  const cases = findings.map((finding, index) => testCase(finding, kinds[index]))
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'dct', ...totals, time })}>`,
    `  <testsuite${attributes(suite)}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n')
}

interface Child {
  readonly name: 'failure' | 'error' | 'skipped'
  readonly attributes: Readonly<Record<string, string>>
  readonly text: string
}

function childOf({ status, error, reason = '' }: Finding): Child | undefined {
  if (status === 'verified') return undefined
  if (error === undefined) return { name: 'skipped', attributes: { message: reason }, text: '' }
  const { kind, code, message, hint } = error
  const hasVerdict = kind === 'untrusted' || kind === 'unsigned' || kind === 'stale'
  return { name: hasVerdict ? 'failure' : 'error', attributes: { message, type: code }, text: hint }
}

function testCase(finding: Finding, child: Child | undefined): string {
  const start = `    <testcase${attributes(namesOf(finding))}`
  if (child === undefined) return `${start}/>`
  const inner = `<${child.name}${attributes(child.attributes)}`
  return [
    `${start}>`,
    `      ${inner}${child.text === '' ? '/>' : `>${escaped(child.text)}</${child.name}>`}`,
    '    </testcase>',
  ].join('\n')
}

function namesOf(finding: Finding): { readonly classname: string; readonly name: string } {
  const { image } = finding
  const place = placeOf(finding)
  if (place === undefined) return { classname: 'dct', name: image }
  return { classname: place.file, name: image === '' ? place.file : `${image} at ${place.line}:${place.column}` }
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('')
}

function escaped(text: string): string {
  return text.replace(NOT_XML, '').replace(/[&<>"'\t\n\r]/g, (character) => ENTITIES.get(character) ?? '')
}
