/**
 * BuildKit's source policies, evaluated: our own reading of the documented rules (moby/buildkit sourcepolicy/engine.go,
 * matcher.go), which shares nothing with the code that writes policies.
 */

/** What a policy file says. */
export interface PolicyFile {
  readonly version: number
  readonly rules: readonly {
    readonly action: string
    readonly selector: { readonly identifier: string; readonly match_type?: string }
    readonly updates?: { readonly identifier?: string }
  }[]
}

/** BuildKit gives up after so many conversions of one source. */
const MAX_CONVERSIONS = 20

/** The identifier that is built with, or undefined when the source is denied. */
export function evaluate(policy: PolicyFile, source: string): string | undefined {
  const { identifier, isDenied } = judge(policy, source)
  return isDenied ? undefined : identifier
}

/** What a source becomes, and whether that is denied. */
export function judge(policy: PolicyFile, source: string): { readonly identifier: string; readonly isDenied: boolean } {
  if (policy.version !== 1) throw new Error(`no such version: ${policy.version}`)
  let identifier = normalised(source)
  for (let turn = 0; turn <= MAX_CONVERSIONS; turn++) {
    const outcome = evaluateOnce(policy, identifier)
    if (typeof outcome === 'string') return { identifier, isDenied: outcome === 'deny' }
    identifier = outcome.converted
  }
  throw new Error('too many conversions')
}

function evaluateOnce(policy: PolicyFile, identifier: string): 'allow' | 'deny' | { readonly converted: string } {
  let isDenied = false
  for (const { action, selector, updates } of policy.rules) {
    if (!matches(selector.identifier, selector.match_type ?? 'WILDCARD', identifier)) continue
    if (action === 'DENY') isDenied = true
    else if (action === 'ALLOW') isDenied = false
    else if (action === 'CONVERT') {
      if (updates?.identifier !== undefined && updates.identifier !== identifier) return { converted: updates.identifier }
    } else throw new Error(`no such action: ${action}`)
  }
  return isDenied ? 'deny' : 'allow'
}

function matches(pattern: string, type: string, identifier: string): boolean {
  if (pattern === identifier) return true
  if (type === 'EXACT') return false
  if (type !== 'WILDCARD') throw new Error(`no such match type: ${type}`)
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(identifier)
}

/** The full name of an image, with `:latest` when it has neither tag nor digest. */
function normalised(source: string): string {
  const [, scheme = '', name = ''] = /^([a-z-]+:\/\/)(.*)$/.exec(source) ?? []
  if (scheme !== 'docker-image://') return source
  const [first = '', ...rest] = name.split('/')
  const hasDomain = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase())
  const full = hasDomain ? name : `docker.io/${rest.length === 0 ? 'library/' : ''}${name}`
  const last = full.slice(full.lastIndexOf('/') + 1)
  return /[:@]/.test(last) ? scheme + full : `${scheme}${full}:latest`
}
