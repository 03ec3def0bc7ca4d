/** `dct tags REPOSITORY...` */
import type { ListedTag } from '../client/results.js'
import { createCommandClient } from '../client/trust-client.js'
import { TrustError } from '../errors.js'
import { parseRepository } from '../reference/reference.js'
import { tagFields } from '../report/signed-tags.js'
import { type Column, oneLine, tableLines } from '../report/table.js'
import { type Collection, expiresOf, readCollection, verdictOf } from '../tasks/collection.js'
import { clientOptions } from './client-options.js'
import { paintFor } from './colors.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { startProgress } from './progress.js'
import { screenWidth } from './width.js'

const COLUMNS: readonly Column[] = [
  { head: 'TAG', min: 12 },
  { head: 'DIGEST', min: 19 },
  { head: 'SIZE', min: 4, alignRight: true },
  { head: 'ROLE', min: 8 },
  { head: 'SIGNERS', min: 8 },
]

/** Only where a policy or required signers say something else than "trusted". */
const POLICY_COLUMN: Column = { head: 'POLICY', min: 10 }

/** The exit status. */
export async function tags(line: CommandLine, io: Io): Promise<number> {
  const { words, values } = line
  using progress = startProgress(io, line)
  progress.total = words.length
  const speaker = new Speaker(progress.io, line)
  const paint = paintFor(line, io)
  await using client = createCommandClient(await clientOptions(line, progress.io, progress.tell))
  const statuses: number[] = []
  let isFirst = true
  for (const repository of words) {
    try {
      const collection = await readCollection(client, parseRepository(repository).gun)
      const { gun, warnings } = collection.list
      for (const warning of warnings) speaker.warning(warning)
      if (values.json) for (const row of jsonRows(collection, speaker)) speaker.json(row)
      else {
        if (words.length > 1) speaker.answer(`${isFirst ? '' : '\n'}${paint('bold', oneLine(gun))}`)
        const [heads = '', ...rows] = tableLines(...textTable(collection), screenWidth(io))
        for (const text of collection.list.tags.length === 0 ? [] : [paint('bold', heads), ...rows]) speaker.answer(text)
        if (collection.list.tags.length === 0) speaker.note(`${gun} is signed, but none of its tags is released`)
        isFirst = false
      }
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      if (values.json) speaker.failed({ repository }, error)
      speaker.error(error, words.length > 1 && !error.message.includes(repository) ? repository : undefined)
      statuses.push(exitStatus(error))
    }
    progress.done++
  }
  return mostSevere(statuses)
}

function textTable({ list }: Collection): [readonly Column[], string[][]] {
  const marks = list.tags.map(policyMark)
  const isMarked = marks.some((mark) => mark !== '')
  const rows = list.tags.map(({ tag, digest, size, role, signers, problem }, index) => [
    tag,
    digest ?? problem ?? '',
    String(size),
    role,
    signers.join(', '),
    ...(isMarked ? [marks[index] ?? ''] : []),
  ])
  return [isMarked ? [...COLUMNS, POLICY_COLUMN] : COLUMNS, rows]
}

/** `refused (ERR_SIGNER_MISSING)`; nothing for a tag that passes. */
function policyMark(listed: ListedTag): string {
  const verdict = verdictOf(listed)
  if (verdict === 'passed') return ''
  return listed.error === undefined ? verdict : `${verdict} (${listed.error.code})`
}

function jsonRows({ list, inspection }: Collection, speaker: Speaker): unknown[] {
  const { gun } = list
  return list.tags.map((listed) => {
    const { role, problem, policy, error } = listed
    return Object.assign(tagFields(gun, listed), {
      expires: expiresOf(inspection, role),
      ...(problem === undefined ? {} : { problem }),
      ...(policy === undefined ? {} : { policy }),
      ...(error === undefined ? {} : { error: speaker.errorJson(error) }),
    })
  })
}
