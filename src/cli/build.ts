/** `dct build [OPTION... --] ARGUMENT...`: docker buildx build, with verified images and no others. */
import { parseGoBoolean } from '../client/settings/environment.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { chooseDockerConfig, chooseTrustDirectory } from '../client/settings/setting-sources.js'
import { createCommandClient } from '../client/trust-client.js'
import { askDockerOptions } from '../engine/docker-help.js'
import { readDockerWords } from '../engine/docker-words.js'
import { findDocker } from '../engine/find-docker.js'
import { handOver } from '../engine/hand-over.js'
import { TrustError } from '../errors.js'
import { type BuilderKind, type BuildRequest, type BuildVerdict, chooseBuilder, verifyBuild } from '../tasks/build.js'
import { type BuildRun, runBuild } from '../tasks/run-build.js'
import { MAX_FILE_BYTES } from '../tasks/source-files.js'
import { clientOptions, goBoolean } from './client-options.js'
import { frontendRule } from './file-findings.js'
import { EXIT, type Io } from './io.js'
import { type CommandLine, OPTIONS } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { startProgress } from './progress.js'
import { readBytes } from './standard-input.js'
import { tell } from './tell.js'

const SWITCH = 'disable-content-trust'

/** The exit status: docker's own, or ours when an image is refused. */
export async function build(line: CommandLine, io: Io): Promise<number> {
  const speaker = new Speaker(io, line)
  try {
    const found = findDocker(io.env, io.program)
    const engine = { program: found.program, env: found.env, signal: io.signal }
    const builder = await chooseBuilder(engine, false)
    const command = builder.kind === 'buildkit' ? ['buildx', 'build'] : ['build']
    const config = line.values.config
    const read = readDockerWords(line.words, await askDockerOptions(found, command, config), true)
    const given = read.options.filter(({ name }) => name === SWITCH).at(-1)
    if (isOff(given === undefined ? undefined : (given.value ?? 'true'), io)) {
      const by = given === undefined ? 'DOCKER_CONTENT_TRUST' : `--${SWITCH}`
      speaker.always(`content trust is switched off by ${by}: the images of the build are not verified`)
      io.leaveTerminal?.()
      return await handOver(found, [...command, ...line.words])
    }
    const frontend = frontendRule(line.values.frontend)
    const request: BuildRequest = {
      engine: { ...engine, globals: config === undefined ? [] : ['--config', config] },
      command,
      words: line.words,
      read,
      standardInput: () => readBytes(io, MAX_FILE_BYTES),
      also: line.values.also ?? [],
      local: line.values['allow-local'] ?? [],
      remoteCaches: line.values['allow-unsigned-cache'] ?? [],
      ...(frontend === undefined ? {} : { frontend }),
    }
    const { verdict, options } = await verified(line, io, builder, request)
    if ('build' in verdict) return await runBuild(verdict.build, buildRun(io, speaker, options))
    for (const { where, error } of verdict.failures) speaker.error(error, where)
    speaker.note('nothing was built')
    return mostSevere(verdict.failures.map(({ error }) => exitStatus(error)))
  } catch (error) {
    if (io.signal.aborted) return EXIT.interrupted
    if (!(error instanceof TrustError)) throw error
    speaker.error(error)
    const asked = error.evidence?.['asked']
    if (typeof asked === 'string' && Object.hasOwn(OPTIONS, asked.replace(/^--/, '')))
      speaker.note(`hint: ${asked} is an option of dct. Write it before "--": dct build ${asked} ... -- ARGUMENT...`)
    return exitStatus(error)
  }
}

/** Typing the command asks for content trust: on, unless the option or the variable says off. */
function isOff(given: string | undefined, { env }: Io): boolean {
  if (given !== undefined) return goBoolean(SWITCH, given)
  return parseGoBoolean(env['DOCKER_CONTENT_TRUST'] ?? '') === false
}

/** Progress and connections end before docker begins. */
async function verified(
  line: CommandLine,
  io: Io,
  builder: BuilderKind,
  request: BuildRequest,
): Promise<{ readonly verdict: BuildVerdict; readonly options: TrustClientOptions }> {
  using progress = startProgress(io, line)
  const options = { ...(await clientOptions(line, progress.io, progress.tell)), disableContentTrust: false }
  await using client = createCommandClient(options)
  const speaker = new Speaker(progress.io, line)
  const verdict = await verifyBuild(client, builder, request, (result) => tell(result, speaker, false))
  return { verdict, options }
}

/** What a build says, and where it remembers builders. */
export function buildRun(
  io: Io,
  speaker: Speaker,
  options: Pick<TrustClientOptions, 'dockerConfig' | 'trustDirectory'>,
): BuildRun {
  return {
    trustDirectory: chooseTrustDirectory(options, io.env).value,
    dockerConfig: chooseDockerConfig(options, io.env).value,
    note: (text) => speaker.note(text),
    err: (text) => io.err(`${text}\n`),
    leaveTerminal: () => io.leaveTerminal?.(),
  }
}
