/** Whether a Docker Engine answers, without waiting for one that does not. */
import { execFile } from 'node:child_process'
import type { Io } from './io.js'

/** Milliseconds that the engine has to say what it is. Stops a demo from waiting for an engine that does not answer. */
const ENGINE_PATIENCE = 3_000

/** An engine that answers. */
export interface FoundEngine {
  /** As Docker calls processors: `amd64`. */
  readonly architecture: string
  readonly version: string
}

/** Asks the docker program for its engine; resolves to why not, when there is none. Meant to run beside the rest of the demo. */
export async function findEngine(io: Io): Promise<FoundEngine | string> {
  const asked = await docker(io, ['version', '--format', '{{.Server.Version}} {{.Server.Arch}}'], ENGINE_PATIENCE)
  if (asked.isMissing) return 'there is no docker on this machine'
  const [version, architecture] = asked.out.trim().split(' ')
  if (asked.status !== 0 || version === undefined || architecture === undefined)
    return 'docker is here, but its engine does not answer'
  return { version, architecture }
}

/** What a run of docker came to. */
interface Finished {
  readonly status: number
  readonly out: string
  readonly err: string
  readonly isMissing: boolean
}

/** One run of docker, its output kept. Never rejects. */
export function docker(
  { env, signal }: Pick<Io, 'env'> & Partial<Pick<Io, 'signal'>>,
  args: readonly string[],
  timeout: number,
): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { env: { ...env, DOCKER_CONTENT_TRUST: '0' }, timeout, killSignal: 'SIGKILL' as const, signal }
    const child = execFile('docker', args, options, (error, out, err) => {
      const code = error?.code
      resolve({ status: error === null ? 0 : typeof code === 'number' ? code : 1, out, err, isMissing: code === 'ENOENT' })
    })
    child.stdin?.end()
  })
}
