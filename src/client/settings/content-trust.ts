/** Docker's switch. Source: docker/cli 28 cli/command/cli.go and cli/command/trust.go. */
import { checkValues, ownOptions } from './check-options.js'
import { parseGoBoolean } from './environment.js'
import type { ContentTrustSwitch } from './options.js'

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
