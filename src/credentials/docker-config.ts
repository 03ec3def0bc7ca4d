/** Finds credentials as Docker does: `DOCKER_AUTH_CONFIG`, credential helpers, `auths` in `config.json`. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { describeCause, systemCode, TrustError } from '../errors.js'
import type { CredentialSource, Credentials } from './credentials.js'
import {
  configError,
  type DockerConfig,
  type EnvironmentAuths,
  emptyConfig,
  MAX_CONFIG_BYTES,
  parseDockerConfig,
  parseEnvironmentAuths,
} from './docker-auths.js'
import { dockerKey, findByHost, findSimilar, isSameHost } from './registry-keys.js'

/** Where to find credentials. */
export interface DockerCredentialsOptions {
  /** The folder of config.json; undefined when there is none. */
  readonly dockerConfig: string | undefined
  /** For `DOCKER_AUTH_CONFIG`, and for the helpers. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** For tests: milliseconds until a helper is stopped. */
  readonly helperTimeoutMs?: number
}

/** A source that reads `config.json` at the first `get` or `check`. */
export interface DockerCredentials extends Required<CredentialSource> {
  /**
   * Reads `config.json` now.
   *
   * @throws UsageError ERR_SETTINGS_INVALID when it is not a JSON object
   */
  check(): Promise<void>
  /**
   * The places that `get` would search for `docker.io` or `host[:port]`, in order and in words without a secret. The list ends
   * at a place that certainly has credentials. No helper is run.
   *
   * @throws UsageError ERR_SETTINGS_INVALID when config.json is not a JSON object
   */
  describe(registryKey: string): Promise<{ readonly places: readonly string[]; readonly isCertain: boolean }>
}

interface Known {
  readonly file: DockerConfig
  readonly environment: EnvironmentAuths
}

interface ChosenHelper {
  readonly name: string
  readonly member: 'credHelpers' | 'credsStore'
}

/** Milliseconds for which an answer of a helper is kept. A long-lived client asks again, since some credentials expire within the hour. */
const HELPER_ANSWER_MS = 300_000

/** Bytes that are read at a time. */
const CHUNK_BYTES = 64 * 1024

/** A source that finds credentials as Docker does. */
export function dockerCredentials(options: DockerCredentialsOptions): DockerCredentials {
  const { dockerConfig, env } = options
  let reading: Promise<Known> | undefined
  let known: Known | undefined
  const askHelper = createHelperAsker(options)
  const read = (): Promise<Known> => {
    reading ??= readDockerConfig(dockerConfig).then((file) => {
      known = { file, environment: parseEnvironmentAuths(env['DOCKER_AUTH_CONFIG'] ?? '') }
      return known
    })
    return reading
  }
  return {
    check: async () => void (await read()),
    get: async (registryKey, signal) => {
      const { file, environment } = await read()
      const given = environment.auths.get(dockerKey(registryKey))
      if (given !== undefined) return given
      let failure: TrustError | undefined
      for (const { name } of helpersFor(file, registryKey)) {
        try {
          const kept = await askHelper(name, dockerKey(registryKey), signal)
          if (kept !== undefined) return kept
        } catch (cause) {
          if (!(cause instanceof TrustError) || signal?.aborted) throw cause
          failure = cause
        }
      }
      const kept = findByHost(file.auths, registryKey)
      if (kept !== undefined) return kept
      if (failure !== undefined) throw failure
      const problem = file.problems.find(({ key }) => key === undefined || isSameHost(key, registryKey))
      if (problem !== undefined) throw configError(problem)
      return undefined
    },
    explain: async (registryKey) => {
      const { file, environment } = await read()
      const similar = findSimilar([...environment.auths.keys(), ...file.auths.keys(), ...file.credHelpers.keys()], registryKey)
      const login = `There is a login for ${similar}, which is another name for Docker and not ${registryKey}.`
      const { problem } = environment
      return [...(similar === undefined ? [] : [login]), ...(problem === undefined ? [] : [problem])].join(' ')
    },
    problems: () => (known === undefined ? [] : problemsOf(known)),
    describe: async (registryKey) => describePlaces(await read(), registryKey),
  }
}

/**
 * Reads `config.json`. A missing file holds no credentials; a file that cannot be read is a problem for every registry.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when it is not a JSON object; the error does not hold the content
 */
