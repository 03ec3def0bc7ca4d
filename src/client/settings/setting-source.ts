/** Where the value of a setting came from: data for programs, and the words for people. */
import { ruleName } from '../../policy/rule-name.js'
import { type OptionName, SETTINGS } from './settings-table.js'

/** Where a value came from. */
export type SettingSource =
  /** An option. For `servers` also the registry whose entry counted, and the mirror of that registry that was asked for. */
  | { readonly kind: 'option'; readonly name: OptionName; readonly registry?: string; readonly mirror?: string }
  /** An environment variable. */
  | { readonly kind: 'environment'; readonly variable: string }
  /** The table of known registries. */
  | { readonly kind: 'known-registry'; readonly registry: string }
  /** A rule of the policy. */
  | { readonly kind: 'policy'; readonly match: string }
  /** The bundle that takes the place of the server. */
  | { readonly kind: 'bundle'; readonly file: string }
  /** Nothing sets it. */
  | { readonly kind: 'default'; readonly name: OptionName; readonly registry?: string }
  /** Nothing names a trust server: the address of the registry itself is taken, as Docker does. */
  | { readonly kind: 'registry-address'; readonly registry: string }
  /** No folder: nothing names one, and the user has no home. */
  | { readonly kind: 'no-home'; readonly name: OptionName }

/** A value, and where it came from. */
export interface Choice<Value> {
  readonly value: Value
  readonly source: SettingSource
}

/** Who reads a text: users of the library know options, users of the command know flags. */
export type Reader = 'library' | 'command'

/** The variable that names the home folder. */
const HOME = process.platform === 'win32' ? 'USERPROFILE' : 'HOME'

/** How a reader spells a setting: `the option trustDirectory` or `--trust-dir`. */
export function settingName(name: OptionName, reader: Reader): string {
  const { flag } = SETTINGS[name]
  return reader === 'library' || flag === undefined ? `the option ${name}` : `--${flag}`
}

/** The source in words. */
export function describeSource(source: SettingSource, reader: Reader): string {
  switch (source.kind) {
    case 'option': {
      const { name, registry, mirror } = source
      const entry = registry === undefined ? '' : `, for ${registry}`
      return `${settingName(name, reader)}${entry}${mirror === undefined ? '' : `, of which ${mirror} is a mirror`}`
    }
    case 'environment':
      return source.variable
    case 'policy':
      return `${ruleName(source.match)} of the policy`
    case 'bundle':
      return `recorded in the bundle ${source.file}`
    case 'known-registry':
      return `known for ${source.registry}${unset('server')}`
    case 'default': {
      const { name, registry } = source
      return `${SETTINGS[name].otherwise ?? 'the default'}${registry === undefined ? '' : ` for ${registry}`}${unset(name)}`
    }
    case 'registry-address':
      return `Docker's default for ${source.registry}${unset('server')}`
    case 'no-home': {
      const notGiven = source.name === 'dockerConfig' ? '' : `, and ${settingName(source.name, reader)} is not given`
      return `${HOME} is no absolute path, the system knows no home of this user, and DOCKER_CONFIG is not set${notGiven}`
    }
  }
}

/** Says of which variables none is set. */
function unset(name: OptionName): string {
  const { environment = [] } = SETTINGS[name]
  return environment.length === 0 ? '' : `: ${environment.join(', ')} is not set`
}
