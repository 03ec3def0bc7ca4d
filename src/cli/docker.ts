/** `dct docker ARGUMENT...`: docker, with content trust as Docker 28 had it. */
import { contentTrustEnabled } from '../client/settings/content-trust.js'
import { parseGoBoolean } from '../client/settings/environment.js'
import { createCommandClient, type TrustClient } from '../client/trust-client.js'
import { askDockerOptions } from '../engine/docker-help.js'
import { type DockerLine, readDockerLine } from '../engine/docker-line.js'
import { type ReadWords, readDockerWords } from '../engine/docker-words.js'
import { type FoundDocker, findDocker } from '../engine/find-docker.js'
import { handOver } from '../engine/hand-over.js'
import { imageMounts } from '../engine/image-mounts.js'
import { TrustError, UsageError } from '../errors.js'
import { chooseBuilder, verifyBuild } from '../tasks/build.js'
import { type ContainerLines, prepareImage, type VerifiedImage, verifyImage, verifyMounts } from '../tasks/container.js'
import { type PullLines, verifyPull } from '../tasks/pull.js'
import { runBuild } from '../tasks/run-build.js'
import { MAX_FILE_BYTES } from '../tasks/source-files.js'
import { buildRun } from './build.js'
import { clientOptions } from './client-options.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { Speaker } from './output.js'
import { startProgress } from './progress.js'
import { readBytes } from './standard-input.js'
import { tell } from './tell.js'

const SWITCH = 'disable-content-trust'

/** Exit statuses of docker when a command fails: `docker run` leaves the small numbers to the container. */
const FAILED = 1
const RUN_FAILED = 125

/** Options of docker pull that have a meaning for a pull by digest. */
const PULL_OPTIONS: ReadonlySet<string> = new Set(['all-tags', 'platform', 'quiet', SWITCH])

/** How each of Docker's own errors begins, where docker/cli 28 cli/trust/trust.go puts a word before it. */
const PREFIXES: readonly (readonly [RegExp, string])[] = [
  [/^(remote trust data does not exist|remote repository|error contacting notary server|trust data missing)/, 'Error: '],
  [/^potential malicious behavior/, 'Warning: '],
]

/** What content trust does not reach, and what of ours does. */
const BEYOND: ReadonlyMap<string, string> = new Map([
  ['compose', 'Verify its images before: dct verify IMAGE, and write the digests into the Compose file'],
  ['service', 'Give it the digest: dct verify IMAGE'],
  ['stack', 'Verify its images before: dct verify IMAGE, and write the digests into the file'],
  ['plugin', 'Give it the digest: dct verify PLUGIN'],
  ['bake', 'Verify its images before: dct verify IMAGE, and write the digests into the Dockerfiles'],
  ['buildx', 'Verify its images before: dct verify IMAGE, and write the digests into the Dockerfile'],
  ['builder', 'Verify its images before: dct verify IMAGE, and write the digests into the Dockerfile'],
])

/** The exit status: docker's own, or what docker 28 had when it refused an image. */
export async function docker({ words: argv }: CommandLine, io: Io): Promise<number> {
  let status = FAILED
  let command = ''
  const speaker = new Speaker(io, { values: {} })
  try {
    const found = findDocker(io.env, io.program)
    if (!mayBeOn(argv, io)) return await untouched(found, argv, io)
    const line = readDockerLine(argv, await askDockerOptions(found, [], undefined))
    command = line.command.join(' ')
    status = line.task === 'run' ? RUN_FAILED : FAILED
    return await new DockerRun(found, argv, line, io, speaker).run()
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    if (io.signal.aborted) return EXIT.interrupted
    reportAsDocker(error, status === RUN_FAILED ? command : undefined, io)
    speaker.note(`hint: ${error.hint}`)
    return status
  }
}

/** Whether content trust can be on at all. When it cannot, nothing is read and nothing changes. */
function mayBeOn(argv: readonly string[], { env }: Io): boolean {
  return contentTrustEnabled({ env }) || argv.some((word) => word.startsWith(`--${SWITCH}=`))
}

function untouched(found: FoundDocker, args: readonly string[], { leaveTerminal }: Io): Promise<number> {
  leaveTerminal?.()
  return handOver(found, args)
}

