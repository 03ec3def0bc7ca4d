/** Reports on files are valid by the schemas of their formats, whatever names and messages others chose. */
import { readFileSync } from 'node:fs'
import sarif from '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json' with { type: 'json' }
import Ajv from 'ajv-draft-04'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { validateXML } from 'xmllint-wasm'
import { UnavailableError, UnsignedError, UntrustedError, UsageError } from '../../src/errors.js'
import type { Finding } from '../../src/report/finding.js'
import { junitReport } from '../../src/report/junit.js'
import { sarifReport } from '../../src/report/sarif.js'

const facts = { version: '1.2.3', started: new Date('2026-03-01T12:00:00.5Z'), seconds: 1234.5 }

const OUTCOMES: readonly Pick<Finding, 'status' | 'error' | 'reason' | 'canonicalReference'>[] = [
  { status: 'verified', canonicalReference: `x@sha256:${'0'.repeat(64)}` },
  { status: 'unverified', reason: 'content trust is switched off' },
  { status: 'skipped', reason: 'built <here> & "there"' },
  { status: 'failed', error: new UnsignedError('ERR_TAG_NOT_SIGNED', 'No <trust> & "data"').toJSON() },
  { status: 'failed', error: new UntrustedError('ERR_SIGNATURE_THRESHOLD', "it's another key").toJSON() },
  { status: 'failed', error: new UnavailableError('ERR_SERVER_UNREACHABLE', 'gone').toJSON() },
  { status: 'failed', error: new UsageError('ERR_REFERENCE_INVALID', 'no reference').toJSON() },
]
const names = fc.string({ unit: 'binary', maxLength: 20 })
const finding: fc.Arbitrary<Finding> = fc
  .record({
    file: names.map((name) => `x${name}`),
    line: fc.integer({ min: 1, max: 1e6 }),
    column: fc.integer({ min: 1, max: 1e6 }),
    image: names,
    outcome: fc.constantFrom(...OUTCOMES),
  })
  .map(({ outcome, ...place }) => ({ ...place, ...outcome }))
const runs = fc.array(finding, { maxLength: 6 })

describe('SARIF 2.1.0', () => {
  const validate = new Ajv.default({ strict: false, allErrors: true, validateFormats: false, unicodeRegExp: false }).compile(
    sarif,
  )

  test('whatever was found, the report is valid', () => {
    fc.assert(
      fc.property(runs, (findings) => {
        expect(validate(JSON.parse(sarifReport(findings, facts))), JSON.stringify(validate.errors)).toBe(true)
      }),
    )
  })

  test('the schema refuses what is not SARIF', () => {
    const report = JSON.parse(sarifReport([], facts))
    expect(validate({ ...report, version: '2.0.0' })).toBe(false)
    expect(validate({ ...report, runs: [{ results: [] }] })).toBe(false)
  })
})

describe('JUnit', () => {
  const schema = readFileSync(new URL('schemas/junit.xsd', import.meta.url), 'utf8')
  const faults = async (...reports: readonly string[]) => {
    const xml = reports.map((contents, index) => ({ fileName: `${index}.xml`, contents }))
    return (await validateXML({ xml, schema })).errors.map(({ message }) => message)
  }

  test('whatever was found, the report is valid', { timeout: 60_000 }, async () => {
    const reports = fc.sample(runs, { seed: 20_261_129, numRuns: 200 }).map((findings) => junitReport(findings, facts))
    expect(await faults(...reports)).toEqual([])
  })

  test('the schema refuses what is no report', async () => {
    const [report] = fc.sample(runs, 1).map((findings) => junitReport(findings, facts))
    expect(await faults((report ?? '').replace('<testsuite ', '<testsuite line="1" '))).not.toEqual([])
    expect(await faults((report ?? '').replace('errors=', 'mistakes='))).not.toEqual([])
    expect(await faults('<testsuites')).not.toEqual([])
  })
})
