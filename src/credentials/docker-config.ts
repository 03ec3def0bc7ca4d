/** The credentials in Docker's `config.json`: `auths`, `credHelpers`, `credsStore`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBase64, utf8Text } from '../bytes.js'
import { describeCause, systemCode, UsageError } from '../errors.js'
import { type CredentialSource, type Credentials, ownText, ownValue } from './credentials.js'

/** What `config.json` says about credentials. */
export interface DockerConfig {
  /** By the key as it stands in the file. */
  readonly auths: ReadonlyMap<string, Credentials>
  /** Registry to helper; an empty helper means `auths`. */
  readonly credHelpers: ReadonlyMap<string, string>
  readonly credsStore: string | undefined
}

/** What finding credentials needs. */
export interface DockerCredentialsOptions {
  /** The folder of config.json, if there is one. */
  readonly dockerConfig: string | undefined
  /** For the helpers. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The name under which Docker has kept docker.io since its first version. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/'

/** Bytes of config.json that are read: stops a device or a mistake of a file. */
const MAX_CONFIG_BYTES: number = 4 * 1024 * 1024

/** Milliseconds for which an answer of a helper is kept: many collections of one registry ask for the same. */
const HELPER_ANSWER_MS = 60_000

/** A source over `config.json`, which is read when the first credentials are asked for, or by `check`. */
export interface DockerCredentials extends CredentialSource {
  /**
   * Reads `config.json` now.
   *
   * @throws UsageError ERR_SETTINGS_INVALID when it is malformed or cannot be read
   */
  check(): Promise<void>
}

/** Finds credentials as Docker does. */
export function dockerCredentials(options: DockerCredentialsOptions): DockerCredentials {
  let config: Promise<DockerConfig> | undefined
  const answers = new Map<string, { readonly until: number; readonly answer: Promise<Credentials | undefined> }>()
  const read = (): Promise<DockerConfig> => {
    config ??= readDockerConfig(options.dockerConfig)
    return config
  }
  const ask = (helper: string, address: string, signal: AbortSignal | undefined): Promise<Credentials | undefined> => {
    const key = `${helper} ${address}`
    const known = answers.get(key)
    if (known !== undefined && performance.now() < known.until) return known.answer
    const helpers = import('./credential-helper.js') // few have one
    const answer = helpers.then(({ askHelper }) => askHelper(helper, address, { env: options.env, signal }))
    answers.set(key, { until: performance.now() + HELPER_ANSWER_MS, answer })
    answer.catch(() => answers.delete(key))
    return answer
  }
  const get = async (registryKey: string, signal?: AbortSignal): Promise<Credentials | undefined> => {
    const { auths, credHelpers, credsStore } = await read()
    const helper = findByHost(credHelpers, registryKey) ?? credsStore ?? ''
    const kept = helper === '' ? undefined : await ask(helper, isDockerHub(registryKey) ? DOCKER_HUB_KEY : registryKey, signal)
    return kept ?? findByHost(auths, registryKey)
  }
  return { get, check: async () => void (await read()) }
}

/** Where credentials for `docker.io` or `host[:port]` would come from, in words without a secret; undefined for nowhere. No helper is asked. */
export function credentialsOrigin({ auths, credHelpers, credsStore }: DockerConfig, registryKey: string): string | undefined {
  const own = findByHost(credHelpers, registryKey)
  const helper = own ?? credsStore ?? ''
  if (helper !== '') return `docker-credential-${helper} (${own === undefined ? 'credsStore' : 'credHelpers'}) for ${registryKey}`
  const kept = findByHost(auths, registryKey)
  if (kept === undefined) return undefined
  const kind = 'identityToken' in kept ? 'an identity token' : 'registryToken' in kept ? 'a registry token' : 'a password'
  return `${kind} in auths for ${registryKey}`
}

/**
 * Reads `config.json`; a file that is not there says nothing.
 *
 * @throws UsageError ERR_SETTINGS_INVALID; nothing of the content is repeated
 */
export async function readDockerConfig(dockerConfig: string | undefined): Promise<DockerConfig> {
  if (dockerConfig === undefined) return parseDockerConfig('{}', 'config.json')
  const file = join(dockerConfig, 'config.json')
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return parseDockerConfig('{}', file)
    throw malformed(file, `cannot be read (${describeCause(cause)})`, cause)
  }
  const text = bytes.length > MAX_CONFIG_BYTES ? undefined : utf8Text(bytes)
  if (text === undefined) throw malformed(file, 'is not the text of a config file')
  return parseDockerConfig(text, file)
}

