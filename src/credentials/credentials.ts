/** Credentials and their sources. An error never holds a secret. */
import { TrustError, UnavailableError, UsageError } from '../errors.js'

/** Credentials for a registry or a token server. */
export type Credentials =
  | { readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, exchanged at the token server. */
  | { readonly identityToken: string }
  /** A bearer token, sent unchanged. */
  | { readonly registryToken: string }

/** Finds credentials. */
export interface CredentialSource {
  /**
   * The credentials for a registry or trust server: `docker.io`, or `host[:port]` as typed. Undefined when there are none.
   *
   * @throws UsageError ERR_SETTINGS_INVALID, UnavailableError ERR_UNAUTHORIZED (a credential helper failed)
   */
  get(registryKey: string, signal?: AbortSignal): Promise<Credentials | undefined>
  /** What a user should know when `get` found nothing: sentences without a secret, or an empty text. */
  explain?(registryKey: string): Promise<string>
  /** Problems in the files and variables read so far that did not stop `get`. */
  problems?(): readonly string[]
}

/** Returns the credentials for `docker.io` or `host[:port]`, or undefined for none. */
export type CredentialsFunction = (registryKey: string) => Credentials | undefined | Promise<Credentials | undefined>

/** Credentials given by a program: the same for every registry, a map by registry, or a function. */
export type CredentialsOption = Credentials | Readonly<Record<string, Credentials>> | CredentialsFunction

/**
 * A source for the `credentials` option.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when an object is neither credentials nor a map of registries to credentials
 */
export function givenCredentials(option: CredentialsOption): CredentialSource {
  if (typeof option === 'function') {
    return { get: async (key) => expectCredentials(await ask(option, key), `the credentials function, asked for ${key}`) }
  }
  const single = asCredentials(option)
  if (single !== undefined) return { get: async () => single }
  const byKey = new Map<string, Credentials | undefined>()
  for (const [key, value] of Object.entries(option)) byKey.set(key, expectCredentials(value, `credentials for ${key}`))
  return { get: async (key) => byKey.get(key) }
}

/** Calls the function. Its error is not one of the network, since another request would not help. */
async function ask(option: CredentialsFunction, key: string): Promise<Credentials | undefined> {
  try {
    return await option(key)
  } catch (cause) {
    if (cause instanceof TrustError) throw cause
    throw new UnavailableError(
      'ERR_UNAUTHORIZED',
      `error getting credentials - err: the credentials function failed for ${key}`,
      {
        hint: 'The server asks for credentials, and the function that the program gave for them threw an error: see its cause.',
        cause,
      },
    )
  }
}

function expectCredentials(value: unknown, what: string): Credentials | undefined {
  if (value === undefined || value === null) return undefined
  const credentials = asCredentials(value)
  if (credentials !== undefined) return credentials
  throw new UsageError('ERR_SETTINGS_INVALID', `${what}: neither username and password, nor identityToken, nor registryToken`, {
    hint: 'Give { username, password }, { identityToken } or { registryToken }, each a text; undefined where there are none.',
  })
}

function asCredentials(value: unknown): Credentials | undefined {
  const identityToken = ownText(value, 'identityToken')
  if (identityToken !== undefined) return { identityToken }
  const registryToken = ownText(value, 'registryToken')
  if (registryToken !== undefined) return { registryToken }
  const username = ownText(value, 'username')
  const password = ownText(value, 'password')
  return username === undefined || password === undefined ? undefined : { username, password }
}

/** The text of an own property; undefined when it does not exist, is empty or is not a text. */
function ownText(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  const found: unknown = Object.getOwnPropertyDescriptor(value, name)?.value
  return typeof found === 'string' && found !== '' ? found : undefined
}
