/**
 * What the words of `docker build` say about files and images. BuildKit refuses images that a policy does not name; what is
 * refused here is what no policy reaches: image layouts in folders, remote caches.
 */
import { buildCacheType } from '../build-cache.js'
import { UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import type { ReadWords } from './docker-words.js'

/** An image that an option names, not a Dockerfile. */
interface OptionImage {
  /** As typed: `--sbom`. */
  readonly option: string
  readonly reference: string
}

/** A build, as its words describe it. */
export interface BuildWords {
  /** As typed; `-` is standard input. */
  readonly context: string
  /** The value of `--file`; `-` is standard input. */
  readonly file?: string
  readonly buildArgs: ReadonlyMap<string, string>
  /** Names of `--build-context`: they are no images. */
  readonly contexts: ReadonlySet<string>
  readonly images: readonly OptionImage[]
  readonly platforms: readonly string[]
  /** The value of `--builder`; empty: the current builder. */
  readonly builder?: string
}

/** The scanner of `--sbom` when none is named: docker/buildx util/buildflags, moby/buildkit frontend/attestations. */
const SBOM_SCANNER = 'docker/buildkit-syft-scanner:stable-1'

/** Options that give the build to another program: what was proved of the builder says nothing about that. */
const ELSEWHERE = ['detach', 'root', 'server-config']

/** The option that says where the Dockerfile is. */
export const FILE_OPTION = 'file'

/**
 * Reads the words of a build. `env` gives the values of `--build-arg NAME`; `remoteCaches` are types of `--cache-from` that are accepted.
 *
 * @throws UsageError ERR_SETTINGS_INVALID for what would bring unverified images into the build
 */
export function readBuildWords(
  words: readonly string[],
  { options, operands }: ReadWords,
  env: Readonly<Record<string, string | undefined>>,
  remoteCaches: readonly string[] = [],
): BuildWords {
  const values = (name: string) => options.flatMap((option) => (option.name === name ? [option.value ?? ''] : []))
  const [context, ...more] = operands.map((at) => words[at] ?? '')
  if (context === undefined || more.length > 0) {
    throw refused('a build takes one context: a folder, or "-"', 'For example: dct build -t NAME .')
  }
  for (const cache of values('cache-from')) checkCache(cache, remoteCaches)
  const elsewhere = options.find(({ name }) => ELSEWHERE.includes(name))
  if (elsewhere !== undefined)
    throw refused(`--${elsewhere.name} builds in another program than the one that was proved`, 'Leave it out.')
  const policy = options.find(({ name }) => name === 'policy')
  if (policy !== undefined) {
    throw refused('--policy gives buildx another policy than the one that dct writes', 'Leave it out, or build without dct.', {
      asked: '--policy',
    })
  }
  const file = values(FILE_OPTION).at(-1)
  if (file === '-' && context === '-') {
    throw refused('standard input cannot be both the Dockerfile and the context', 'Name the folder of the context: -f - FOLDER')
  }
  const builder = values('builder').at(-1)
  const platforms = values('platform').length === 0 ? [env['DOCKER_DEFAULT_PLATFORM'] ?? ''] : values('platform')
  const buildArgs = readBuildArgs(values('build-arg'), env)
  const syntax = buildArgs.get('BUILDKIT_SYNTAX')
  const contexts = values('build-context').map(readContext)
  return {
    context,
    ...(file === undefined || file === '' ? {} : { file }),
    buildArgs,
    contexts: new Set(contexts.map(({ name }) => name)),
    images: [
      ...contexts.flatMap(({ image }) => (image === undefined ? [] : [{ option: '--build-context', reference: image }])),
      ...(syntax === undefined || syntax === '' ? [] : [{ option: '--build-arg BUILDKIT_SYNTAX', reference: syntax }]),
      ...values('sbom').flatMap((value) => scanner(`type=sbom,${/^[^=,]*$/.test(value) ? `disabled=${isOff(value)}` : value}`)),
      ...values('attest').flatMap(scanner),
    ],
    platforms: platforms.flatMap((list) => list.split(',').filter((one) => one !== '')),
    ...(builder === undefined ? {} : { builder }),
  }
}

function readBuildArgs(typed: readonly string[], env: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> {
  const args = new Map<string, string>()
  for (const one of typed) {
    const at = one.indexOf('=')
    const name = at < 0 ? one : one.slice(0, at)
    const value = at < 0 ? env[name] : one.slice(at + 1)
    // docker leaves out a name that the environment does not have.
    if (value !== undefined) args.set(name, value)
  }
  return args
}

/** `NAME=SOURCE`. A folder and a repository hold files; an image is verified; an image layout cannot be. */
function readContext(typed: string): { readonly name: string; readonly image?: string } {
  const at = typed.indexOf('=')
  const [name, source] = [typed.slice(0, at), typed.slice(at + 1)]
  if (at <= 0 || source === '') throw refused(`--build-context takes NAME=SOURCE, got ${JSON.stringify(typed)}`, 'Write it so.')
  const image = /^docker-image:\/\/(.+)$/.exec(source)?.[1]
  if (image !== undefined) return { name, image }
  if (source.startsWith('docker-image:') || source.startsWith('oci-layout:')) {
    throw refused(
      `--build-context ${typed}: an image in a folder has no signed tag that could be verified`,
      `Push the image to a registry, sign its tag, and name it: --build-context ${name}=docker-image://IMAGE`,
    )
  }
  return { name }
}

/**
 * A remote cache brings layers into the build that nothing vouches for, those of base images included. Files of this machine are the
 * user's, as the context is.
 */
function checkCache(typed: string, accepted: readonly string[]): void {
  if (typed === '') return
  const type = buildCacheType(typed)
  if (type === 'local' || (type !== undefined && accepted.includes(type))) return
  const folder = 'keep the cache in a folder: --cache-from type=local,src=FOLDER'
  throw refused(
    `--cache-from ${typed}: layers of a remote cache are not signed, and no policy of BuildKit reaches them`,
    type === undefined
      ? `Leave it out, or ${folder}`
      : `Leave it out, or ${folder}. To accept what is in it: dct build --allow-unsigned-cache ${shellWord(type)} -- ...`,
  )
}

/** The image of `--attest type=sbom`. */
function scanner(typed: string): readonly OptionImage[] {
  if (/["\r\n]/.test(typed)) {
    throw refused(`--attest ${typed}: quotes and line ends are not understood here`, 'Write type=sbom,generator=IMAGE.')
  }
  const fields = new Map(
    typed.split(',').map((field) => {
      const at = field.indexOf('=')
      return at < 0 ? [field.trim().toLowerCase(), ''] : [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1).trim()]
    }),
  )
  if (fields.get('type') !== 'sbom' || !isOff(fields.get('disabled') ?? 'false')) return []
  return [{ option: '--sbom', reference: fields.get('generator') ?? SBOM_SCANNER }]
}

/** A value that Go reads as false. */
function isOff(value: string): boolean {
  return /^(?:0|f|F|false|False|FALSE)$/.test(value)
}

function refused(message: string, hint: string, evidence: Readonly<Record<string, string>> = {}): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint, evidence })
}
