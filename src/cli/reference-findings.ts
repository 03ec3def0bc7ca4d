/** Outcomes of references, as findings of a report. */
import type { VerifyResult } from '../client/results.js'
import type { VerifyOutcome } from '../client/trust-client.js'
import type { Finding } from '../report/finding.js'

/** The finding of a reference that is in no file. */
export function referenceFinding(outcome: VerifyOutcome): Finding {
  const image = outcome.reference
  if ('error' in outcome) return { image, status: 'failed', error: outcome.error.toJSON() }
  return { image, ...passedAs(outcome.result) }
}

/** What a report says of a result: the reference with the digest, and why it was not verified. */
export function passedAs(result: VerifyResult): Pick<Finding, 'status' | 'canonicalReference' | 'reason'> {
  const why = whyNot(result)
  return {
    status: why.reason === undefined ? 'verified' : 'unverified',
    ...('canonicalReference' in result ? { canonicalReference: result.canonicalReference } : {}),
    ...why,
  }
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
