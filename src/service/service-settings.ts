/**
 * The settings of the service: those of a client, made stricter where one that answers for others must be.
 *
 * Invariants: the policy says what counts for every image. First use is refused unless a rule accepts it. No request chooses a host:
 * the trust server is one that the configuration names.
 */
import { dirname, resolve } from 'node:path'
import { type Environment, ownEnvironment } from '../client/settings/environment.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { givenPolicy, type PolicySettings } from '../client/settings/policy-settings.js'
import type { Choice } from '../client/settings/setting-source.js'
import { chooseLockfile } from '../client/settings/setting-sources.js'
import { readSettings, type Settings } from '../client/settings/settings.js'
import { UsageError } from '../errors.js'
import { PolicyIndex } from '../policy/decide.js'
import type { Policy, Terms } from '../policy/policy.js'
import type { TrustServer } from '../trust-server/notary-url.js'

/** Reads policy, lock, pins and all other settings. `registries`: also their own addresses may be asked for trust data. @throws UsageError ERR_SETTINGS_INVALID */
export async function readServiceSettings(options: TrustClientOptions, registries: ReadonlySet<string>): Promise<Settings> {
  const settings = await readSettings(options, 'command')
  const serverFor: Settings['serverFor'] = (registry, policy) => named(settings.serverFor(registry, policy), registries)
  return Object.freeze({ ...settings, serverFor, policy: strictPolicy(settings.policy) })
}

/** The files that are read again when they change: policy and lock, and with the settings that were read from them, the CA files of pins. */
export function watchedFiles(options: TrustClientOptions, settings?: Settings): string[] {
  const env: Environment = ownEnvironment(options.env)
  const policy = givenPolicy(options, env)
  const { rules = [], default: otherwise } = settings?.policy?.index?.policy ?? {}
  const folder = typeof policy === 'string' ? dirname(policy) : '.'
  const ofRules = [...rules, otherwise].flatMap((terms) => [...(terms?.pinning?.ca.values() ?? [])])
  const ofOption = Object.values(settings === undefined ? {} : (options.pinning?.ca ?? {})).map((path) => resolve(path))
  const named = [policy, chooseLockfile(options, env).value, ...ofRules.map((path) => resolve(folder, path)), ...ofOption]
  return named.filter((file) => typeof file === 'string')
}

/** Nothing that a client of this service sends may choose a host that the service contacts. @throws UsageError ERR_SETTINGS_INVALID */
function named(choice: Choice<TrustServer>, registries: ReadonlySet<string>): Choice<TrustServer> {
  const { source } = choice
  if (source.kind !== 'registry-address' || registries.has(source.registry)) return choice
  const { registry } = source
  throw new UsageError('ERR_SETTINGS_INVALID', `the configuration of this service names no trust server for ${registry}`, {
    hint: `Start the service with --server, with a rule that has a server, or with --registry ${registry}`,
  })
}

function strictPolicy(settings: PolicySettings | undefined): PolicySettings {
  const policy = settings?.index?.policy
  if (settings === undefined || policy === undefined)
    throw new UsageError('ERR_SETTINGS_INVALID', 'dct serve needs --policy FILE', {
      hint: 'The policy says which images are let through; it must have a default.',
    })
  return { ...settings, index: new PolicyIndex(withoutFirstUse(policy, settings.file)) }
}

/** Terms without a word on first use refuse it. */
function withoutFirstUse(policy: Policy, file: string): Policy {
  const { default: otherwise, rules } = policy
  if (otherwise === undefined)
    throw new UsageError('ERR_SETTINGS_INVALID', `${file}: the service needs a policy with a default`, {
      hint: 'Say what counts for images that no rule matches: default: { action: enforce }, or deny.',
    })
  const strict = <T extends Terms>(terms: T): T => ({ ...terms, firstUse: terms.firstUse ?? 'refuse' })
  return { ...policy, default: strict(otherwise), rules: rules.map(strict) }
}
