/** Outcomes of references, as findings of a report. */
import type { VerifyResult } from '../client/results.js'
import type { VerifyOutcome } from '../client/trust-client.js'
import type { Finding } from '../report/finding.js'

/** The finding of a reference that is in no file. */
export function referenceFinding(outcome: VerifyOutcome): Finding {
  const image = outcome.reference
  if ('error' in outcome) return { image, status: 'failed', error: outcome.error.toJSON() }
  const passed = passedAs(outcome.result)
  return { image, status: passed.reason === undefined ? 'verified' : 'unverified', ...passed }
}

/** What a report says of a result: the reference with the digest, and why it was not verified. */
export function passedAs(result: VerifyResult): Pick<Finding, 'canonicalReference' | 'reason'> {
  const canonical = 'canonicalReference' in result ? { canonicalReference: result.canonicalReference } : {}
  return { ...canonical, ...whyNot(result) }
}

/** Why a reference that passes was not verified. */
function whyNot({ status }: VerifyResult): { readonly reason?: string } {
  switch (status) {
    case 'trusted':
    case 'trusted-digest':
      return {}
    case 'trusted-as-of':
      return { reason: 'it was judged for a past moment, by --judge-as-of' }
    case 'disabled':
      return { reason: 'content trust is switched off' }
    case 'by-digest':
      return { reason: 'digest references are accepted as they are' }
    case 'permitted':
      return { reason: 'a rule of the policy lets it pass unverified' }
    case 'skipped':
      return { reason: 'a rule of the policy skips it' }
  }
}
