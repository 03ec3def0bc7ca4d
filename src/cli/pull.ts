/** `dct pull REFERENCE` */
import { contentTrustEnabled } from '../client/settings/content-trust.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { createCommandClient } from '../client/trust-client.js'
import { TrustError, UsageError } from '../errors.js'
import { type PullLines, type PullRequest, pullUnverified, type VerifiedPull, verifyPull } from '../tasks/pull.js'
import { clientOptions, commandSwitch } from './client-options.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, Speaker } from './output.js'
import { startProgress } from './progress.js'

/** What pulls, when `--engine` says nothing. */
const USUAL_ENGINE = 'docker'

/** The exit status: ours, or that of the engine's client when it fails. */
export async function pull(line: CommandLine, io: Io): Promise<number> {
  const request = requestOf(line, io)
  const trustSwitch = commandSwitch(line, io.env)
  const speaker = new Speaker(io, line)
  const lines: PullLines = {
    out: (text) => io.out(`${text}\n`),
    err: (text) => io.err(`${text}\n`),
    warn: (warning) => speaker.warning(warning),
    terminal: io.screen !== undefined,
  }
  try {
    const isOn = contentTrustEnabled({ env: io.env, ...trustSwitch })
    if (!isOn) {
      const by = trustSwitch.disableContentTrust === undefined ? 'DOCKER_CONTENT_TRUST' : '--disable-content-trust'
      speaker.always(`content trust is switched off by ${by}: ${request.reference} is pulled without a verification`)
    }
    const status = isOn
      ? await (await verified(line, io, trustSwitch, request, lines)).run()
      : await pullUnverified(request, lines)
    return io.signal.aborted ? EXIT.interrupted : status
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    speaker.error(error)
    return exitStatus(error)
  }
}

/** Progress and connections end before the engine begins. */
async function verified(
  line: CommandLine,
  io: Io,
  trustSwitch: Pick<TrustClientOptions, 'disableContentTrust'>,
  request: PullRequest,
  lines: PullLines,
): Promise<VerifiedPull> {
  using progress = startProgress(io, line)
  const options = await clientOptions(line, progress.io, progress.tell)
  await using client = createCommandClient({ ...options, ...trustSwitch })
  const speaker = new Speaker(progress.io, line)
  return await verifyPull(client, request, {
    ...lines,
    out: (text) => progress.io.out(`${text}\n`),
    err: (text) => progress.io.err(`${text}\n`),
    warn: (warning) => speaker.warning(warning),
  })
}

/** @throws UsageError ERR_SETTINGS_INVALID */
function requestOf({ words, values }: CommandLine, { env, signal }: Io): PullRequest {
  const [reference = ''] = words
  const { platform, engine = USUAL_ENGINE, config } = values
  for (const [option, value] of Object.entries({ platform, engine }))
    if (value !== undefined && (value === '' || value.startsWith('-') || value.includes('\0')))
      throw new UsageError('ERR_SETTINGS_INVALID', `--${option} takes a name, got ${JSON.stringify(value)}`, {
        hint: `For example: dct pull ${option === 'engine' ? '--engine podman' : '--platform linux/arm64'} ${reference}`,
      })
  return {
    reference,
    allTags: values['all-tags'] ?? false,
    quiet: values.quiet ?? false,
    ...(platform === undefined ? {} : { platform }),
    engine: {
      program: engine,
      // Docker up to 28 would ask its trust server again, or instead of us.
      env: { ...env, DOCKER_CONTENT_TRUST: '0', ...(config === undefined ? {} : { DOCKER_CONFIG: config }) },
      signal,
    },
  }
}
