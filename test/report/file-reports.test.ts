/** Reports on files are valid in their formats, whatever names and messages others chose. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UnavailableError, UnsignedError } from '../../src/errors.js'
import type { Finding } from '../../src/report/finding.js'
import { junitReport } from '../../src/report/junit.js'
import { sarifReport } from '../../src/report/sarif.js'
import { textReport } from '../../src/report/text-report.js'
import { unifiedDiff } from '../../src/report/unified-diff.js'

const facts = { version: '1.2.3', started: new Date('2026-03-01T12:00:00.5Z'), seconds: 1.5 }
const place = { file: 'a b/Dockerfile', line: 2, column: 6, image: 'app:1' }
const failed: Finding = {
  ...place,
  status: 'failed',
  error: new UnsignedError('ERR_TAG_NOT_SIGNED', 'No <trust> & "data"').toJSON(),
}
const away: Finding = { ...place, status: 'failed', error: new UnavailableError('ERR_SERVER_UNREACHABLE', 'gone').toJSON() }
const skipped: Finding = { ...place, status: 'skipped', reason: 'built here' }
const verified: Finding = { ...place, status: 'verified', canonicalReference: 'x@sha256:1' }

const XML_ONLY = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u
/** A document without its values: the same for every finding, when no value reaches beyond its quotes. */
const structureOf = (xml: string) => xml.replace(/"[^"<>]*"/g, '""')

describe('JUnit', () => {
  test('failures, errors without a verdict and skipped images are counted apart', () => {
    const xml = junitReport([failed, away, skipped, verified], facts)
    expect(xml).toContain(
      '<testsuite name="dct" tests="4" failures="1" errors="1" skipped="1" time="1.500" timestamp="2026-03-01T12:00:00">',
    )
    expect(xml).toContain('<failure message="No &lt;trust&gt; &amp; &quot;data&quot;" type="ERR_TAG_NOT_SIGNED">')
    expect(xml).toContain('<testcase classname="a b/Dockerfile" name="app:1 at 2:6"/>')
  })

  test('an image without a place has the class dct', () => {
    expect(junitReport([{ image: 'app:1', status: 'verified' }], facts)).toContain('<testcase classname="dct" name="app:1"/>')
  })

  test('whatever the names are, the XML is well formed', () => {
    const names = fc.string({ unit: 'binary', maxLength: 20 })
    const structure = structureOf(junitReport([skipped], facts))
    fc.assert(
      fc.property(names, names, names, (file, image, reason) => {
        const xml = junitReport([{ ...skipped, file, image, reason: `${reason}\u0000\ud800"']]>&` }], facts)
        return XML_ONLY.test(xml) && structureOf(xml) === structure && !/&(?!amp;|lt;|gt;|quot;|apos;|#\d+;)/.test(xml)
      }),
    )
  })
})

describe('SARIF', () => {
  test('a rule for each code that occurs, a result for each failure, columns in UTF-16 units', () => {
    const { version, runs } = JSON.parse(sarifReport([failed, verified, away, failed], facts))
    expect(version).toBe('2.1.0')
    const [{ tool, results, columnKind }] = runs
    expect(columnKind).toBe('utf16CodeUnits')
    expect(tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(['ERR_TAG_NOT_SIGNED', 'ERR_SERVER_UNREACHABLE'])
    expect(results.map(({ ruleIndex }: { ruleIndex: number }) => ruleIndex)).toEqual([0, 1, 0])
    expect(results[0].locations).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: 'a%20b/Dockerfile' },
          region: { startLine: 2, startColumn: 6, endLine: 2, endColumn: 11 },
        },
      },
    ])
  })

  test('whatever the path is, its address is a valid URI that leads back to it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => !/^\.*\//.test(name)),
        (file) => {
          const [{ results }] = JSON.parse(sarifReport([{ ...failed, file: `x/${file}` }], facts)).runs
          const { uri } = results[0].locations[0].physicalLocation.artifactLocation
          expect(uri).toMatch(/^[A-Za-z0-9\-._~!*'()%/]+$/)
          expect(decodeURIComponent(uri)).toBe(`x/${file}`)
        },
      ),
    )
  })
})

test('text: one line a finding, without control characters', () => {
  expect(textReport([verified, { ...skipped, image: 'a\u001b[31m\nb' }])).toMatch(
    /^a b\/Dockerfile:2:6: verified app:1 \(x@sha256:1\)\n[^\n\u001b]*\n$/,
  )
})

test('a unified diff of equal texts is empty, and keeps CRLF', () => {
  expect(unifiedDiff('x', 'a', 'a')).toBe('')
  expect(unifiedDiff('./d/x', 'a\r\nb\r\n', 'a\r\nc\r\n')).toBe('--- a/d/x\n+++ b/d/x\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n')
})
