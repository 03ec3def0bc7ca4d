/** The metrics are in Prometheus' text format, have the names that they promise, and no label that grows with images. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Counter, Histogram, metricsText, Reading } from '../../src/service/metrics.js'
import { runs } from '../fuzz/fuzz.js'
import { readExposition } from './exposition.js'
import { type Laboratory, startLaboratory } from './laboratory.js'

describe('of a service', () => {
  let lab: Laboratory
  beforeEach(async () => {
    lab = await startLaboratory()
  })
  afterEach(() => lab.close())

  test('every metric has its name, its type and its labels', async () => {
    await lab.start()
    for (const tag of ['1.0', '1.0', '2.0']) await lab.manifest(tag)
    const { body, headers } = await lab.ask('/metrics', { port: lab.service?.metricsPort ?? 0 })
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    const families = readExposition(body)
    expect([...families.values()].map(({ name, type }) => `${name} ${type}`)).toEqual([
      'dct_verifications_total counter',
      'dct_verification_duration_seconds histogram',
      'dct_http_requests_total counter',
      'dct_server_requests_total counter',
      'dct_server_request_duration_seconds histogram',
      'dct_reload_failures_total counter',
      'dct_refresh_failures_total counter',
      'dct_inflight_verifications gauge',
      'dct_cache_hits_total counter',
      'dct_cache_misses_total counter',
      'dct_metadata_expiry_timestamp_seconds gauge',
      'dct_policy_last_reload_success_timestamp_seconds gauge',
      'dct_build_info gauge',
    ])
    expect(body).toContain('dct_verifications_total{result="trusted",code=""} 2')
    expect(body).toContain('dct_verifications_total{result="untrusted",code="ERR_TAG_NOT_SIGNED"} 1')
    expect(body).toContain('dct_http_requests_total{route="manifest",status="403"} 1')
    expect(body).toContain('dct_cache_hits_total 1\n')
    expect(body).toContain('dct_cache_misses_total 1\n')
    expect(body).toContain('dct_build_info{version="1.2.3"} 1')
    expect(body).not.toMatch(/sha256|1\.0"/)
    expect((await lab.ask('/metrics')).status).toBe(404)
  })
})

test('any label value and any count is readable', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary' })),
      fc.array(fc.double({ min: 0, noNaN: true, max: 1e9 })),
      (values, seconds) => {
        const counter = new Counter('a_total', 'A.')
        for (const value of values) counter.add({ value })
        const histogram = new Histogram('b_seconds', 'B.')
        for (const duration of seconds) histogram.observe(duration)
        const gauge = new Reading('gauge', 'c', 'C.', () => values.map((value, at) => [at, { value, at: String(at) }]))
        const families = readExposition(metricsText([counter, histogram, gauge]))
        expect(families.get('a_total')?.samples.length).toBe(new Set(values).size)
        expect(families.get('b_seconds')?.samples.at(-1)?.value).toBe(seconds.length)
      },
    ),
    runs(25),
  )
})

test('the number of label values is bounded', () => {
  const counter = new Counter('a_total', 'A.')
  for (let at = 0; at < 5_000; at += 1) counter.add({ value: String(at) })
  expect(counter.lines().length).toBe(1_000)
})

test.each([
  ['no end of the last line', '# HELP a_total A.\n# TYPE a_total counter\na_total 1'],
  ['a sample of another family', '# HELP a_total A.\n# TYPE a_total counter\nb_total 1\n'],
  ['an open label', '# HELP a_total A.\n# TYPE a_total counter\na_total{b="} 1\n'],
  ['a family twice', '# HELP a_total A.\n# TYPE a_total counter\n# HELP a_total A.\n# TYPE a_total counter\n'],
  ['a sample twice', '# HELP a_total A.\n# TYPE a_total counter\na_total 1\na_total 2\n'],
  ['a counter by another name', '# HELP a A.\n# TYPE a counter\na 1\n'],
])('the reader of this test refuses %s', (_, text) => {
  expect(() => readExposition(text)).toThrow()
})
