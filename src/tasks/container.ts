/**
 * Makes the image of a container ready: verified, and there under its digest. In docker's words and order (docker/cli 28
 * cli/command/container/create.go).
 */
import type { TrustClient } from '../client/trust-client.js'
import { type EngineOptions, runEngine, succeeds } from '../engine/engine.js'
import { UsageError } from '../errors.js'
import { type ImageReference, parseReference } from '../reference/reference.js'
import { digestToPull, type PullLines, unverifiedText } from './pull.js'

/** Where lines go: all of them to standard error, since standard output is the container's. */
export type ContainerLines = Pick<PullLines, 'err' | 'warn' | 'terminal'>

/** When and how the image is pulled. */
export interface ContainerRequest {
  /** docker's `--pull`: missing, always or never. */
  readonly when: string
  /** As docker's -q: the engine's progress is not shown. */
  readonly quiet: boolean
  readonly platform?: string
  readonly engine: EngineOptions
}

/** A verified image. */
export interface VerifiedImage {
  readonly reference: ImageReference
  /** `alpine@sha256:...` */
  readonly canonical: string
  readonly digest: string
}

/**
 * Undefined for an image that a policy lets pass without a verification; a line says so.
 *
 * @throws TrustError of any kind
 */
export async function verifyImage(
  client: TrustClient,
  image: string,
  { warn }: ContainerLines,
): Promise<VerifiedImage | undefined> {
  const reference = parseReference(image)
  const result = await client.verifyTag(image)
  if (result.status === 'permitted' || result.status === 'skipped') {
    warn({ message: unverifiedText(result, 'used') })
    return undefined
  }
  const digest = digestToPull(result, { warn })
  return { reference, digest, canonical: `${reference.familiarName}@${digest}` }
}

/**
 * Verifies images that are mounted into a container. docker takes them as they are written, so a verified one must have its digest.
 *
 * @throws TrustError of any kind
 */
export async function verifyMounts(client: TrustClient, images: readonly string[], lines: ContainerLines): Promise<void> {
  for (const image of images) {
    const verified = await verifyImage(client, image, lines)
    if (verified === undefined || verified.reference.digest !== undefined) continue
    throw new UsageError('ERR_SETTINGS_INVALID', `--mount: ${image} is signed, but docker would take what its tag is now`, {
      hint: `Write its digest: --mount type=image,source=${verified.canonical},target=...`,
    })
  }
}

/** Pulls and tags the image if it has to be. The exit status: 0, or that of the engine's client. */
export async function prepareImage(image: VerifiedImage, request: ContainerRequest, lines: ContainerLines): Promise<number> {
  const { reference, canonical, digest } = image
  const { when, quiet, platform, engine } = request
  const { gun, tag, familiarName } = reference
  if (when === 'never' || (when !== 'always' && (await succeeds(engine, ['image', 'inspect', canonical])))) return 0
  const shown = reference.digest === undefined ? `${familiarName}:${tag}` : canonical
  if (when !== 'always' && !quiet) lines.err(`Unable to find image '${shown}' locally`)
  const full = `${gun}@${digest}`
  const options = platform === undefined ? [] : [`--platform=${platform}`]
  const show = lines.terminal ? 'to-stderr' : (line: string) => (line === full ? undefined : lines.err(line))
  const pulled = await runEngine(engine, ['pull', ...options, full], quiet ? 'ignore' : show)
  if (pulled !== 0 || reference.digest !== undefined) return pulled
  lines.err(`Tagging ${canonical} as ${familiarName}:${tag}`)
  return runEngine(engine, ['tag', full, `${gun}:${tag}`], 'ignore')
}
