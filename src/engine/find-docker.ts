/** Finds the docker program, and sees to it that it is not dct itself under that name. */
import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Runs of dct below dct, counted in DCT_DOCKER_DEPTH: plugins run docker again. Stops a script around dct that runs itself. */
const MAX_DEPTH = 8

/** The docker program, and the environment to run it with. */
export interface FoundDocker {
  readonly program: string
  readonly env: Environment
}

/**
 * The program is the first docker in PATH, or the one that DCT_DOCKER names.
 *
 * @param self the file of the program that runs now
 * @throws UsageError ERR_SETTINGS_INVALID when there is no docker, or when it is dct
 */
export function findDocker(env: Environment, self: string | undefined): FoundDocker {
  const depth = Number.parseInt(env['DCT_DOCKER_DEPTH'] ?? '0', 10) || 0
  const named = env['DCT_DOCKER'] ?? ''
  const programs = named === '' ? candidates('docker', env) : named.includes('/') ? [named] : candidates(named, env)
  const own = self === undefined ? undefined : realPath(self)
  const isOwn = (program: string) => own !== undefined && realPath(program) === own
  const [program] = programs
  if (program === undefined) {
    throw new UsageError('ERR_SETTINGS_INVALID', `${named === '' ? 'docker' : named} is not in PATH`, {
      hint: `Install the docker program, or name it: export DCT_DOCKER=/usr/bin/docker`,
    })
  }
  if (!isExecutable(program)) {
    throw new UsageError('ERR_SETTINGS_INVALID', `DCT_DOCKER names ${program}, which is no program that can be run`, {
      hint: `Look at it: ls -l ${shellWord(program)}. Name the docker program: export DCT_DOCKER=/usr/bin/docker`,
    })
  }
  if (isOwn(program) || depth >= MAX_DEPTH) {
    const other = programs.find((one) => !isOwn(one) && one !== program) ?? '/usr/bin/docker'
    throw new UsageError('ERR_SETTINGS_INVALID', `${program} is dct itself, so that docker would run for ever`, {
      hint: `Name the real docker program: export DCT_DOCKER=${shellWord(other)}`,
    })
  }
  return { program, env: { ...env, DCT_DOCKER_DEPTH: String(depth + 1) } }
}

/** Programs of this name, in the order of PATH. */
function candidates(name: string, { PATH = '' }: Environment): string[] {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', ''] : ['']
  const files = PATH.split(delimiter).flatMap((folder) =>
    endings.map((ending) => join(folder === '' ? '.' : folder, name + ending)),
  )
  return files.filter(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}
