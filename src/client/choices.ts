/** Which server and which folders: the order in which options and environment are asked, and the reason for each choice. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseServer, type TrustServer } from '../transport/notary-url.js'
import type { Environment } from './content-trust.js'
import type { TrustClientOptions } from './options.js'

/** What was chosen, and why, in words for people. */
export interface Choice<Value> {
  readonly value: Value
  readonly why: string
}

/** The option, else the map, else the environment, else Docker's default. @throws UsageError ERR_SETTINGS_INVALID */
export function chooseServer(
  registry: string,
  { server, servers }: Pick<TrustClientOptions, 'server' | 'servers'>,
  env: Environment,
): Choice<TrustServer> {
  const variable = env['DOCKER_CONTENT_TRUST_SERVER'] || undefined
  const mapped = servers !== undefined && Object.hasOwn(servers, registry) ? servers[registry] : undefined
  if (server !== undefined) return { value: parseServer(server), why: 'the server option' }
  if (mapped !== undefined) return { value: parseServer(mapped), why: `the servers option, for ${registry}` }
  if (variable !== undefined) return { value: parseServer(variable), why: 'DOCKER_CONTENT_TRUST_SERVER' }
  const address = registry === 'docker.io' ? 'https://notary.docker.io' : `https://${registry}`
  return {
    value: parseServer(address),
    why: `Docker's default for ${registry}: DOCKER_CONTENT_TRUST_SERVER is not set`,
  }
}

/** The folder of Docker's config.json. */
export function chooseDockerConfig({ dockerConfig }: Pick<TrustClientOptions, 'dockerConfig'>, env: Environment): Choice<string> {
  const variable = env['DOCKER_CONFIG'] || undefined
  if (dockerConfig !== undefined) return { value: resolve(dockerConfig), why: 'the dockerConfig option' }
  if (variable !== undefined) return { value: resolve(variable), why: 'DOCKER_CONFIG' }
  const home = (process.platform === 'win32' ? env['USERPROFILE'] : env['HOME']) || homedir()
  return { value: resolve(join(home, '.docker')), why: "Docker's default: DOCKER_CONFIG is not set" }
}

/** The cache. */
export function chooseTrustDirectory(
  options: Pick<TrustClientOptions, 'dockerConfig' | 'trustDirectory'>,
  env: Environment,
): Choice<string> {
  if (options.trustDirectory !== undefined) return { value: resolve(options.trustDirectory), why: 'the trustDirectory option' }
  return { value: join(chooseDockerConfig(options, env).value, 'trust'), why: 'beside config.json, as docker and notary have it' }
}
