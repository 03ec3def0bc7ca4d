/**
 * Verifies the images of a build, then builds with them and no others: BuildKit by a source policy, the classic builder from a
 * copy of the Dockerfile that has the verified digests.
 */
import { lstat, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { VerifyResult } from '../client/results.js'
import type { TrustClient, VerifyOutcome } from '../client/trust-client.js'
import { type BuildWords, readBuildWords } from '../engine/build-words.js'
import { buildxVersion, POLICY_VARIABLE } from '../engine/builder.js'
import type { ReadWords } from '../engine/docker-words.js'
import type { EngineOptions } from '../engine/engine.js'
import { type TrustError, UsageError } from '../errors.js'
import type { VerifiedImage } from '../formats/build-policy.js'
import type { FindOptions, ImageUse } from '../formats/image-use.js'
import { type FrontendRule, type ImageFile, localNames, placeName, readFileImages, unresolved, verifyAll } from './file-images.js'

/** A build that was typed. */
export interface BuildRequest {
  /** Docker, with its global options. */
  readonly engine: EngineOptions
  /** `build`, `buildx build`, as it is to be run. */
  readonly command: readonly string[]
  /** What follows the command, and what docker makes of it. */
  readonly words: readonly string[]
  readonly read: ReadWords
  readonly standardInput: () => Promise<Uint8Array>
  /** One more image that the build may use. */
  readonly also?: readonly string[]
  /** Images that exist on this machine alone. */
  readonly local?: readonly string[]
  /** Types of remote caches whose layers are accepted, although nothing signs them. */
  readonly remoteCaches?: readonly string[]
  readonly frontend?: FrontendRule
}

/** The builder that docker takes: BuildKit by way of buildx, or the one in the engine. */
export type BuilderKind = { readonly kind: 'buildkit'; readonly buildx: string } | { readonly kind: 'classic' }

/** An image that keeps the build from being run, and where it is named. */
interface BuildFailure {
  /** `Dockerfile:1:6: alpine`; absent when the error says it. */
  readonly where?: string
  readonly error: TrustError
}

/** A build whose images are verified. */
export interface VerifiedBuild {
  readonly request: BuildRequest
  readonly builder: BuilderKind
  readonly words: BuildWords
  readonly file: ImageFile
  readonly options: FindOptions
  readonly verified: readonly VerifiedImage[]
  /** Images that a policy or an option lets pass unverified. */
  readonly unverified: readonly string[]
}

/** What became of the images. Nothing is built when there are failures. */
export type BuildVerdict = { readonly failures: readonly [BuildFailure, ...BuildFailure[]] } | { readonly build: VerifiedBuild }

/**
 * Which builder docker takes. Docker's rule: `DOCKER_BUILDKIT`, else BuildKit if there is buildx.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when BuildKit is asked for and buildx is not there
 */
export async function chooseBuilder(engine: EngineOptions, isAskedForBuildx: boolean): Promise<BuilderKind> {
  const { env } = engine
  const typed = env['DOCKER_BUILDKIT'] === '' ? undefined : env['DOCKER_BUILDKIT']
  if (typed !== undefined && !isAskedForBuildx) {
    if (/^(?:0|f|F|false|False|FALSE)$/.test(typed)) return { kind: 'classic' }
    if (!/^(?:1|t|T|true|True|TRUE)$/.test(typed)) {
      throw invalid(
        'DOCKER_BUILDKIT environment variable expects boolean value',
        'Type one of: DOCKER_BUILDKIT=1, DOCKER_BUILDKIT=0',
      )
    }
  }
  const buildx = await buildxVersion(engine)
  if (buildx !== undefined) return { kind: 'buildkit', buildx }
  if (typed === undefined && !isAskedForBuildx) return { kind: 'classic' }
  throw invalid(
    'BuildKit is asked for, but the buildx component of docker is missing or broken',
    'Install it (Docker packages it as docker-buildx-plugin), or build without BuildKit: DOCKER_BUILDKIT=0 dct build ...',
  )
}

/**
 * Verifies every image of a build, of all its stages.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the build cannot be judged
 */
export async function verifyBuild(
  client: TrustClient,
  builder: BuilderKind,
  request: BuildRequest,
  tell: (result: VerifyResult) => void,
): Promise<BuildVerdict> {
  const { engine, read, also = [], local = [] } = request
  const words = readBuildWords(request.words, read, engine.env, request.remoteCaches)
  checkSettings(builder, request, words)
  const [platform, otherPlatform] = words.platforms
  const options: FindOptions = {
    format: 'dockerfile',
    buildArgs: words.buildArgs,
    contexts: words.contexts,
    ...(platform === undefined || otherPlatform !== undefined ? {} : { platform }),
  }
  // The classic builder takes `# syntax=` for a comment.
  const frontend = builder.kind === 'classic' ? 'allow' : (request.frontend ?? 'pin')
  const standardInput = async () => dockerfileOnly(await request.standardInput())
  const images = await readFileImages([await dockerfileOf(words)], { ...options, frontend, standardInput })
  const [file] = images.files
  const [broken, ...more] = images.failures
  if (broken !== undefined) return { failures: [{ error: broken }, ...more.map((error) => ({ error }))] }
  if (file === undefined) throw invalid('no Dockerfile was read', 'Name it: -f Dockerfile')

  const isLocal = localNames(local)
  const uses = file.uses.filter(({ reference }) => !isLocal(reference))
  const named = [...words.images, ...also.map((reference) => ({ option: '--also', reference }))]
  const references = [...uses.flatMap(({ reference }) => reference ?? []), ...named.map(({ reference }) => reference)]
  const outcomes = await verifyAll(client, references)
  for (const outcome of outcomes.values()) if ('result' in outcome) tell(outcome.result)
  const [first, ...others] = [
    ...file.problems.map(({ place, reason }) => ({ error: unresolved(reason, placeName(file.path, place)) })),
    ...uses.flatMap((use) => failureOf(file.path, use, outcomes)),
    ...named.flatMap(({ option, reference }) => failed(`${option} ${reference}`, outcomes.get(reference))),
  ]
  if (first !== undefined) return { failures: [first, ...others] }
  const results = [...outcomes.values()].flatMap((outcome) => ('result' in outcome ? [outcome] : []))
  const verified = results.flatMap(({ reference, result }) => {
    const isVerified = result.status === 'trusted' || result.status === 'trusted-digest'
    return isVerified ? [{ reference, digest: result.digest }] : []
  })
  const passed = results.filter(({ result }) => result.status !== 'trusted' && result.status !== 'trusted-digest')
  const unverified = [
    ...passed.map(({ reference }) => reference),
    ...local,
    ...(builder.kind === 'classic' ? [] : file.frontends),
  ]
  return { build: { request, builder, words, file: { ...file, uses }, options, verified, unverified } }
}

/** What cannot be kept together with a verification. */
function checkSettings(builder: BuilderKind, { engine, local = [] }: BuildRequest, { contexts }: BuildWords): void {
  const { env } = engine
  if ((env['EXPERIMENTAL_BUILDKIT_SOURCE_POLICY'] ?? '') !== '') {
    throw invalid(
      `${POLICY_VARIABLE} is set already, and docker takes one policy`,
      `Unset it: env -u ${POLICY_VARIABLE} dct build ... Or make a policy of both: dct build-policy --out policy.json`,
    )
  }
  if (builder.kind === 'classic' && contexts.size > 0)
    throw invalid('--build-context needs BuildKit', 'Install buildx: docker buildx version shows whether it is there.')
  if (builder.kind === 'classic' && local.length > 0) {
    throw invalid(
      '--allow-local needs BuildKit: the classic builder would pull an image that is not on this machine',
      'Install buildx: docker buildx version shows whether it is there.',
    )
  }
}

/** The path of the Dockerfile, links followed as docker does; `-` for standard input. */
async function dockerfileOf({ context, file }: BuildWords): Promise<string> {
  if (context === '-') return '-'
  const isFolder = await stat(context).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isFolder) {
    const isRemote = /^(?:[a-z][a-z0-9+.-]*:\/\/|[^/]*@|github\.com\/)/i.test(context)
    throw invalid(
      isRemote
        ? `docker would fetch the context ${context}, so that its Dockerfile cannot be verified before`
        : `unable to prepare context: path ${JSON.stringify(context)} not found`,
      isRemote ? 'Fetch it first, for example with git clone, then build the folder.' : 'Name a folder that exists: dct build .',
    )
  }
  if (file === '-') return '-'
  // BuildKit and docker take the name in lower case when the usual one is not there.
  const candidates = file === undefined ? [join(context, 'Dockerfile'), join(context, 'dockerfile')] : [file]
  for (const path of candidates) {
    const found = await lstat(path).catch(() => undefined)
    // A link is named by the file that it leads to, since links are not read.
    if (found !== undefined) return found.isSymbolicLink() ? realpath(path).catch(() => path) : path
  }
  return candidates[0] ?? ''
}

/** docker takes an archive on standard input too. No text has a zero byte, and every archive has. */
function dockerfileOnly(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0)) return bytes
  throw invalid(
    'standard input is no Dockerfile, and the images of an archive are not verified',
    'Unpack it, then build the folder: dct build FOLDER',
  )
}

function failureOf(path: string, use: ImageUse, outcomes: ReadonlyMap<string, VerifyOutcome>): readonly BuildFailure[] {
  const { place, written, reference, reason = '' } = use
  const where = placeName(path, place)
  if (reference === undefined) return [{ where: `${where}: ${written}`, error: unresolved(reason, where) }]
  return failed(`${where}: ${written}`, outcomes.get(reference))
}

function failed(where: string, outcome: VerifyOutcome | undefined): readonly BuildFailure[] {
  return outcome !== undefined && 'error' in outcome ? [{ where, error: outcome.error }] : []
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint })
}
