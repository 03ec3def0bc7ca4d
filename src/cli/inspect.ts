/** `dct inspect REFERENCE...` */
import { createCommandClient, type TrustClient } from '../client/trust-client.js'
import { TrustError } from '../errors.js'
import { parseReference } from '../reference/reference.js'
import { type InspectedImage, inspectJson, inspectPretty } from '../report/docker-trust.js'
import { readCollection } from '../tasks/collection.js'
import { clientOptions } from './client-options.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { startProgress } from './progress.js'

/** The exit status. */
export async function inspect(line: CommandLine, io: Io): Promise<number> {
  const { words, values } = line
  using progress = startProgress(io, line)
  progress.total = words.length
  const speaker = new Speaker(progress.io, line)
  await using client = createCommandClient(await clientOptions(line, progress.io, progress.tell))
  const images: InspectedImage[] = []
  const statuses: number[] = []
  const said = new Set<string>()
  for (const name of words) {
    try {
      const image = await read(client, name)
      for (const warning of image.inspection.warnings) if (!said.has(warning.message)) speaker.warning(warning)
      for (const { message } of image.inspection.warnings) said.add(message)
      // As docker: with --pretty each one is printed at once, and the first that fails is the last.
      if (values.pretty) progress.io.out(`${images.length === 0 ? '' : BETWEEN}${inspectPretty(image)}`)
      images.push(image)
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      speaker.error(error, words.length > 1 && !error.message.includes(name) ? name : undefined)
      statuses.push(exitStatus(error))
      if (values.pretty) {
        if (images.length > 0) progress.io.out(BETWEEN)
        break
      }
    }
    progress.done++
  }
  if (!values.pretty) progress.io.out(inspectJson(images))
  return mostSevere(statuses)
}

/** What docker prints behind each reference but the last. */
const BETWEEN = '\n\n'

async function read(client: TrustClient, name: string): Promise<InspectedImage> {
  const { tag, tagDefaulted, digest } = parseReference(name)
  const { list, inspection } = await readCollection(client, name)
  return {
    name,
    list,
    inspection,
    ...(tag === undefined || tagDefaulted ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}
