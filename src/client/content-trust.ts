/** Docker's switch. Source: docker/cli 28 cli/command/cli.go and cli/command/trust.go; Go strconv.ParseBool. */
import { UsageError } from '../errors.js'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What decides whether content trust is on. */
export interface ContentTrustSwitch {
  readonly env?: Environment | undefined
  /** Given, it wins over the environment. */
  readonly disableContentTrust?: boolean | undefined
}

const TRUE: readonly string[] = ['1', 't', 'T', 'true', 'True', 'TRUE']
const FALSE: readonly string[] = ['0', 'f', 'F', 'false', 'False', 'FALSE']

/** A boolean as Go reads it, or undefined. */
export function parseGoBoolean(text: string): boolean | undefined {
  if (TRUE.includes(text)) return true
  return FALSE.includes(text) ? false : undefined
}

/**
 * Docker's own rule: `disableContentTrust` when given, else `DOCKER_CONTENT_TRUST`, where unset and empty are off, Go's
 * false values are off and anything else is on.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when `disableContentTrust` is not a boolean, or `env` or all of it no object
 */
export function contentTrustEnabled(given: ContentTrustSwitch = {}): boolean {
  if (!isObject(given)) throw new UsageError('ERR_SETTINGS_INVALID', 'the options must be an object')
  const { env = process.env, disableContentTrust } = given
  if (!isObject(env)) throw new UsageError('ERR_SETTINGS_INVALID', 'option env: expected an object')
  if (disableContentTrust !== undefined && typeof disableContentTrust !== 'boolean') {
    throw new UsageError('ERR_SETTINGS_INVALID', `disableContentTrust must be true or false, got ${String(disableContentTrust)}`)
  }
  if (disableContentTrust !== undefined) return !disableContentTrust
  const value = env['DOCKER_CONTENT_TRUST'] ?? ''
  return value !== '' && (parseGoBoolean(value) ?? true)
}

/** From JavaScript anything may come. */
function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
