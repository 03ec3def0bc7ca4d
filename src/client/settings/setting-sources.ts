/** Which server and which folders: the order in which options and environment are asked, and the reason for each choice. */
import { userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { systemCode } from '../../errors.js'
import { parseServer, type TrustServer } from '../../trust-server/notary-url.js'
import type { Environment } from './content-trust.js'
import { knownRegistry } from './known-registries.js'
import type { TrustClientOptions } from './options.js'

/** What was chosen, and why, in words for people. */
export interface Choice<Value> {
  readonly value: Value
  readonly why: string
}

/** The trust server of a registry. */
export interface ServerChoice extends Choice<TrustServer> {
  /** No setting and no table names a server: the registry's own address was taken, as Docker does. */
  readonly isGuess: boolean
}

/** The option, else the map, else the environment, else what is known of the registry, else Docker's default. @throws UsageError ERR_SETTINGS_INVALID */
export function chooseServer(
  registry: string,
  { server, servers }: Pick<TrustClientOptions, 'server' | 'servers'>,
  env: Environment,
): ServerChoice {
  const chosen = (address: string, why: string, isGuess = false) => ({ value: parseServer(address), why, isGuess })
  const variable = env['DOCKER_CONTENT_TRUST_SERVER'] || undefined
  const mapped = mappedServer(servers, registry)
  const known = knownRegistry(registry)
  // What is set for a registry counts for its mirrors too: the table must not lead around it.
  const mappedForMirrors = known === undefined ? undefined : mappedServer(servers, known.registry)
  if (server !== undefined) return chosen(server, 'the server option')
  if (mapped !== undefined) return chosen(mapped, `the servers option, for ${registry}`)
  if (mappedForMirrors !== undefined)
    return chosen(mappedForMirrors, `the servers option, for ${known?.registry}, of which ${registry} is a mirror`)
  if (variable !== undefined) return chosen(variable, 'DOCKER_CONTENT_TRUST_SERVER')
  if (known !== undefined) return chosen(known.server, `known for ${registry}: DOCKER_CONTENT_TRUST_SERVER is not set`)
  const why = `Docker's default for ${registry}: DOCKER_CONTENT_TRUST_SERVER is not set`
  return registry === 'docker.io' ? chosen('https://notary.docker.io', why) : chosen(`https://${registry}`, why, true)
}

/** What `servers` says of a registry. */
export function mappedServer(servers: TrustClientOptions['servers'], registry: string): string | undefined {
  return servers !== undefined && Object.hasOwn(servers, registry) ? servers[registry] : undefined
}

/** The folder of Docker's config.json. None, when the user has no home: the working folder never stands in for it. */
export function chooseDockerConfig(
  { dockerConfig }: Pick<TrustClientOptions, 'dockerConfig'>,
  env: Environment,
): Choice<string | undefined> {
  const variable = env['DOCKER_CONFIG'] || undefined
  if (dockerConfig !== undefined) return { value: resolve(dockerConfig), why: 'the dockerConfig option' }
  // Seen from the working folder when it is relative, as Docker does: it is the user's own word.
  if (variable !== undefined) return { value: resolve(variable), why: 'DOCKER_CONFIG' }
  const home = homeFolder(env)
  if (home === undefined) return { value: undefined, why: NO_HOME }
  return { value: join(home, '.docker'), why: "Docker's default: DOCKER_CONFIG is not set" }
}

/** The cache; none when no folder is named and the user has no home. */
export function chooseTrustDirectory(
  options: Pick<TrustClientOptions, 'dockerConfig' | 'trustDirectory'>,
  env: Environment,
): Choice<string | undefined> {
  if (options.trustDirectory !== undefined) return { value: resolve(options.trustDirectory), why: 'the trustDirectory option' }
  const { value: dockerConfig } = chooseDockerConfig(options, env)
  if (dockerConfig === undefined) return { value: undefined, why: `${NO_HOME}, and no --trust-dir is given` }
  return { value: join(dockerConfig, 'trust'), why: 'beside config.json, as docker and notary have it' }
}

const HOME = process.platform === 'win32' ? 'USERPROFILE' : 'HOME'
const NO_HOME = `${HOME} is no absolute path, the system knows no home of this user, and DOCKER_CONFIG is not set`

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
