/**
 * Proves that a container engine refuses a tag that is not signed: its own client pulls the tag, with the engine's configuration.
 * Only a refusal that names the resolver counts. Any other failure says nothing: the engine might pull the tag another day.
 */
import { type Captured, runCaptured } from '../engine/captured-run.js'
import { UsageError } from '../errors.js'
import { parseReference } from '../reference/reference.js'
import type { HostEngine } from './engine-hosts.js'

/** What is to be tried. */
export interface SelfTest {
  readonly engine: HostEngine
  /** The folder of the engine's configuration: `ctr` does not read it by itself. */
  readonly folder: string
  /** Address of `dct serve`. */
  readonly resolver: URL
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** What one client did with one image. */
export interface Trial {
  /** `ctr`, `crictl`, `docker`, `podman` */
  readonly program: string
  /** With a tag, in full. */
  readonly image: string
  /** `refused`: by the resolver. `unknown`: not pulled, and not by a refusal of the resolver; or not tried. */
  readonly outcome: 'refused' | 'pulled' | 'unknown'
  /** Why it is unknown. */
  readonly reason?: string
  /** The last lines that the client printed. */
  readonly output: string
  /** The command that removes what could not be removed. */
  readonly left?: string
}

/** How a client of an engine pulls, and how it removes. */
interface Client {
  readonly program: string
  readonly pull: (image: string) => readonly string[]
  /** Ends with success when the engine has the image. Absent when images of others are out of reach. */
  readonly find?: (image: string) => readonly string[]
  readonly remove: (image: string) => readonly (readonly string[])[]
  /** It is tried only where it is installed. */
  readonly isOptional?: true
}

/** Milliseconds for one command of a client, the pull of an image included. */
const PATIENCE = 300_000

/** Lines of a client's output that are told. */
const MAX_LINES = 5

/** Tries the pull with each client of the engine. @throws UsageError when the reference has a digest: an engine resolves none */
export async function tryPull(reference: string, test: SelfTest): Promise<readonly Trial[]> {
  const { gun, tag, digest } = parseReference(reference)
  if (digest !== undefined || tag === undefined)
    throw new UsageError('ERR_REFERENCE_INVALID', `${reference} has a digest: the engine asks nobody what it stands for`, {
      hint: `Name a tag: ${gun}:TAG`,
    })
  const trials: Trial[] = []
  for (const client of clientsOf(test)) {
    const trial = await tryWith(client, `${gun}:${tag}`, test)
    if (trial !== undefined) trials.push(trial)
  }
  return trials
}

/**
 * Docker Engine reads the files only with the image store of containerd, which is the default of new installations since Docker 29.
 * An upgraded one keeps the old store. Undefined when it has the right one, or does not say.
 */
export async function storeFault({ engine, env, signal }: SelfTest): Promise<string | undefined> {
  if (engine !== 'docker') return undefined
  const { status, output } = await runCaptured('docker', ['info', '--format', '{{json .DriverStatus}}'], {
    env,
    signal,
    timeout: PATIENCE,
  })
  return status !== 0 || output.includes('io.containerd.snapshotter')
    ? undefined
    : 'this Docker Engine has the old image store, which does not read certs.d/HOST/hosts.toml'
}

function clientsOf({ engine, folder }: SelfTest): readonly Client[] {
  // A namespace of its own: images of others are neither found nor removed.
  const namespace = `dct-self-test-${process.pid}`
  const ctr: Client = {
    program: 'ctr',
    pull: (image) => ['--namespace', namespace, 'images', 'pull', '--hosts-dir', `${folder}/certs.d`, image],
    remove: (image) => [
      ['--namespace', namespace, 'images', 'remove', '--sync', image],
      ['namespaces', 'remove', namespace],
    ],
  }
  const crictl: Client = {
    program: 'crictl',
    pull: (image) => ['pull', image],
    find: (image) => ['inspecti', '--quiet', image],
    remove: (image) => [['rmi', image]],
  }
  const simple = (program: string): Client => ({
    program,
    pull: (image) => ['pull', '--quiet', image],
    find: (image) => ['image', 'inspect', '--format', '{{.Id}}', image],
    remove: (image) => [['image', 'rm', image]],
  })
  if (engine === 'crio') return [crictl]
  // Kubernetes asks containerd in another way than ctr: it has its own setting for the folder.
  return engine === 'containerd' ? [ctr, { ...crictl, isOptional: true }] : [simple(engine)]
}

async function tryWith(client: Client, image: string, { resolver, env, signal }: SelfTest): Promise<Trial | undefined> {
  const { program } = client
  const run = (args: readonly string[]) => runCaptured(program, args, { env, signal, timeout: PATIENCE })
  if (client.find !== undefined) {
    const found = await run(client.find(image))
    if (client.isOptional === true && isMissing(found)) return undefined
    if (found.status === 0) {
      const reason = 'the engine has the image already, and it would be lost in the test; name another tag'
      return { program, image, outcome: 'unknown', reason, output: '' }
    }
  }
  const pulled = await run(client.pull(image))
  const output = lastLines(pulled.output)
  if (pulled.status === 0) {
    const left = await removeWith(client, image, run)
    return { program, image, outcome: 'pulled', output, ...(left === undefined ? {} : { left }) }
  }
  if (pulled.status === undefined) return { program, image, outcome: 'unknown', reason: pulled.reason, output }
  if (isRefusal(pulled.output, resolver)) return { program, image, outcome: 'refused', output }
  return { program, image, outcome: 'unknown', reason: `it failed, and not by a refusal of ${resolver.host}`, output }
}

/** The command that failed, if one did. */
async function removeWith(
  client: Client,
  image: string,
  run: (args: readonly string[]) => Promise<Captured>,
): Promise<string | undefined> {
  for (const args of client.remove(image)) {
    const { status } = await run(args)
    if (status !== 0) return [client.program, ...args].join(' ')
  }
  return undefined
}

/**
 * containerd and Docker Engine say the status and the address; podman and CRI-O the code of the answer (DENIED) and the location.
 * The name of the resolver must be there: registries refuse with 403 too.
 */
function isRefusal(output: string, { host }: URL): boolean {
  const name = host.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const namesResolver = new RegExp(`(?:^|[^A-Za-z0-9.:-])${name}(?![A-Za-z0-9-]|[.:][A-Za-z0-9])`).test(output)
  return namesResolver && /\b403 Forbidden\b|\bdenied: /.test(output)
}

function isMissing(run: Captured): boolean {
  return run.status === undefined && run.reason === 'there is no such program'
}

function lastLines(text: string): string {
  return text
    .trimEnd()
    .split(/\r?\n|\r/)
    .slice(-MAX_LINES)
    .join('\n')
}
