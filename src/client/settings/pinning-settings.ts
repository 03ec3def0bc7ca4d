/** Notary's `trust_pinning` object -> pins. Source: notary 0.7.0 trustpinning/trustpin.go and cmd/notary/util.go. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pemCertificates } from '../../crypto/certificate.js'
import { readPinnedKey } from '../../crypto/pinned-key.js'
import { describeCause, UsageError } from '../../errors.js'
import { shellWord } from '../../shell-word.js'
import type { TrustPinning } from '../../trust/pinning.js'
import { checkNames, membersOf } from './plain-object.js'

const KEY_ID_HINT =
  'Ask the publisher for the ID of the root key, as docker trust inspect --pretty shows it: { certs: { "registry.example/team/app": ["<64 hexadecimal digits>"] } }'
const CA_HINT = 'For example: { ca: { "registry.example/team/": "/etc/team-ca.pem" } }'
const FIELDS: readonly string[] = ['certs', 'ca', 'disable_tofu']

/** @throws UsageError ERR_SETTINGS_INVALID: an unknown field, an empty list, a text that is neither ID nor PEM of a key, a CA file that cannot be read */
export async function readPinning(option: unknown): Promise<TrustPinning> {
  const fields = membersOf(option, 'trust pinning: pinning')
  checkNames(fields.keys(), FIELDS, 'a field of trust_pinning')
  const disableTofu = fields.get('disable_tofu')
  if (disableTofu !== undefined && typeof disableTofu !== 'boolean')
    throw invalid('disable_tofu must be true or false', 'Write "disable_tofu": true, or leave it out.')
  const pins = [...members(fields, 'certs')].map(([rule, ids]) => [rule, keyIds(rule, ids)] as const)
  const files = [...members(fields, 'ca')].map(async ([prefix, path]) => [prefix, await readCa(prefix, path)] as const)
  return { certs: new Map(pins), ca: new Map(await Promise.all(files)), disableTofu: disableTofu ?? false }
}

function keyIds(rule: string, ids: unknown): string[] {
  // Refused, because Notary ignores an empty list under a prefix and falls back to first use.
  if (!Array.isArray(ids) || ids.length === 0)
    throw invalid(`certs of ${JSON.stringify(rule)} must be a list of at least one key ID`, KEY_ID_HINT)
  return ids.map((text) => {
    const pinned = typeof text === 'string' ? readPinnedKey(text) : { problem: 'not a text' }
    if (typeof pinned === 'string') return pinned
    throw invalid(
      `certs of ${JSON.stringify(rule)}: a root key is pinned by its ID, which has 64 hexadecimal digits, or by PEM of its public key or certificate; this is ${pinned.problem}`,
      KEY_ID_HINT,
    )
  })
}

async function readCa(prefix: string, path: unknown): Promise<Uint8Array[]> {
  if (typeof path !== 'string' || path === '')
    throw invalid(`ca of ${JSON.stringify(prefix)} must be the path of a PEM file`, CA_HINT)
  try {
    const certificates = pemCertificates(new Uint8Array(await readFile(resolve(path))))
    if (certificates !== undefined) return certificates
  } catch (cause) {
    throw invalid(
      `could not load root cert from CA path ${path}: ${describeCause(cause)}`,
      `Look whether it is there and may be read: ls -l ${shellWord(path)}`,
      cause,
    )
  }
  throw invalid(
    `could not load root cert from CA path ${path}: it holds no PEM certificate`,
    `See what it is: head -n 1 ${shellWord(path)}`,
  )
}

function members(fields: ReadonlyMap<string, unknown>, name: 'certs' | 'ca'): ReadonlyMap<string, unknown> {
  return membersOf(fields.get(name) ?? {}, `trust pinning: ${name}`)
}

function invalid(problem: string, hint: string, cause?: unknown): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `trust pinning: ${problem}`, { hint, cause })
}