export async function readDockerConfig(dockerConfig: string | undefined): Promise<DockerConfig> {
  if (dockerConfig === undefined) return emptyConfig()
  const file = join(dockerConfig, 'config.json')
  let text: string | undefined
  try {
    // O_NONBLOCK: opening a FIFO without a writer would block. It is refused below.
    await using handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    if (!(await handle.stat()).isFile()) return emptyConfig({ message: `${file}: is not a regular file` })
    text = await readText(handle)
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return emptyConfig()
    if (code === undefined) throw cause
    return emptyConfig({ message: `${file}: cannot be read (${describeCause(cause)})`, cause })
  }
  if (text === undefined) return emptyConfig({ message: `${file}: is longer than ${MAX_CONFIG_BYTES} bytes` })
  return parseDockerConfig(text, file)
}

/** Reads the text; undefined when it is longer than MAX_CONFIG_BYTES. Bytes that are not UTF-8 become U+FFFD, as in Go. */
async function readText(handle: Awaited<ReturnType<typeof open>>): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(CHUNK_BYTES))
    if (bytesRead === 0) return new TextDecoder().decode(Buffer.concat(chunks))
    chunks.push(buffer.subarray(0, bytesRead))
    size += bytesRead
    if (size > MAX_CONFIG_BYTES) return undefined
  }
}

/** The helpers to ask in turn: Docker's choice, and one that is configured for another spelling of the host. */
function helpersFor({ credHelpers, credsStore }: DockerConfig, registryKey: string): ChosenHelper[] {
  const own = credHelpers.get(dockerKey(registryKey))
  const similar = own ?? findByHost(credHelpers, registryKey)
  const chosen: ChosenHelper[] = []
  if (own === undefined && credsStore !== undefined) chosen.push({ name: credsStore, member: 'credsStore' })
  if (similar !== undefined && similar !== '') chosen.push({ name: similar, member: 'credHelpers' })
  return chosen
}

/** One message for all problems of the file, and one for the variable. */
function problemsOf({ file, environment }: Known): string[] {
  const [first, ...more] = file.problems
  const said = first === undefined ? [] : [`${first.message}${more.length === 0 ? '' : ` (and ${more.length} more)`}`]
  return [...said, ...(environment.problem === undefined ? [] : [environment.problem])]
}

function describePlaces({ file, environment }: Known, registryKey: string): Awaited<ReturnType<DockerCredentials['describe']>> {
  const given = environment.auths.get(dockerKey(registryKey))
  if (given !== undefined) return { places: [`${kindOf(given)} in DOCKER_AUTH_CONFIG for ${registryKey}`], isCertain: true }
  const helpers = helpersFor(file, registryKey).map(
    ({ name, member }) => `docker-credential-${name} (${member}) for ${registryKey}`,
  )
  const kept = findByHost(file.auths, registryKey)
  if (kept === undefined) return { places: helpers, isCertain: false }
  return { places: [...helpers, `${kindOf(kept)} in auths for ${registryKey}`], isCertain: true }
}

function kindOf(credentials: Credentials): string {
  if ('identityToken' in credentials) return 'an identity token'
  return 'registryToken' in credentials ? 'a registry token' : 'a password'
}

type HelperAsker = (helper: string, address: string, signal: AbortSignal | undefined) => Promise<Credentials | undefined>

/** Runs a helper once for each address and keeps the result, also an error. Concurrent callers share one run. */
function createHelperAsker({ env, helperTimeoutMs }: DockerCredentialsOptions): HelperAsker {
  const answers = new Map<string, { readonly until: number; readonly answer: Promise<Credentials | undefined> }>()
  return (helper, address, signal) => {
    // The name alone is the key of a helper that timed out: it would time out for every other address too.
    for (const key of [helper, `${helper} ${address}`]) {
      const known = answers.get(key)
      if (known !== undefined && performance.now() < known.until) return known.answer
    }
    const keep = (key: string): void => void answers.set(key, { until: performance.now() + HELPER_ANSWER_MS, answer })
    const onTimeout = (): void => keep(helper)
    const helpers = import('./credential-helper.js') // few have one
    const answer = helpers.then(({ askHelper }) =>
      askHelper(helper, address, { env, signal, timeoutMs: helperTimeoutMs, onTimeout }),
    )
    keep(`${helper} ${address}`)
    answer.catch(() => {
      if (signal?.aborted) answers.delete(`${helper} ${address}`)
    })
    return answer
  }
}
