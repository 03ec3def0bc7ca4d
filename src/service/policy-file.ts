/** The policy of the service: read from a file, read again when it changes, and what cannot be applied yet is refused. */
import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { TrustClientOptions, TrustPinningOption } from '../client/settings/options.js'
import { readJsonDocument } from '../document/json-document.js'
import { describeCause, UsageError } from '../errors.js'
import { PolicyIndex } from '../policy/decide.js'
import type { Decision } from '../policy/decision.js'
import { MAX_POLICY_BYTES, newPolicyFaults, parsePolicy, policyFormat } from '../policy/parse-policy.js'
import type { Policy, PolicyPinning, Terms } from '../policy/policy.js'
import { checkSigners } from '../policy/signers.js'
import type { ImageReference } from '../reference/reference.js'
import { shellWord } from '../shell-word.js'
import type { Rules, Ruling } from './ruling.js'

/** A policy that is in use. */
export interface PolicyFile {
  readonly rules: Rules
  /** Reads the file again. @throws UsageError ERR_SETTINGS_INVALID; the old policy then stays in use */
  reload(): Promise<void>
}

/** Reads a policy. @throws UsageError ERR_SETTINGS_INVALID */
export async function openPolicyFile(file: string, client: Pick<TrustClientOptions, 'pinning'>): Promise<PolicyFile> {
  let index = await readIndex(file, client)
  return {
    rules: (reference) => rulingOf(decide(index, reference), file, client),
    reload: async () => {
      index = await readIndex(file, client)
    },
  }
}

async function readIndex(file: string, client: Pick<TrustClientOptions, 'pinning'>): Promise<PolicyIndex> {
  const faults = newPolicyFaults(file)
  const bytes = await readBytes(file)
  const read = policyFormat(file) === 'json' ? readJsonDocument : (await import('../document/yaml-document.js')).readYamlDocument
  const policy = parsePolicy(read(bytes, MAX_POLICY_BYTES, faults), faults)
  checkApplicable(policy, file, client)
  return new PolicyIndex(policy)
}

/** A rule that would be ignored in part fails open, so the service does not start with it. */
function checkApplicable(policy: Policy, file: string, client: Pick<TrustClientOptions, 'pinning'>): void {
  const refused = (what: string, hint: string): UsageError => new UsageError('ERR_SETTINGS_INVALID', `${file}: ${what}`, { hint })
  if (policy.default === undefined) {
    const hint = 'Say what counts for images that no rule matches: default: { action: enforce }, or deny.'
    throw refused('the service needs a policy with a default', hint)
  }
  if (policy.mirrors.length > 0)
    throw refused('dct serve does not apply mirrors yet', 'Write rules for the names that are signed.')
  if (!policy.knownRegistries)
    throw refused('dct serve does not apply knownRegistries: false yet', 'Leave it out, and name the server in a rule.')
  for (const terms of [policy.default, ...policy.rules]) {
    const what = notApplied(terms, client)
    if (what !== undefined) throw refused(`line ${terms.place.line}: dct serve does not apply ${what} yet`, 'Leave it out.')
  }
}

function notApplied({ maxAge, requireSigners, pinning }: Terms, client: Pick<TrustClientOptions, 'pinning'>): string | undefined {
  if (maxAge !== undefined && maxAge > 0) return 'maxAge'
  if (requireSigners?.of.some(({ keys }) => keys !== undefined) === true) return 'requireSigners with keys'
  return pinning !== undefined && client.pinning !== undefined ? 'pinning beside --pinning' : undefined
}

/** For a digest the strictest of the rules that could apply counts, so that a digest is never a way round the rule of a tag. */
function decide(index: PolicyIndex, { gun, tag, digest }: ImageReference): Decision {
  if (tag !== undefined || digest === undefined) return index.decide({ typed: gun }, tag ?? 'latest')
  const decision = index.decideDigest({ typed: gun })
  return decision.kind === 'uniform' ? decision.decision : decision.otherwise
}

function rulingOf(decision: Decision, file: string, client: Pick<TrustClientOptions, 'pinning'>): Ruling {
  const { match, action, server, firstUse, pinnings, requireSigners, staleFallback } = decision
  const [pinning, ...more] = pinnings
  if (more.length > 0) {
    const hint = 'Write one rule for all spellings of this registry.'
    throw new UsageError('ERR_SETTINGS_INVALID', `${file}: two rules with pinning apply to one image`, { hint })
  }
  const pins: TrustPinningOption = (pinning && pinningOption(pinning, file)) ?? client.pinning ?? {}
  return {
    match,
    action,
    namesServer: server !== undefined,
    options: {
      ...(server === undefined ? {} : { server }),
      ...(staleFallback === undefined ? {} : { staleFallback }),
      pinning: firstUse === 'accept' ? pins : { ...pins, disable_tofu: true },
    },
    checkSigners: ({ gun, tag, digest, signers }) => {
      const statements = signers.map((name) => ({ name, digest, signedBy: [] }))
      checkSigners(requireSigners, { gun, tag, digest }, statements)
    },
  }
}

/** Paths in a policy are relative to the policy file. */
function pinningOption({ certs, ca, disableTofu }: PolicyPinning, file: string): TrustPinningOption {
  const folder = dirname(resolve(file))
  const located = [...ca].map(([prefix, path]) => [prefix, isAbsolute(path) ? path : resolve(folder, path)])
  return { certs: Object.fromEntries(certs), ca: Object.fromEntries(located), ...(disableTofu ? { disable_tofu: true } : {}) }
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new UsageError('ERR_SETTINGS_INVALID', `--policy: cannot read ${file}: ${describeCause(cause)}`, {
      hint: `Look whether it is there and may be read: ls -l ${shellWord(file)}`,
      cause,
    })
  }
}
