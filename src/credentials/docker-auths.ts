/** Parses `auths`, `credHelpers` and `credsStore` of Docker's `config.json`, and `DOCKER_AUTH_CONFIG`. */
import { fromBase64, utf8Text } from '../bytes.js'
import { UsageError } from '../errors.js'
import type { Credentials } from './credentials.js'
import { type GoJson, GoObject, isNamed, lastNamed, mapNamed, NotJson, readFirstValue } from './go-json.js'
import { shownKey } from './registry-keys.js'

/** Bytes of `config.json`, and characters of `DOCKER_AUTH_CONFIG`, that are read: stops a device or a huge file. */
export const MAX_CONFIG_BYTES: number = 1024 * 1024

/** A part that cannot be used. The rest of the file is used. */
export interface ConfigProblem {
  /** The key of the entry; undefined when it concerns every registry. */
  readonly key?: string | undefined
  /** The file and what is wrong, without its content. */
  readonly message: string
  readonly cause?: unknown
}

/** What `config.json` says. */
export interface DockerConfig {
  /** By the key in the file. */
  readonly auths: ReadonlyMap<string, Credentials>
  /** Registry to helper; an empty helper means `auths`. */
  readonly credHelpers: ReadonlyMap<string, string>
  readonly credsStore: string | undefined
  /** `docker build` is given to the plugin that `aliases` names: `docker buildx install` writes one. */
  readonly hasBuilderAlias: boolean
  readonly problems: readonly ConfigProblem[]
}

/** The credentials in `DOCKER_AUTH_CONFIG`. */
export interface EnvironmentAuths {
  /** By the key in the variable. */
  readonly auths: ReadonlyMap<string, Credentials>
  /** Why the variable is not used, without its content. */
  readonly problem?: string
}

/** A config without credentials. */
export function emptyConfig(...problems: readonly ConfigProblem[]): DockerConfig {
  return { auths: new Map(), credHelpers: new Map(), credsStore: undefined, hasBuilderAlias: false, problems }
}

/**
 * Parses the text of `config.json`.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when it is not a JSON object; the error does not hold the content
 */
export function parseDockerConfig(text: string, file: string): DockerConfig {
  const root = readObject(text, file)
  const problems: ConfigProblem[] = []
  const wrong = (what: string, key?: string): void => {
    problems.push({ key, message: `${file}: ${what}` })
  }
  const section = (name: string): ReadonlyMap<string, GoJson> => {
    const { entries, isMap } = mapNamed(root, name)
    if (!isMap) wrong(`${name} is not an object`)
    return entries
  }
  const auths = new Map<string, Credentials>()
  for (const [key, entry] of section('auths')) {
    const credentials = readEntry(entry)
    if (typeof credentials === 'string') wrong(`auths: ${shownKey(key)}: ${credentials}`, key)
    else if (credentials !== undefined) auths.set(key, credentials)
  }
  const credHelpers = new Map<string, string>()
  for (const [key, helper] of section('credHelpers')) {
    if (isHelper(helper)) credHelpers.set(key, helper)
    else wrong(`credHelpers: ${shownKey(key)}: is not the name of a helper`, key)
  }
  const store = lastNamed(root, 'credsStore') ?? ''
  if (!isHelper(store)) wrong('credsStore is not the name of a helper')
  const hasBuilderAlias = mapNamed(root, 'aliases').entries.has('builder')
  return { auths, credHelpers, credsStore: isHelper(store) && store !== '' ? store : undefined, hasBuilderAlias, problems }
}

/** As docker/cli 28.3 (configfile parseEnvConfig): the variable is used only when it holds `auths` with `auth` and nothing else. */
export function parseEnvironmentAuths(text: string): EnvironmentAuths {
  const unused = (why: string): EnvironmentAuths => ({ auths: new Map(), problem: `DOCKER_AUTH_CONFIG is not used: ${why}` })
  if (text.length > MAX_CONFIG_BYTES) return unused(`it is longer than ${MAX_CONFIG_BYTES} characters`)
  const read = attempt(text)
  if (read === undefined) return unused('it is not JSON')
  const root = read.value ?? new GoObject([])
  if (!(root instanceof GoObject)) return unused('it is not a JSON object')
  if (!/^\s*(?:$|[}\]])/.test(read.rest)) return unused('there is more than one JSON object')
  if (!hasOnly(root, 'auths')) return unused('it has members beside auths')
  const { entries, isMap } = mapNamed(root, 'auths')
  if (!isMap) return unused('auths is not an object')
  const auths = new Map<string, Credentials>()
  for (const [key, entry] of entries) {
    if (!(entry instanceof GoObject) || !hasOnly(entry, 'auth')) return unused(`${shownKey(key)} has something beside auth`)
    const credentials = readEntry(entry)
    if (credentials === undefined) return unused(`${shownKey(key)} has no auth`)
    if (typeof credentials === 'string') return unused(`${shownKey(key)} ${credentials}`)
    auths.set(key, credentials)
  }
  return { auths }
}

/** The error for a problem in `config.json`. */
export function configError({ message, cause }: ConfigProblem): UsageError {
  const hint = 'Correct the file, or name another folder with DOCKER_CONFIG or --config.'
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint, cause })
}

/** True for a name that is safe as the end of a program's name: no path, option or shell character. */
export function isHelperName(name: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(name)
}

function isHelper(value: GoJson): value is string {
  return typeof value === 'string' && (value === '' || isHelperName(value))
}

function readObject(text: string, file: string): GoObject {
  const read = attempt(text)
  if (read === undefined) throw configError({ message: `${file}: is not JSON` })
  const root = read.value ?? new GoObject([])
  if (root instanceof GoObject) return root
  throw configError({ message: `${file}: is not a JSON object` })
}

function attempt(text: string): ReturnType<typeof readFirstValue> | undefined {
  try {
    return readFirstValue(text)
  } catch (cause) {
    if (cause instanceof NotJson) return undefined
    throw cause
  }
}

function hasOnly({ members }: GoObject, name: string): boolean {
  return members.every(([one]) => isNamed(one, name))
}

/** Parses an entry. Undefined for an empty one, which `docker login` writes when a helper keeps the login. A text says what is wrong. */
function readEntry(entry: GoJson): Credentials | string | undefined {
  if (!(entry instanceof GoObject)) return 'is not an object'
  const text = (name: string): string => {
    const value = lastNamed(entry, name)
    return typeof value === 'string' ? value : ''
  }
  const identityToken = text('identitytoken')
  if (identityToken !== '') return { identityToken }
  const registryToken = text('registrytoken')
  if (registryToken !== '') return { registryToken }
  const auth = lastNamed(entry, 'auth') ?? ''
  if (auth !== '') return decodeAuth(auth) ?? 'is not base64 of user:password'
  const [username, password] = [text('username'), text('password')]
  return username === '' || password === '' ? undefined : { username, password }
}

/** docker/cli cli/config/configfile decodeAuth, which also removes zero bytes around the password. */
function decodeAuth(auth: GoJson): Credentials | undefined {
  const bytes = typeof auth === 'string' ? fromBase64(auth) : undefined
  const text = bytes === undefined ? undefined : utf8Text(bytes)
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || colon <= 0) return undefined
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/^\0+|\0+$/g, '') }
}
