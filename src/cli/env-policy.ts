/** What a policy makes of an image, for `dct env`. */
import type { RefreshTerms } from '../client/refresh-terms.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { describeSource } from '../client/settings/setting-source.js'
import { sourceOf } from '../client/settings/setting-sources.js'
import { SETTINGS } from '../client/settings/settings-table.js'
import { TrustError } from '../errors.js'
import type { Decision } from '../policy/decision.js'
import type { Mirror } from '../policy/mirrors.js'
import type { ImageReference } from '../reference/reference.js'
import { shellWord } from '../shell-word.js'
import type { Io } from './io.js'

/** The policy of this run. */
export interface PolicyView {
  /** Undefined without a policy, and with one that is unusable. */
  readonly terms?: RefreshTerms
  readonly mirrors: readonly Mirror[]
  /** Value and reason, for people. @throws TrustError when the policy is unusable */
  readonly describe: () => { readonly value: string; readonly why: string }
}

export async function viewPolicy(options: TrustClientOptions, { env }: Io, reference: ImageReference): Promise<PolicyView> {
  const found = sourceOf('policy', options, env)
  const source = describeSource(found, 'command')
  try {
    const { readPolicySettings } = await import('../client/settings/policy-settings.js')
    const policy = await readPolicySettings(options, env)
    if (policy?.index === undefined) return { mirrors: [], describe: () => ({ value: 'none', why: source }) }
    const { mirrors } = policy.index.policy
    const { UnderPolicy } = await import('../client/under-policy.js')
    const { digestReferences, staleFallback, maxAge } = SETTINGS
    const defaults = {
      digestReferences: digestReferences.default,
      staleFallback: staleFallback.default,
      maxAge: maxAge.default,
    }
    const { frozen = SETTINGS.frozen.default, firstUse = SETTINGS.firstUse.default } = options
    const rules = new UnderPolicy(policy, { ...defaults, frozen, firstUse, mirrors, given: options, signal: undefined })
    const { decision, isByTag } = rules.preview(reference)
    const value = isByTag ? 'the rules of the tags that carry the digest' : ruleText(decision)
    const named = found.kind === 'option' ? `--policy ${shellWord(policy.file)} ` : ''
    const explain = `dct policy explain ${named}${shellWord(reference.reference)}`
    return {
      terms: decision.terms,
      mirrors,
      describe: () => ({ value, why: `${policy.file}, named by ${source}; all of it: ${explain}` }),
    }
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    return {
      mirrors: [],
      describe: () => {
        throw error
      },
    }
  }
}

function ruleText({ match, action }: Decision): string {
  if (match === 'none') return `no rule, action ${action}`
  return match === 'default' ? `the default, action ${action}` : `rule ${match}, action ${action}`
}
