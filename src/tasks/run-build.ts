/** Runs a build whose images are verified. Docker has the terminal from here on. */

import { readDockerConfig } from '../credentials/docker-config.js'
import { FILE_OPTION } from '../engine/build-words.js'
import { type Builder, builderIdentity, POLICY_VARIABLE, proveBuilder } from '../engine/builder.js'
import { capture } from '../engine/capture.js'
import { runEngine, succeeds } from '../engine/engine.js'
import { handOver } from '../engine/hand-over.js'
import { withPrivateFile } from '../engine/private-file.js'
import { UnsignedError, UsageError } from '../errors.js'
import { buildPolicyFiles } from '../formats/build-policy-files.js'
import { pinnedCopy, triggerImages, withDigest } from '../formats/pinned-copy.js'
import { parseReference } from '../reference/reference.js'
import { shellWord } from '../shell-word.js'
import type { VerifiedBuild } from './build.js'
import { isProved, rememberProof } from './builder-proofs.js'

/** What running a build needs besides. */
export interface BuildRun {
  /** Where proofs of builders are remembered. */
  readonly trustDirectory: string | undefined
  /** The folder of docker's config.json. */
  readonly dockerConfig: string | undefined
  /** A line of dct for people. */
  readonly note: (text: string) => void
  /** A line in docker's words. */
  readonly err: (line: string) => void
  /** Called before docker gets the terminal. */
  readonly leaveTerminal: () => void
}

/** docker's option that content trust takes the place of. */
const SWITCH = 'disable-content-trust'

/** Platforms of one build for which the builder is proved. Stops a list that would take hours. */
const MAX_PLATFORMS = 16

/** Milliseconds for the engine to describe an image. */
const PATIENCE = 20_000

/** Builds. The exit status of docker. @throws TrustError when nothing can be built with certainty */
export async function runBuild(build: VerifiedBuild, run: BuildRun): Promise<number> {
  return build.builder.kind === 'buildkit' ? withPolicy(build, build.builder.buildx, run) : fromCopy(build, run)
}

async function withPolicy(build: VerifiedBuild, buildx: string, run: BuildRun): Promise<number> {
  const { request, words, file, verified, unverified } = build
  const { engine, command } = request
  const [policy] = buildPolicyFiles(verified, 'source-policy', { local: unverified, strict: true })
  if (words.platforms.length > MAX_PLATFORMS) throw tooMany(words.platforms)
  for (const platform of words.platforms.length === 0 ? [undefined] : words.platforms) {
    const builder: Builder = {
      engine,
      command,
      ...(words.builder === undefined ? {} : { name: words.builder }),
      ...(platform === undefined ? {} : { platform }),
    }
    await prove(builder, buildx, run)
  }
  run.leaveTerminal()
  const input = readsStandardInput(build) ? file.bytes : undefined
  return withPrivateFile('policy.json', policy?.text ?? '', (path) => {
    const env = { ...engine.env, [POLICY_VARIABLE]: path }
    return handOver({ program: engine.program, env }, [...(engine.globals ?? []), ...command, ...docker(build)], input)
  })
}

/** Once for each builder, version of buildx and platform. */
async function prove(builder: Builder, buildx: string, { trustDirectory, dockerConfig, note }: BuildRun): Promise<void> {
  const { engine, command, platform = '' } = builder
  const identity = (await mayBeAnother(command, dockerConfig)) ? undefined : await builderIdentity(builder)
  const where = [engine.env['DOCKER_HOST'] ?? '', engine.env['DOCKER_CONTEXT'] ?? '', ...(engine.globals ?? [])]
  const facts = [identity ?? '', buildx, engine.program, command.join(' '), platform, ...where]
  if (identity !== undefined && (await isProved(trustDirectory, facts))) return
  await proveBuilder(builder)
  note(`the builder obeys source policies${platform === '' ? '' : ` for ${platform}`}: an image that a policy denies was denied`)
  if (identity !== undefined) await rememberProof(trustDirectory, facts)
}

/**
 * Whether the configuration of docker may give `docker build` to another builder than that of the context: with an alias, the current one
 * or another plugin builds (docker/cli 28 cmd/docker/builder.go).
 */
async function mayBeAnother([first]: readonly string[], dockerConfig: string | undefined): Promise<boolean> {
  if (first === 'buildx') return false
  const { hasBuilderAlias, problems } = await readDockerConfig(dockerConfig)
  return hasBuilderAlias || problems.some(({ key }) => key === undefined)
}

