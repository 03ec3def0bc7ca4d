/** All findings as one JSON document. */
import type { Finding } from './finding.js'

/** `{"version": 1, "findings": [...]}` */
export function jsonReport(findings: readonly Finding[]): string {
  return `${JSON.stringify({ version: 1, findings }, null, 2)}\n`
}
