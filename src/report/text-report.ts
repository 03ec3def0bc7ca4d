/** Findings for people: one line each. */
import { printable } from '../printable.js'
import { type Finding, placeOf } from './finding.js'

/** `Dockerfile:1:6: verified docker.io/library/alpine@sha256:...`; empty without findings. */
export function textReport(findings: readonly Finding[]): string {
  return findings.map((finding) => `${printable(line(finding))}\n`).join('')
}

function line(finding: Finding): string {
  const { status, image, canonicalReference, reason, error } = finding
  const said = error === undefined ? (reason ?? canonicalReference ?? '') : `${error.code}: ${error.message}`
  const place = placeOf(finding)
  const where = place === undefined ? '' : `${place.file}:${place.line}:${place.column}:`
  return [where, status, image, said === '' ? '' : `(${said})`].filter((part) => part !== '').join(' ')
}