async function fromCopy(build: VerifiedBuild, run: BuildRun): Promise<number> {
  const { request, file, options, verified, unverified } = build
  const { engine } = request
  const digests = new Map(verified.map(({ reference, digest }) => [reference, withDigest(reference, digest)]))
  const passed = new Set(unverified)
  const replacement = (reference: string): string => {
    const text = digests.get(reference) ?? (passed.has(reference) ? reference : undefined)
    if (text === undefined) throw new Error(`no verdict on ${reference}`)
    return text
  }
  const copy = pinnedCopy(file.path, file.text, file.uses, replacement, options)
  run.note(`the classic builder builds from a copy of ${file.path} with the verified digests`)
  const bases = file.uses.filter(({ kind }) => kind === 'from').flatMap(({ reference }) => reference ?? [])
  for (const base of new Set(bases)) {
    const status = await checkTriggers(build, replacement(base))
    if (status !== 0) return status
  }
  const words = build.words.context === '-' ? docker(build) : [`--${FILE_OPTION}=-`, ...docker(build, FILE_OPTION)]
  // Docker up to 28 would verify the copy again.
  const env = { ...engine.env, DOCKER_BUILDKIT: '0', DOCKER_CONTENT_TRUST: '0' }
  run.leaveTerminal()
  // With an alias, `docker builder build` runs BuildKit in spite of DOCKER_BUILDKIT=0; `docker build` does not.
  const status = await handOver({ program: engine.program, env }, [...(engine.globals ?? []), 'build', ...words], copy)
  if (status !== 0) return status
  for (const base of bases) {
    const { tag, digest, familiarName, gun } = parseReference(base)
    const canonical = digests.get(base)
    if (tag === undefined || digest !== undefined || canonical === undefined) continue
    run.err(`Tagging ${canonical} as ${familiarName}:${tag}`)
    const tagged = await runEngine(engine, ['tag', canonical, `${gun}:${tag}`], 'ignore')
    if (tagged !== 0) return tagged
  }
  return 0
}

/** Refuses a base image that would bring another image into the build. The exit status of a pull that failed, else 0. */
async function checkTriggers({ request, words }: VerifiedBuild, image: string): Promise<number> {
  const { engine, read } = request
  if (!(await succeeds(engine, ['image', 'inspect', image]))) {
    const platform = words.platforms.map((one) => `--platform=${one}`)
    const isQuiet = read.options.some(({ name, value = 'true' }) => name === 'quiet' && value === 'true')
    const status = await runEngine(engine, ['pull', ...platform, image], isQuiet ? 'ignore' : 'to-stderr')
    if (status !== 0) return status
  }
  const { status, stdout } = await capture(engine, ['image', 'inspect', '--format', '{{json .Config.OnBuild}}', image], {
    patience: PATIENCE,
  })
  const triggers: unknown = status === 0 ? JSON.parse(stdout) : undefined
  if (triggers === null) return 0
  const [trigger] = Array.isArray(triggers) ? triggerImages(image, triggers.map(String)) : ['that cannot be read']
  if (trigger === undefined) return 0
  throw new UnsignedError(
    'ERR_IMAGE_UNRESOLVED',
    `the base image ${image} runs ONBUILD ${trigger}, whose image the classic builder would use unverified`,
    {
      hint: 'Build with BuildKit, and name the image with --also: it refuses what is not verified. docker buildx version shows whether it is there.',
    },
  )
}

/** The words for docker, without the switch and the options in `dropped`. */
function docker({ request: { words, read } }: VerifiedBuild, ...dropped: readonly string[]): string[] {
  const gone = read.options.filter(({ name }) => name === SWITCH || dropped.includes(name))
  return words.filter((_, index) => !gone.some(({ from, to }) => index >= from && index < to))
}

function readsStandardInput({ words }: VerifiedBuild): boolean {
  return words.context === '-' || words.file === '-'
}

function tooMany(platforms: readonly string[]): UsageError {
  return new UsageError(
    'ERR_SETTINGS_INVALID',
    `${platforms.length} platforms in one build, at most ${MAX_PLATFORMS} are accepted`,
    {
      hint: `Build in several runs: dct build --platform ${shellWord(platforms.slice(0, MAX_PLATFORMS).join(','))} ...`,
    },
  )
}
