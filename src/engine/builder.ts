/** Which builder `docker build` uses, and whether it obeys a source policy. */
import { UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import { capture } from './capture.js'
import type { EngineOptions } from './engine.js'
import { withPrivateFile } from './private-file.js'

/** buildx reads the policy from the file that this variable names (docker/buildx 0.11 and newer). */
export const POLICY_VARIABLE = 'EXPERIMENTAL_BUILDKIT_SOURCE_POLICY'

/** Milliseconds for docker to say something about itself. Stops a plugin or an engine that never answers. */
const ANSWER_PATIENCE = 20_000

/** Milliseconds for the build that must be denied. It fetches nothing; a builder in a container may have to start first. */
const PROOF_PATIENCE = 120_000

/** A builder to be proved. */
export interface Builder {
  readonly engine: EngineOptions
  /** `build`, `buildx build`, as typed. */
  readonly command: readonly string[]
  /** The value of `--builder`; empty: the current builder. */
  readonly name?: string
  readonly platform?: string
}

/** The version of buildx that docker has; undefined when it has none that works. */
export async function buildxVersion(engine: EngineOptions): Promise<string | undefined> {
  const { status, stdout } = await capture(engine, ['buildx', 'version'], { patience: ANSWER_PATIENCE })
  return status === 0 ? stdout.trim() : undefined
}

/** Lines of `buildx inspect` that change while the builder stays the same. */
const CHANGING = /^(?:Last Activity|Status):/

/**
 * What tells this builder from others: all that docker says of it, so that one made anew under the same name, of another image, is
 * another. Undefined when docker does not say which version of BuildKit every node has: a builder that has not started yet. Undefined
 * for an empty name too.
 */
export async function builderIdentity({ engine, command, name }: Builder): Promise<string | undefined> {
  if (name === '') return undefined
  const chosen = name ?? engine.env['BUILDX_BUILDER']
  // `docker build` takes the builder of the context, `docker buildx build` the current one.
  const usual = command[0] === 'buildx' || (chosen ?? '') !== '' ? [] : ['context', 'show']
  const context = usual.length === 0 ? undefined : await capture(engine, usual, { patience: ANSWER_PATIENCE })
  if (context !== undefined && context.status !== 0) return undefined
  const named = [chosen ?? context?.stdout.trim() ?? ''].filter((one) => one !== '')
  const { status, stdout } = await capture(engine, ['buildx', 'inspect', ...named], { patience: ANSWER_PATIENCE })
  const lines = stdout.split('\n').map((line) => line.trim().replace(/\s+/g, ' '))
  // buildx prints options and files of a builder in another order each time.
  const facts = lines.filter((line) => !CHANGING.test(line)).map((line) => line.split(' ').toSorted().join(' '))
  const count = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length
  const nodes = count(/^Endpoint:/)
  return status === 0 && nodes > 0 && count(/^(?:BuildKit version|Buildkit): ./) === nodes
    ? facts.toSorted().join('\n')
    : undefined
}

/**
 * Proves that the builder obeys a policy: a build that must be denied. The policy turns the image of a Dockerfile into another,
 * whose name is only in the policy, and denies that. Only a builder that evaluated the policy can name it. Nothing is fetched;
 * the names are in `.invalid`, which leads nowhere (RFC 2606).
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the build was not denied as it must be
 */
export async function proveBuilder(builder: Builder): Promise<void> {
  const { engine, command, name, platform } = builder
  const [asked, denied] = [randomName(), randomName()]
  const options = [
    ...(name === undefined ? [] : [`--builder=${name}`]),
    ...(platform === undefined ? [] : [`--platform=${platform}`]),
    '--no-cache',
    '--progress=plain',
  ]
  let printed = ''
  const status = await withPrivateFile('policy.json', proofPolicy(asked, denied), async (path, stopped) => {
    const own = {
      ...engine,
      env: { ...engine.env, [POLICY_VARIABLE]: path },
      signal: AbortSignal.any([engine.signal, stopped]),
    }
    const ran = await capture(own, [...command, ...options, '-'], { patience: PROOF_PATIENCE, input: `FROM ${asked}\n` })
    printed = `${ran.stdout}\n${ran.stderr}`
    return ran.status
  })
  if (status !== 0 && printed.split('\n').some((line) => line.includes(denied) && line.includes('denied by policy'))) return
  const line = ['docker', ...command].join(' ')
  throw new UsageError(
    'ERR_SETTINGS_INVALID',
    `the builder of ${line} does not obey source policies, so that it could use any image`,
    {
      hint: `Nothing was built. Source policies need BuildKit and buildx 0.11 or newer: look at docker buildx version and docker buildx inspect${name === undefined || name === '' ? '' : ` ${shellWord(name)}`}. Or build without BuildKit, from a Dockerfile with verified digests: DOCKER_BUILDKIT=0 dct build ...`,
      evidence: { printed: printed.trim().slice(-500) },
    },
  )
}

function randomName(): string {
  return `dct.invalid/proof-${crypto.randomUUID()}:1`
}

function proofPolicy(asked: string, denied: string): string {
  const image = (name: string) => `docker-image://${name}`
  const exact = (name: string) => ({ identifier: image(name), match_type: 'EXACT' })
  return JSON.stringify({
    version: 1,
    rules: [
      { action: 'CONVERT', selector: exact(asked), updates: { identifier: image(denied) } },
      { action: 'DENY', selector: exact(denied) },
    ],
  })
}
