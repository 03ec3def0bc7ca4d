/**
 * BuildKit source policies: which images a build may use. The parser of Dockerfiles is not trusted for this: BuildKit itself
 * refuses every image that is not in the policy. moby/buildkit sourcepolicy/engine.go, sourcepolicy/pb/policy.proto.
 */
import { UsageError } from '../errors.js'
import { type ImageReference, parseReference } from '../reference/reference.js'

/** An image and the digest that was verified for it. */
export interface VerifiedImage {
  /** As the Dockerfile has it, variables replaced. */
  readonly reference: string
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string
}

/** What a build may use besides the verified images. */
export interface PolicyOptions {
  /** Frontends (`# syntax=`) that may be used unverified. Those that are verified belong to the images. */
  readonly frontends?: readonly string[]
  /** Images that exist on this machine alone: allowed without a digest. */
  readonly local?: readonly string[]
  /** Refuses `oci-layout://` contexts too. */
  readonly strict?: boolean
}

/** One rule. CONVERT replaces the identifier and starts over; of ALLOW and DENY the last that matches counts. */
interface PolicyRule {
  readonly action: 'ALLOW' | 'DENY' | 'CONVERT'
  readonly selector: { readonly identifier: string; readonly match_type?: 'EXACT' | 'WILDCARD' }
  readonly updates?: { readonly identifier: string }
}

/** The policy as `EXPERIMENTAL_BUILDKIT_SOURCE_POLICY` takes it. */
export interface SourcePolicy {
  readonly version: 1
  readonly rules: readonly PolicyRule[]
}

/** An image of the verified set, parsed. */
export interface PolicyImage extends ImageReference {
  readonly reference: string
  /** What was verified. */
  readonly verified: string
}

const SCHEME = 'docker-image://'
const DIGEST = /^sha256:[0-9a-f]{64}$/

/**
 * The policy that allows the verified images and no others. A tag is converted to its digest; both the spelling with tag and
 * digest and the one with the digest alone are allowed.
 *
 * @throws UsageError ERR_REFERENCE_INVALID; ERR_SETTINGS_INVALID when a tag has two digests or a digest is none
 */
export function buildPolicy(images: readonly VerifiedImage[], options: PolicyOptions = {}): SourcePolicy {
  const verified = verifiedSet(images)
  const denied = ['docker-image://*', ...(options.strict === true ? ['oci-layout://*'] : [])]
  const unverified = [...(options.frontends ?? []), ...(options.local ?? [])]
  const rules: PolicyRule[] = [
    ...denied.map((identifier) => ({ action: 'DENY' as const, selector: { identifier, match_type: 'WILDCARD' as const } })),
    ...unverified.flatMap(allowUnverified),
    ...verified.flatMap(allowVerified),
    ...verified.flatMap(convert),
  ]
  return { version: 1, rules: withoutRepeats(rules) }
}

/**
 * The verified set, parsed, each once, in the order of their names.
 *
 * @throws UsageError as `buildPolicy`
 */
export function verifiedSet(images: readonly VerifiedImage[]): readonly PolicyImage[] {
  const byName = new Map<string, PolicyImage>()
  for (const { reference, digest } of images) {
    const parsed = parseReference(reference)
    if (!DIGEST.test(digest)) throw unusable(`${reference}: not a sha256 digest`)
    if (parsed.digest !== undefined && parsed.digest !== digest)
      throw unusable(`${reference}: verified for another digest than it has`)
    const name = `${parsed.gun}:${parsed.tag ?? ''}`
    const known = byName.get(name)
    if (known !== undefined && parsed.tag !== undefined && known.verified !== digest) throw unusable(`${name} has two digests`)
    byName.set(parsed.tag === undefined ? `${name}@${digest}` : name, { ...parsed, verified: digest })
  }
  return [...byName.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, image]) => image)
}

/** The full name, as BuildKit compares it: registry, path, tag. */
export function fullName({ gun, tag }: ImageReference): string {
  return tag === undefined ? gun : `${gun}:${tag}`
}

function allowVerified({ gun, tag, verified }: PolicyImage): readonly PolicyRule[] {
  const names = tag === undefined ? [gun] : [gun, `${gun}:${tag}`]
  return names.map((name) => ({
    action: 'ALLOW',
    selector: { identifier: `${SCHEME}${name}@${verified}`, match_type: 'EXACT' },
  }))
}

function convert({ gun, tag, verified }: PolicyImage): readonly PolicyRule[] {
  if (tag === undefined) return []
  const identifier = `${SCHEME}${gun}:${tag}`
  return [
    { action: 'CONVERT', selector: { identifier, match_type: 'EXACT' }, updates: { identifier: `${identifier}@${verified}` } },
  ]
}

/** By its tag, and by that tag with whatever digest the builder finds for it. */
function allowUnverified(reference: string): readonly PolicyRule[] {
  const parsed = parseReference(reference)
  const identifier = `${SCHEME}${fullName(parsed)}`
  if (parsed.digest !== undefined) {
    return [{ action: 'ALLOW', selector: { identifier: `${identifier}@${parsed.digest}`, match_type: 'EXACT' } }]
  }
  return [
    { action: 'ALLOW', selector: { identifier, match_type: 'EXACT' } },
    { action: 'ALLOW', selector: { identifier: `${identifier}@sha256:*`, match_type: 'WILDCARD' } },
  ]
}

function withoutRepeats(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()]
}

function unusable(reason: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `the verified images do not make a policy: ${reason}`, {
    hint: 'Verify all images in one run, so that each tag has one digest: dct build-policy -f Dockerfile',
  })
}
