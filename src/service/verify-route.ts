/** `POST /verify`: references in, results out, in the same order. */
import { ConcurrencyLimit } from '../client/concurrency-limit.js'
import { TrustError } from '../errors.js'
import { parseReference } from '../reference/reference.js'
import { BadRequest } from './answer.js'
import type { Verdict, Verifier } from './verifier.js'

/** References of one request: more would keep others waiting. */
const MAX_REFERENCES = 100

/** References of one request that are judged at a time. */
const MAX_AT_ONCE = 16

/** Bytes of a request: MAX_REFERENCES of the longest. */
export const MAX_VERIFY_BYTES: number = 128 * 1024

/** The references of a body. @throws BadRequest */
export function referencesOf(body: unknown): string[] {
  const members = typeof body === 'object' && body !== null ? Object.entries(body) : []
  const [name, list] = members[0] ?? []
  if (members.length !== 1 || name !== 'references' || !Array.isArray(list)) {
    throw new BadRequest(400, 'the body must be {"references": ["registry.example/team/app:1.0"]} and nothing else')
  }
  if (list.length > MAX_REFERENCES) throw new BadRequest(400, `more than ${MAX_REFERENCES} references`)
  const references = list.filter((item) => typeof item === 'string')
  if (references.length < list.length) throw new BadRequest(400, 'a reference is not a text')
  return references
}

/** The registries of references; those that are no references have none. */
export function registriesOf(references: readonly string[]): ReadonlySet<string> {
  return new Set(
    references.flatMap((reference) => {
      try {
        return [parseReference(reference).domain]
      } catch (error) {
        if (!(error instanceof TrustError)) throw error
        return []
      }
    }),
  )
}

/** Judges all of them; those of one collection share a refresh. `onVerdict` is called for each. */
export async function verifyAll(
  verifier: Pick<Verifier, 'judge'>,
  references: readonly string[],
  onVerdict: (reference: string, verdict: Verdict) => void,
): Promise<object[]> {
  const slots = new ConcurrencyLimit(MAX_AT_ONCE)
  return Promise.all(
    references.map(async (reference) => {
      await slots.take()
      const verdict = await verifier.judge(reference).finally(() => slots.release())
      onVerdict(reference, verdict)
      // As the library and `dct verify --json` tell it.
      return 'error' in verdict ? { status: 'failed', reference, error: verdict.error.toJSON() } : verdict.result
    }),
  )
}