/** In docker's words. */
function reportAsDocker({ message }: TrustError, command: string | undefined, { err }: Io): void {
  const [, prefix = ''] = PREFIXES.find(([pattern]) => pattern.test(message)) ?? []
  if (command === undefined) err(`${prefix}${message}\n`)
  else err(`docker: ${prefix}${message}\n\nRun 'docker ${command} --help' for more information\n`)
}

/** One run of docker while content trust may be on. */
class DockerRun {
  readonly #found: FoundDocker
  readonly #argv: readonly string[]
  readonly #line: DockerLine
  readonly #io: Io
  readonly #speaker: Speaker

  constructor(found: FoundDocker, argv: readonly string[], line: DockerLine, io: Io, speaker: Speaker) {
    this.#found = found
    this.#argv = argv
    this.#line = line
    this.#io = io
    this.#speaker = speaker
  }

  /** The exit status. @throws TrustError of any kind */
  async run(): Promise<number> {
    const { task, command, words } = this.#line
    if (task === undefined) return this.#untouched()
    if (task === 'push' || task === 'sign' || task === 'beyond') {
      if (contentTrustEnabled({ env: this.#io.env })) this.#warn()
      return this.#untouched()
    }
    const read = readDockerWords(
      words,
      await askDockerOptions(this.#found, command, this.#config()),
      task !== 'run' && task !== 'create',
    )
    // docker prints its usage and does nothing else.
    if (isGiven(read, 'help') || (read.operands.length === 0 && task !== 'build')) return this.#untouched()
    if (!this.#isOn(read)) return this.#untouched()
    if (task === 'pull') return this.#pull(read)
    if (task === 'build') return this.#build(read)
    return this.#container(task, read)
  }

  #untouched(): Promise<number> {
    return untouched(this.#found, this.#argv, this.#io)
  }

  #warn(): void {
    const [first = ''] = this.#line.command
    const name = `docker ${this.#line.command.join(' ')}`
    const message =
      this.#line.task === 'beyond'
        ? `content trust does not reach ${name}: its images are not verified. ${BEYOND.get(first) ?? ''}`
        : `dct signs nothing: ${name} is given to docker, which signs up to Docker 28 only`
    this.#speaker.warning({ message })
  }

  /** The switch as Docker reads it: the option wins. @throws UsageError ERR_SETTINGS_INVALID */
  #isOn(read: ReadWords): boolean {
    const given = read.options.filter(({ name }) => name === SWITCH).at(-1)
    if (given === undefined) return contentTrustEnabled({ env: this.#io.env })
    const { value = 'true' } = given
    const disabled = parseGoBoolean(value)
    if (disabled !== undefined) return !disabled
    throw new UsageError('ERR_SETTINGS_INVALID', `invalid argument ${JSON.stringify(value)} for "--${SWITCH}" flag`, {
      hint: `Type --${SWITCH}, --${SWITCH}=false, or neither.`,
    })
  }

  async #pull(read: ReadWords): Promise<number> {
    const { words, command } = this.#line
    const foreign = read.options.find(({ name }) => !PULL_OPTIONS.has(name))
    const [reference = '', more] = read.operands.map((at) => words[at] ?? '')
    if (foreign !== undefined || more !== undefined) {
      const what = foreign === undefined ? JSON.stringify(more) : `the option ${words[foreign.from]}`
      throw new UsageError('ERR_SETTINGS_INVALID', `dct docker ${command.join(' ')} does not know ${what}`, {
        hint: `Leave it out, or pull the digest without content trust: dct verify ${reference}`,
      })
    }
    const platform = lastValue(read, 'platform')
    const request = {
      reference,
      allTags: isGiven(read, 'all-tags'),
      quiet: isGiven(read, 'quiet'),
      ...(platform === undefined ? {} : { platform }),
      engine: this.#engine(),
    }
    const pull = await this.#verified((client, io) => verifyPull(client, request, this.#lines(io)))
    const status = await pull.run()
    return this.#io.signal.aborted ? EXIT.interrupted : status
  }

  async #container(task: 'run' | 'create', read: ReadWords): Promise<number> {
    const { globals, command, words } = this.#line
    const [at = 0] = read.operands
    const mounted = imageMounts(read)
    const image = await this.#verified(async (client, io) => {
      await verifyMounts(client, mounted, this.#lines(io))
      return await verifyImage(client, words[at] ?? '', this.#lines(io))
    })
    if (image === undefined) return this.#unverified(read)
    const when = lastValue(read, 'pull') ?? 'missing'
    const platform = lastValue(read, 'platform')
    const request = {
      when,
      quiet: isGiven(read, 'quiet'),
      ...(platform === undefined ? {} : { platform }),
      engine: this.#engine(),
    }
    const status = await prepareImage(image, request, this.#lines(this.#io))
    if (this.#io.signal.aborted) return EXIT.interrupted
    if (status !== 0) return task === 'run' ? RUN_FAILED : FAILED
    return untouched(this.#found, [...globals, ...command, ...this.#rewritten(read, at, image, when)], this.#io)
  }

  /** The words with the verified image, without the switch, and without a pull that is done. */
  #rewritten(read: ReadWords, at: number, { canonical }: VerifiedImage, when: string): string[] {
    return this.#without(
      read,
      ({ name }) => name === SWITCH || (name === 'pull' && when === 'always'),
      (word, index) => (index === at ? canonical : word),
    )
  }

  /** An image that a policy lets pass: docker gets it as typed. Docker up to 28 is told not to ask for trust by itself. */
  #unverified(read: ReadWords): Promise<number> {
    const { globals, command } = this.#line
    const { program, env } = this.#engine()
    const words = this.#without(read, ({ name }) => name === SWITCH)
    return untouched({ program, env }, [...globals, ...command, ...words], this.#io)
  }

  /** The words without some options. */
  #without(
    read: ReadWords,
    isDropped: (option: ReadWords['options'][number]) => boolean,
    written: (word: string, index: number) => string = (word) => word,
  ): string[] {
    const dropped = read.options.filter(isDropped)
    const isIn = (index: number) => dropped.some(({ from, to }) => index >= from && index < to)
    return this.#line.words.flatMap((word, index) => (isIn(index) ? [] : [written(word, index)]))
  }

  /** As docker 28, the first image that fails ends it. */
  async #build(read: ReadWords): Promise<number> {
    const { command, words } = this.#line
    const engine = this.#engine()
    const builder = await chooseBuilder(engine, command[0] === 'buildx')
    const standardInput = () => readBytes(this.#io, MAX_FILE_BYTES)
    const request = { engine, command, words, read, standardInput }
    const verdict = await this.#verified((client, io) => {
      const speaker = new Speaker(io, { values: {} })
      return verifyBuild(client, builder, request, (result) => tell(result, speaker, false))
    })
    if ('failures' in verdict) throw verdict.failures[0].error
    const config = this.#config()
    return await runBuild(verdict.build, buildRun(this.#io, this.#speaker, config === undefined ? {} : { dockerConfig: config }))
  }

  /** Progress and connections end before docker begins. */
  async #verified<Answer>(ask: (client: TrustClient, io: Io) => Promise<Answer>): Promise<Answer> {
    const config = this.#config()
    const line: CommandLine = { words: [], values: config === undefined ? {} : { config } }
    using progress = startProgress(this.#io, line)
    const options = await clientOptions(line, progress.io, progress.tell)
    await using client = createCommandClient({ ...options, disableContentTrust: false })
    return await ask(client, progress.io)
  }

  #lines(io: Io): PullLines & ContainerLines {
    const speaker = new Speaker(io, { values: {} })
    return {
      out: (text) => io.out(`${text}\n`),
      err: (text) => io.err(`${text}\n`),
      warn: (warning) => speaker.warning(warning),
      terminal: this.#io.screen !== undefined,
    }
  }

  #engine() {
    const { program, env } = this.#found
    // Docker up to 28 would ask its trust server again.
    return { program, globals: this.#line.globals, env: { ...env, DOCKER_CONTENT_TRUST: '0' }, signal: this.#io.signal }
  }

  #config(): string | undefined {
    return this.#line.globalOptions.filter(({ name }) => name === 'config').at(-1)?.value
  }
}

/** The last one counts. A value that is no boolean is docker's to refuse. */
function isGiven({ options }: ReadWords, name: string): boolean {
  const given = options.filter((one) => one.name === name).at(-1)
  return given !== undefined && (parseGoBoolean(given.value ?? 'true') ?? true)
}

function lastValue({ options }: ReadWords, name: string): string | undefined {
  return options.filter((one) => one.name === name).at(-1)?.value
}
