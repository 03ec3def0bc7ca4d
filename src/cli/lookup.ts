/** `dct lookup` */
import { createCommandClient } from '../client/trust-client.js'
import { TrustError } from '../errors.js'
import { parseReference } from '../reference/reference.js'
import { shellWord } from '../shell-word.js'
import { clientOptions } from './client-options.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { startProgress } from './progress.js'
import { Tally } from './tally.js'

/** The exit status. */
export async function lookup(line: CommandLine, io: Io): Promise<number> {
  const [gun = '', ...targets] = line.words
  using progress = startProgress(io, line)
  progress.total = targets.length
  const speaker = new Speaker(progress.io, line)
  const tally = new Tally('targets')
  await using client = createCommandClient(await clientOptions(line, progress.io, progress.tell))
  const statuses: number[] = []
  const said = new Set<string>()
  // All are asked at once, so that one refresh answers them.
  const options = line.values.role === undefined ? {} : { roles: line.values.role }
  const running = targets.map((target) => ({ target, looked: client.lookup(gun, target, options) }))
  for (const { looked } of running) looked.catch(() => undefined) // each is awaited below, in order
  for (const { target, looked } of running) {
    try {
      const result = await looked
      if (line.values.json) speaker.json(result)
      else speaker.answer(`${result.target} ${result.digest} ${result.size}`)
      for (const warning of result.warnings) if (!said.has(warning.message)) speaker.warning(warning)
      for (const { message } of result.warnings) said.add(message)
      tally.verified()
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      error.hint = fullNameHint(error, gun, target) ?? error.hint
      if (line.values.json) speaker.failed({ target }, error)
      speaker.error(error, targets.length > 1 && !error.message.includes(target) ? target : undefined)
      statuses.push(exitStatus(error))
      tally.failed(target, error)
    }
    progress.done++
  }
  tally.tell(progress.io, line)
  return mostSevere(statuses)
}

/** For a name without its registry: the full name. As a GUN, `alpine` is a collection on a server called alpine. */
function fullNameHint({ kind, code }: TrustError, gun: string, target: string): string | undefined {
  if (kind !== 'unavailable' && code !== 'ERR_NO_TRUST_DATA') return undefined
  const full = fullName(gun)
  if (full === undefined || full === gun) return undefined
  const command = `dct lookup ${shellWord(full)} ${shellWord(target)}`
  return `A GUN is the full name of a collection, with its registry: did you mean ${full}? Then type: ${command}`
}

function fullName(name: string): string | undefined {
  try {
    return parseReference(name).gun
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}
