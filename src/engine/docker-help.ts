/** Asks the installed docker which options it has. */
import { execFile } from 'node:child_process'
import { UsageError } from '../errors.js'
import { type DockerOptions, readDockerOptions } from './docker-options.js'
import type { FoundDocker } from './find-docker.js'

/** Bytes of a help text. Stops a program that is no docker from filling memory. */
const MAX_HELP_BYTES = 1024 * 1024

/** Milliseconds for docker to print its help. Stops a program that waits for something. */
const PATIENCE = 20_000

/** Where no engine is: docker would ask it which options it supports, and hide the others. */
const NO_ENGINE = 'unix:///dct/no-engine.sock'

/** The options of a command; of docker itself without one. @throws UsageError ERR_SETTINGS_INVALID when docker prints no options */
export async function askDockerOptions(
  { program, env }: FoundDocker,
  command: readonly string[],
  config: string | undefined,
): Promise<DockerOptions> {
  const quiet = { ...env, DOCKER_HOST: NO_ENGINE, DOCKER_CONTEXT: undefined, DOCKER_CONTENT_TRUST: undefined }
  const own = config === undefined ? quiet : { ...quiet, DOCKER_CONFIG: config }
  const help = await new Promise<string>((resolve, reject) => {
    const limits = { env: own, maxBuffer: MAX_HELP_BYTES, timeout: PATIENCE }
    const child = execFile(program, [...command, '--help'], limits, (cause, stdout) => {
      if (cause === null) resolve(stdout)
      else reject(unreadable(program, command, cause))
    })
    child.stdin?.end()
  })
  const options = readDockerOptions(help)
  if (options.short.size === 0) throw unreadable(program, command)
  return options
}

function unreadable(program: string, command: readonly string[], cause?: Error): UsageError {
  const line = [program, ...command, '--help'].join(' ')
  return new UsageError('ERR_SETTINGS_INVALID', `docker does not say which options it has: ${line}`, {
    hint: `Look at what it prints: ${line}`,
    ...(cause === undefined ? {} : { cause }),
  })
}