function parseDockerConfig(text: string, file: string): DockerConfig {
  let root: unknown
  try {
    root = JSON.parse(text)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    // Without the cause: Node's message quotes the text, secrets and all.
    throw malformed(file, 'is not JSON')
  }
  if (!isObject(root)) throw malformed(file, 'is not a JSON object')
  const auths = new Map<string, Credentials>()
  for (const [key, entry] of entries(root, 'auths', file)) {
    if (!isObject(entry)) throw malformed(file, `auths: ${key}: is not an object`)
    const credentials = readAuth(entry, () => malformed(file, `auths: ${key}: is not base64 of user:password`))
    if (credentials !== undefined) auths.set(key, credentials)
  }
  const credHelpers = new Map<string, string>()
  for (const [key, helper] of entries(root, 'credHelpers', file)) {
    credHelpers.set(
      key,
      helperName(helper, () => malformed(file, `credHelpers: ${key}: is not the name of a helper`)),
    )
  }
  const store = ownValue(root, 'credsStore') ?? ''
  const credsStore = helperName(store, () => malformed(file, 'credsStore is not the name of a helper'))
  return { auths, credHelpers, credsStore: credsStore === '' ? undefined : credsStore }
}

function entries(root: object, name: string, file: string): [string, unknown][] {
  const value = ownValue(root, name) ?? {}
  if (!isObject(value)) throw malformed(file, `${name} is not an object`)
  return Object.entries(value)
}

function readAuth(entry: object, refuse: () => UsageError): Credentials | undefined {
  const identityToken = ownText(entry, 'identitytoken')
  if (identityToken !== undefined) return { identityToken }
  const registryToken = ownText(entry, 'registrytoken')
  if (registryToken !== undefined) return { registryToken }
  const auth = ownValue(entry, 'auth') ?? ''
  if (auth === '') {
    const username = ownText(entry, 'username')
    const password = ownText(entry, 'password')
    return username === undefined || password === undefined ? undefined : { username, password }
  }
  const bytes = typeof auth === 'string' ? fromBase64(auth) : undefined
  const text = bytes === undefined ? undefined : utf8Text(bytes)
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || colon <= 0) throw refuse()
  // docker/cli cli/config/configfile decodeAuth takes the zero bytes away too.
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/^\0+|\0+$/g, '') }
}

function helperName(value: unknown, refuse: () => UsageError): string {
  if (typeof value !== 'string' || (value !== '' && !isHelperName(value))) throw refuse()
  return value
}

/** The exact key, else the first that names the same host: `https://host/v1/`, `https://host`, `host/path`. */
function findByHost<T>(map: ReadonlyMap<string, T>, registryKey: string): T | undefined {
  const exact = map.get(isDockerHub(registryKey) ? DOCKER_HUB_KEY : registryKey)
  if (exact !== undefined) return exact
  const wanted = hostOf(registryKey)
  for (const [key, value] of map) {
    if (hostOf(key) === wanted) return value
  }
  return undefined
}

function isDockerHub(registryKey: string): boolean {
  return hostOf(registryKey) === 'docker.io'
}

/** The host of a key as docker/cli sees it (ConvertToHostname); Docker Hub's two names are one. */
function hostOf(key: string): string {
  const [host = ''] = key.replace(/^https?:\/\//, '').split('/')
  return host === 'index.docker.io' ? 'docker.io' : host
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(file: string, what: string, cause?: unknown): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `${file}: ${what}`, {
    hint: 'Correct the file, or name another folder with DOCKER_CONFIG or --config.',
    cause,
  })
}

/** True for a name that can only be the end of a program's name: no path, no option, no shell. */
export function isHelperName(name: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(name)
}
