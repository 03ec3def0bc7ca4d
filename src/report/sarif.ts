/** Failures as SARIF 2.1.0, as GitHub code scanning reads it: each at its place in a file. */
import { utf8, utf8Text } from '../bytes.js'
import { sha256Hex } from '../crypto/hash.js'
import { defaultHint, type ErrorKind } from '../error-codes.js'
import type { TrustErrorJson } from '../errors.js'
import { type Finding, type FindingPlace, placeOf, type RunFacts } from './finding.js'

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json'

/** What each kind of error means, and how GitHub ranks it. */
const KINDS: Readonly<Record<ErrorKind, { readonly text: string; readonly severity: string }>> = {
  untrusted: { text: 'The trusted keys did not sign what the server served', severity: '9.0' },
  unsigned: { text: 'The trust data does not vouch for the image', severity: '7.0' },
  stale: { text: 'The trust data has expired', severity: '7.0' },
  usage: { text: 'The file or the reference is not valid', severity: '5.0' },
  unavailable: { text: 'There is no verdict', severity: '3.0' },
}

/** One run with a rule for each error code that occurs, and a result for each failure. */
export function sarifReport(findings: readonly Finding[], { version }: RunFacts): string {
  const failed = findings.flatMap((finding) => (finding.error === undefined ? [] : [{ finding, error: finding.error }]))
  const rules = [...new Map(failed.map(({ error }) => [error.code, rule(error)])).values()]
  const indexes = new Map(rules.map(({ id }, index) => [id, index]))
  const results = failed.map(({ finding, error }) => result(finding, error, indexes.get(error.code) ?? 0))
  const driver = { name: 'dct', version, semanticVersion: version, rules }
  const run = { tool: { driver }, automationDetails: { id: 'dct/' }, columnKind: 'utf16CodeUnits', results }
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [run] }, null, 2)}\n`
}

function rule({ code, kind }: TrustErrorJson) {
  const { text, severity } = KINDS[kind]
  return {
    id: code,
    shortDescription: { text: `${text} (${code})` },
    help: { text: defaultHint(code) },
    defaultConfiguration: { level: 'error' },
    properties: { 'security-severity': severity, tags: ['security'] },
  }
}

function result(finding: Finding, { code, message, hint }: TrustErrorJson, ruleIndex: number) {
  const { image } = finding
  const place = placeOf(finding)
  return {
    ruleId: code,
    ruleIndex,
    level: 'error',
    message: { text: `${image === '' ? '' : `${image}: `}${message}. ${hint}` },
    ...(place === undefined ? {} : { locations: [locationOf(place, image)] }),
    partialFingerprints: { 'dctReference/v1': sha256Hex(utf8(`${code}|${image}|${place?.file ?? ''}`)) },
  }
}

function locationOf({ file, line, column }: FindingPlace, image: string) {
  const region = { startLine: line, startColumn: column, ...(image === '' ? {} : endOf(line, column, image)) }
  return { physicalLocation: { artifactLocation: { uri: uriOf(file) }, region } }
}

/** An image that is written over several lines ends somewhere else. */
function endOf(line: number, column: number, image: string): { readonly endLine?: number; readonly endColumn?: number } {
  return /[\r\n]/.test(image) ? {} : { endLine: line, endColumn: column + image.length }
}

/** Relative paths stay relative; GitHub joins them with the root of the repository. */
function uriOf(path: string): string {
  const encoded = path
    .split('/')
    .map(encodeSegment)
    .join('/')
    .replace(/^(?:\.\/)+/, '')
  if (path.startsWith('/')) return `file://${encoded}`
  return /^[A-Za-z]:\//.test(path) ? `file:///${path.slice(0, 2)}${encoded.slice(encoded.indexOf('/'))}` : encoded
}

/** A surrogate without its other half becomes U+FFFD: it cannot be encoded. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(utf8Text(utf8(segment)) ?? '')
}
