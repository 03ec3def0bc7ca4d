/** Secrets and where they come from. No secret ever stands in an error. */
import { TrustError, UnavailableError, UsageError } from '../errors.js'

/** What a registry or a token server takes. */
export type Credentials =
  | { readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, exchanged at the token server. */
  | { readonly identityToken: string }
  /** A bearer token, sent as it is. */
  | { readonly registryToken: string }

/** Finds credentials. */
export interface CredentialSource {
  /**
   * What is known for a registry or trust server: `docker.io`, or `host[:port]` as typed.
   *
   * @throws UsageError ERR_SETTINGS_INVALID, UnavailableError ERR_UNAUTHORIZED (a credential helper failed)
   */
  get(registryKey: string, signal?: AbortSignal): Promise<Credentials | undefined>
  /** What a user should know when `get` found nothing: sentences without a secret, or an empty text. */
  explain?(registryKey: string): Promise<string>
  /** What is wrong with what was read so far, and has not kept `get` from answering. */
  problems?(): readonly string[]
}

/** Gives credentials for `docker.io` or `host[:port]`, or undefined to go without. */
export type CredentialsFunction = (registryKey: string) => Credentials | undefined | Promise<Credentials | undefined>

/** Credentials given by a program: for whatever asks, for each registry by name, or by a function. */
export type CredentialsOption = Credentials | Readonly<Record<string, Credentials>> | CredentialsFunction

/**
 * A source over what a program gave.
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

/** Its failure is none of the network's: no other request would mend it. */
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

/** The text that an object holds under a name of its own; undefined when there is none, or it is empty or no text. */
function ownText(value: unknown, name: string): string | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  const found: unknown = Object.getOwnPropertyDescriptor(value, name)?.value
  return typeof found === 'string' && found !== '' ? found : undefined
}
