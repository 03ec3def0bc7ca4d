/**
 * Every named tampering with every role, seen by a client without a cache, with a good one and with a spoiled one.
 *
 * What must come of it is said below as rules, from the specification and not from the code: a refusal leaves files and
 * floors exactly as they were, an answer is the honest digest and lowers no floor (tamper-cell.ts looks at both).
 */
import { describe, expect, test } from 'vitest'
import { CACHES, type Cache, outcomes, RELEASES, ROLES, type Role, SIGNER } from './tamper-cell.js'
import { type NamedTampering, type Rule, TAMPERINGS } from './tamperings.js'

/** Roles whose files the roles above name by length and hash before anything of them is read. */
const DECLARED: readonly Role[] = ['snapshot', 'targets', RELEASES, SIGNER]

function trusted(cache: Cache, { without = false, ...more }: { without?: boolean; stale?: boolean } = {}): string {
  const warnings = [
    ...(cache === 'spoiled' ? ['WARN_CACHE_REPAIRED'] : []),
    ...(without ? ['WARN_DELEGATION_SKIPPED'] : []),
    ...(cache === 'none' ? ['WARN_FIRST_USE'] : []),
    ...(more.stale === true ? ['WARN_STALE_TIMESTAMP'] : []),
  ]
  return [without ? 'trusted' : 'trusted by alice', ...warnings].join(' ')
}

/** What must come of a rule, but for root, which nothing declares and which has no floor but its chain. */
function expected(rule: Rule, role: Role, cache: Cache, alone: NamedTampering['alone']): string {
  const refused = (code: string) => `${code} ${role}`
  const firstUse = cache === 'none'
  switch (rule) {
    case 'honest':
      return trusted(cache)
    case 'malformed':
      // The key of one signer must not deny the whole collection.
      return role === SIGNER ? trusted(cache, { without: true }) : refused('ERR_METADATA_MALFORMED')
    case 'under threshold':
      if (role === SIGNER) return trusted(cache, { without: true })
      if (role === 'root') return refused(firstUse ? 'ERR_ROOT_UNTRUSTED' : 'ERR_ROOT_ROTATION')
      return refused('ERR_SIGNATURE_THRESHOLD')
    case 'expired':
      return role === SIGNER ? trusted(cache, { without: true }) : refused('ERR_METADATA_EXPIRED')
    case 'lower version':
    case 'equal version':
      // On first use the walk finds the number where another is due.
      if (role === 'root') return refused('ERR_ROOT_ROTATION')
      if (firstUse) return trusted(cache)
      return refused(rule === 'lower version' ? 'ERR_VERSION_ROLLBACK' : 'ERR_EQUIVOCATION')
    case 'much higher version':
      return role === 'root' && !firstUse ? refused('ERR_ROOT_ROTATION') : trusted(cache)
    case 'hash cut':
      if (role === 'targets') return trusted(cache) // the tag is answered by releases
      if (role === SIGNER) return trusted(cache).replace(' by alice', '') // signed nothing that can be compared
      // The set was verified and is kept; only the requested entry is unusable.
      if (role === RELEASES) return `${refused('ERR_METADATA_MALFORMED')} and the store changed`
      return refused('ERR_METADATA_MALFORMED')
    case 'longer in flight':
    case 'shorter in flight':
    case 'as long in flight':
      if (DECLARED.includes(role)) return refused(rule.startsWith('longer') ? 'ERR_METADATA_TOO_LARGE' : 'ERR_HASH_MISMATCH')
      // A root that is well signed is held against the snapshot in the end.
      if (role === 'root' && alone === 'honest') return refused('ERR_METADATA_TOO_LARGE')
      return expected(alone ?? 'malformed', role, cache, alone)
    case 'declared longer':
      return refused('ERR_HASH_MISMATCH')
    case 'declared shorter':
      return refused('ERR_METADATA_TOO_LARGE')
    case 'declared huge':
      if (role === SIGNER) return trusted(cache, { without: true })
      return refused(role === 'root' ? 'ERR_HASH_MISMATCH' : 'ERR_METADATA_TOO_LARGE')
    case 'oversize':
      return refused('ERR_METADATA_TOO_LARGE')
    case 'missing':
      if (role === 'timestamp') return cache === 'good' ? trusted(cache, { stale: true }) : refused('ERR_METADATA_MISSING')
      if (role !== 'root') return refused('ERR_METADATA_MISSING')
      // No root at all: no trust data. A next root withheld: the snapshot names one that is not there.
      return firstUse ? 'ERR_NO_TRUST_DATA' : refused('ERR_HASH_MISMATCH')
  }
}

const ROWS = TAMPERINGS.map((row) => ({ ...row, roles: ROLES.filter((role) => row.not?.includes(role) !== true) }))
const CELLS = ROWS.reduce((sum, { roles }) => sum + roles.length * CACHES.length, 0)

describe(`the tamper matrix, ${TAMPERINGS.length} tamperings, ${CELLS} cells (CVE-13, CVE-26)`, () => {
  test.each(ROWS.map((row) => [row.name, row.rule, row] as const))('%s: %s', async (_, rule, { tamper, alone, roles }) => {
    const found: Record<string, Record<Cache, string>> = {}
    const due: Record<string, Record<Cache, string>> = {}
    for (const role of roles) {
      found[role] = await outcomes(role, tamper)
      const [none, good, spoiled] = CACHES.map((cache) => expected(rule, role, cache, alone))
      due[role] = { none: none ?? '', good: good ?? '', spoiled: spoiled ?? '' }
    }
    expect(found).toEqual(due)
  })

  test('has a line for every role, and no two tamperings of one name', () => {
    expect(new Set(TAMPERINGS.map(({ name }) => name)).size).toBe(TAMPERINGS.length)
    expect(CELLS).toBe(882)
  })
})
