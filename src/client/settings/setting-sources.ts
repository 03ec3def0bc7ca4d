/** Which server and which folders: the order in which options, environment and defaults are asked. */
import { userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { systemCode } from '../../errors.js'
import { parseServer, type TrustServer } from '../../trust-server/notary-url.js'
import type { Environment } from './environment.js'
import { knownRegistry } from './known-registries.js'
import type { TrustClientOptions } from './options.js'
import type { Choice, SettingSource } from './setting-source.js'
import { type OptionName, SETTINGS } from './settings-table.js'

/** The option, else the first of its variables that is set, else the default. */
export function sourceOf(name: OptionName, options: TrustClientOptions, env: Environment): SettingSource {
  if (options[name] !== undefined) return { kind: 'option', name }
  const variable = SETTINGS[name].environment?.find((one) => env[one])
  return variable === undefined ? { kind: 'default', name } : { kind: 'environment', variable }
}

/** What a policy says of the trust server of an image. */
export interface PolicyServer {
  /** The server of the rule that decides. */
  readonly rule?: { readonly address: string; readonly match: string }
  /** False: the table of known registries does not count. */
  readonly knownRegistries: boolean
}

const NO_POLICY: PolicyServer = { knownRegistries: true }

/**
 * The trust server of a registry: `server`, else the rule of a policy, else `servers` (for the mirror that the user named, then for the registry), else the environment, else the table of known registries,
 * else Docker's default.
 *
 * @throws UsageError ERR_SETTINGS_INVALID
 */
export function chooseServer(
  registry: string,
  options: Pick<TrustClientOptions, 'server' | 'servers'>,
  env: Environment,
  policy: PolicyServer = NO_POLICY,
  mirror: string = registry,
): Choice<TrustServer> {
  const { address, source } = serverAddress(registry, options, env, policy, mirror)
  return { value: parseServer(address), source }
}

function serverAddress(
  registry: string,
  options: Pick<TrustClientOptions, 'server' | 'servers'>,
  env: Environment,
  { rule, knownRegistries }: PolicyServer,
  mirror: string,
): { address: string; source: SettingSource } {
  const source = sourceOf('server', options, env)
  if (options.server !== undefined) return { address: options.server, source }
  if (rule !== undefined) return { address: rule.address, source: { kind: 'policy', match: rule.match } }
  for (const name of [mirror, registry]) {
    const mapped = mappedServer(options.servers, name)
    if (mapped !== undefined) return { address: mapped, source: { kind: 'option', name: 'servers', registry: name } }
  }
  const known = knownRegistries ? knownRegistry(registry) : undefined
  // An entry for a registry counts for its mirrors too: otherwise the table of known registries would win over it.
  const mappedForMirrors = known === undefined ? undefined : mappedServer(options.servers, known.registry)
  if (known !== undefined && mappedForMirrors !== undefined) {
    const entry: SettingSource = { kind: 'option', name: 'servers', registry: known.registry, mirror: registry }
    return { address: mappedForMirrors, source: entry }
  }
  if (source.kind === 'environment') return { address: env[source.variable] ?? '', source }
  if (known !== undefined) return { address: known.server, source: { kind: 'known-registry', registry } }
  return registry === 'docker.io'
    ? { address: 'https://notary.docker.io', source: { kind: 'default', name: 'server', registry } }
    : { address: `https://${registry}`, source: { kind: 'registry-address', registry } }
}

/** What `servers` says of a registry. */
function mappedServer(servers: TrustClientOptions['servers'], registry: string): string | undefined {
  return servers !== undefined && Object.hasOwn(servers, registry) ? servers[registry] : undefined
}

/** True when `servers` maps docker.io to this trust server: then the server may be sent the credentials of docker.io. */
export function isMappedForDockerIo({ typed }: TrustServer, options: Pick<TrustClientOptions, 'server' | 'servers'>): boolean {
  const mapped = options.server === undefined ? mappedServer(options.servers, 'docker.io') : undefined
  return mapped !== undefined && parseServer(mapped).typed === typed
}

/** The lockfile: its path, or its content as an object. It is never looked for in a working folder. */
export function chooseLockfile(
  options: Pick<TrustClientOptions, 'lockfile'>,
  env: Environment,
): Choice<string | object | undefined> {
  const source = sourceOf('lockfile', options, env)
  return { value: source.kind === 'environment' ? env[source.variable] : options.lockfile, source }
}

/** The folder of Docker's config.json. A user without a home has none: the working folder never takes its place. */
export function chooseDockerConfig(
  options: Pick<TrustClientOptions, 'dockerConfig'>,
  env: Environment,
): Choice<string | undefined> {
  const source = sourceOf('dockerConfig', options, env)
  // The user chose these: a relative path is seen from the working folder, as Docker does.
  if (options.dockerConfig !== undefined) return { value: resolve(options.dockerConfig), source }
  if (source.kind === 'environment') return { value: resolve(env[source.variable] ?? ''), source }
  const home = homeFolder(env)
  if (home === undefined) return { value: undefined, source: { kind: 'no-home', name: 'dockerConfig' } }
  return { value: join(home, '.docker'), source }
}

/** The cache; none when no folder is named and the user has no home. */
export function chooseTrustDirectory(
  options: Pick<TrustClientOptions, 'dockerConfig' | 'trustDirectory'>,
  env: Environment,
): Choice<string | undefined> {
  const source = sourceOf('trustDirectory', options, env)
  if (options.trustDirectory !== undefined) return { value: resolve(options.trustDirectory), source }
  const { value: dockerConfig } = chooseDockerConfig(options, env)
  if (dockerConfig === undefined) return { value: undefined, source: { kind: 'no-home', name: 'trustDirectory' } }
  return { value: join(dockerConfig, 'trust'), source }
}

/** The variable, else what the system has on record for the user. A relative path would be a folder of the working folder. */
function homeFolder(env: Environment): string | undefined {
  const home = (process.platform === 'win32' ? env['USERPROFILE'] : env['HOME']) ?? ''
  if (isAbsolute(home)) return resolve(home)
  try {
    const { homedir } = userInfo()
    return isAbsolute(homedir) ? homedir : undefined
  } catch (cause) {
    // A container may run under any number: then there is no such user.
    if (systemCode(cause) === 'ERR_SYSTEM_ERROR') return undefined
    throw cause
  }
}
