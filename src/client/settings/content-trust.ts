/** Docker's switch. Source: docker/cli 28 cli/command/cli.go and cli/command/trust.go; Go strconv.ParseBool. */
import { checkValues, ownOptions } from './check-options.js'

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What decides whether content trust is on. */
export interface ContentTrustSwitch {
  readonly env?: Environment | undefined
  /** Wins over the environment. */
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
 * @throws UsageError ERR_SETTINGS_INVALID when an option is not known, `disableContentTrust` is no boolean, or `env` no plain object
 */
export function contentTrustEnabled(given: ContentTrustSwitch = {}): boolean {
  const own = ownOptions(given)
  checkValues(own, ['env', 'disableContentTrust'])
  return isSwitchedOn(own)
}

/** The same rule, for options that were checked before. */
export function isSwitchedOn({ env = process.env, disableContentTrust }: ContentTrustSwitch): boolean {
  if (disableContentTrust !== undefined) return !disableContentTrust
  const value = (Object.hasOwn(env, 'DOCKER_CONTENT_TRUST') ? env['DOCKER_CONTENT_TRUST'] : undefined) ?? ''
  return value !== '' && (parseGoBoolean(value) ?? true)
}

/** A copy of the variables without a prototype, so that inherited members do not count as variables. */
export function ownEnvironment(env: Environment = process.env, platform: NodeJS.Platform = process.platform): Environment {
  const own: Record<string, string | undefined> = Object.assign(Object.create(null), env)
  if (platform !== 'win32') return own
  // Names of variables are case-insensitive on Windows, and the copy is not: add each name in upper case.
  for (const [name, value] of Object.entries(env)) own[name.toUpperCase()] ??= value
  return own
}
