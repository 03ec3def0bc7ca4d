/** All that a collection has to show: its tags and its roles, from one refresh. */
import type { Inspection, ListedTag, TagList } from '../client/results.js'
import type { TrustClient } from '../client/trust-client.js'
import { parseReference } from '../reference/reference.js'

/** A verified collection, described in two ways. */
export interface Collection {
  readonly list: TagList
  readonly inspection: Inspection
}

/** @throws TrustError of any kind */
export async function readCollection(client: TrustClient, reference: string): Promise<Collection> {
  const { gun } = parseReference(reference)
  // Asked together: the client answers both from one refresh.
  const [list, inspection] = await Promise.all([client.listTags(gun), client.inspect(reference)])
  return { list, inspection }
}

/** What a policy and required signers make of a listed tag; `skipped`: it was not judged. */
export type TagVerdict = 'passed' | 'refused' | 'permitted' | 'skipped'

export function verdictOf({ policy, error }: Pick<ListedTag, 'policy' | 'error'>): TagVerdict {
  if (error !== undefined) return policy?.action === 'warn' ? 'permitted' : 'refused'
  return policy?.action === 'skip' ? 'skipped' : 'passed'
}

/** Roles that stand behind every answer. */
const BASE_ROLES: readonly string[] = ['root', 'timestamp', 'snapshot', 'targets']

/** ISO date of the earliest expiry among root, timestamp, snapshot, targets and the role. */
export function expiresOf({ roles, expires }: Inspection, role: string): string {
  const counted = roles.filter((one) => BASE_ROLES.includes(one.role) || one.role === role)
  return counted.map((one) => one.expires).reduce((earliest, one) => (one < earliest ? one : earliest), expires)
}
