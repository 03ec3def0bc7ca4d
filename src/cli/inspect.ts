/** `dct inspect REFERENCE...` */
import { createCommandClient, type TrustClient } from '../client/trust-client.js'
import { TrustError } from '../errors.js'
import { parseReference } from '../reference/reference.js'
import { type InspectedImage, inspectJson, inspectPretty } from '../report/docker-trust.js'
import { readCollection, verdictOf } from '../tasks/collection.js'
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
      const image = await read(client, name, speaker)
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

/** Tags left out of which one line each tells. */
const MAX_TOLD = 10

/**
 * docker's form has no place for a mark, and programs take digests from it: a tag that the policy refuses is left out and told.
 *
 * @throws TrustError of any kind, that of the tag when it is named and refused
 */
async function read(client: TrustClient, name: string, speaker: Speaker): Promise<InspectedImage> {
  const { tag, tagDefaulted, digest, gun, familiarName } = parseReference(name)
  const { list, inspection } = await readCollection(client, name)
  const isAll = tag === undefined || tagDefaulted
  const asked = list.tags.filter((listed) => (isAll || listed.tag === tag) && (digest === undefined || listed.digest === digest))
  const told = asked.filter(({ error }) => error !== undefined)
  const refused = asked.filter((listed) => verdictOf(listed) === 'refused')
  const [first] = refused
  if (first?.error !== undefined && !(isAll && digest === undefined) && refused.length === asked.length) throw first.error
  for (const listed of told.slice(0, MAX_TOLD))
    if (listed.error !== undefined)
      speaker.permitted(`${gun}:${listed.tag} is signed and ${verdictOf(listed)} by the policy`, listed.error)
  const more = told.length - MAX_TOLD
  if (more > 0) speaker.warning({ message: `the same holds for ${more} more tags: dct tags ${familiarName}` })
  return {
    name,
    list: { ...list, tags: list.tags.filter((listed) => !refused.includes(listed)) },
    inspection,
    ...(isAll ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}
