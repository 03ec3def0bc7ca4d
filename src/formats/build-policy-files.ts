/** The forms in which a build policy is written. Named contexts only replace images; they refuse nothing. */
import { parseReference } from '../reference/reference.js'
import { buildPolicy, fullName, type PolicyImage, type PolicyOptions, type VerifiedImage, verifiedSet } from './build-policy.js'

/**
 * `source-policy` for `EXPERIMENTAL_BUILDKIT_SOURCE_POLICY`; `build-contexts` one argument of `docker buildx build` a line;
 * `bake` and `compose` files to be given beside the own ones; `rego` for `--policy` of buildx 0.31 and newer.
 */
export type PolicyFormat = 'source-policy' | 'build-contexts' | 'bake' | 'compose' | 'rego'

/** What a form needs to know besides the images. */
export interface PolicyFileOptions extends PolicyOptions {
  /** Targets of the bake file or services of the Compose file; `default` when none are given. */
  readonly targets?: readonly string[]
}

/** A file of a policy. */
export interface PolicyFile {
  readonly name: string
  readonly text: string
}

const REGO = `# Allows images with the digests of dct-trust.json and no others. Everything that is no image is allowed.
package docker

default allow := false

trust := load_json("dct-trust.json")

key := sprintf("%s/%s:%s", [input.image.host, input.image.repo, input.image.tag])

allow if not input.image

allow if input.image.checksum == trust.tags[key]

allow if input.image.checksum in trust.digests[sprintf("%s/%s", [input.image.host, input.image.repo])]

allow if {
	not input.image.isCanonical
	pin_image(input.image, trust.tags[key])
}

deny_msg contains sprintf("%s has no trusted digest", [input.image.ref]) if {
	input.image
	not allow
}

decision := {"allow": allow, "deny_msg": [message | some message in deny_msg]}
`

/**
 * Writes a policy. The files are the same to the last byte for the same images, in whatever order they come.
 *
 * @throws UsageError as `buildPolicy`
 */
export function buildPolicyFiles(
  images: readonly VerifiedImage[],
  format: PolicyFormat,
  options: PolicyFileOptions = {},
): readonly PolicyFile[] {
  const verified = verifiedSet(images)
  const targets = options.targets ?? ['default']
  switch (format) {
    case 'source-policy':
      return [{ name: 'source-policy.json', text: json(buildPolicy(images, options)) }]
    case 'build-contexts':
      return [
        {
          name: 'build-contexts.txt',
          text: contexts(images)
            .map(([name, image]) => `--build-context=${name}=${image}\n`)
            .join(''),
        },
      ]
    case 'bake': {
      const target = { contexts: Object.fromEntries(contexts(images)) }
      return [{ name: 'dct-bake.json', text: json({ target: Object.fromEntries(targets.map((name) => [name, target])) }) }]
    }
    case 'compose': {
      const service = { build: { additional_contexts: Object.fromEntries(contexts(images)) } }
      return [{ name: 'dct-compose.json', text: json({ services: Object.fromEntries(targets.map((name) => [name, service])) }) }]
    }
    case 'rego':
      return [
        { name: 'dct.rego', text: REGO },
        { name: 'dct-trust.json', text: json(trustData(verified)) },
      ]
  }
}

/**
 * Name and replacement of each image that has no digest of its own. The name is the text behind FROM: two spellings of one
 * image are two names.
 */
function contexts(images: readonly VerifiedImage[]): readonly (readonly [string, string])[] {
  const byName = new Map<string, string>()
  for (const { reference, digest } of images) {
    const parsed = parseReference(reference)
    if (parsed.digest === undefined) byName.set(reference, `docker-image://${fullName(parsed)}@${digest}`)
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1))
}

function trustData(verified: readonly PolicyImage[]): unknown {
  const digests = new Map<string, string[]>()
  for (const { gun, verified: digest } of verified) digests.set(gun, [...new Set([...(digests.get(gun) ?? []), digest])].sort())
  const tags = verified.flatMap((image) => (image.tag === undefined ? [] : [[fullName(image), image.verified] as const]))
  return { digests: Object.fromEntries(digests), tags: Object.fromEntries(tags) }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
