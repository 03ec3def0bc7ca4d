/** `dct tree REPOSITORY` */
import type { InspectedRole, Inspection } from '../client/results.js'
import { createCommandClient } from '../client/trust-client.js'
import { TrustError } from '../errors.js'
import { parseRepository } from '../reference/reference.js'
import { treeLines } from '../report/tree.js'
import { clientOptions } from './client-options.js'
import { paintFor } from './colors.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, Speaker } from './output.js'
import { startProgress } from './progress.js'
import { screenWidth } from './width.js'

/** The exit status. */
export async function tree(line: CommandLine, io: Io): Promise<number> {
  const { words, values } = line
  const [repository = ''] = words
  using progress = startProgress(io, line)
  const speaker = new Speaker(progress.io, line)
  const paint = paintFor(line, io)
  try {
    await using client = createCommandClient(await clientOptions(line, progress.io, progress.tell))
    const inspection = await client.inspect(parseRepository(repository).gun)
    for (const warning of inspection.warnings) speaker.warning(warning)
    const width = screenWidth(io)
    const now = io.now?.() ?? new Date()
    if (values.json) speaker.json(treeJson(inspection))
    else for (const text of treeLines(inspection, { now, paint, ...(width === undefined ? {} : { width }) })) speaker.answer(text)
    return EXIT.ok
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    if (values.json) speaker.failed({ repository }, error)
    speaker.error(error)
    return exitStatus(error)
  }
}

/** `{gun, root, roles}`: roles below the root, delegations that do not count among them. */
function treeJson({ roles, delegations, warnings: _, ...about }: Inspection): unknown {
  const [root] = roles
  const delegated = delegations.map(({ state, reason, delegatedBy, paths, role, threshold, keyDetails }) => {
    const loaded = roles.find((one) => one.role === role)
    const listed = { role, threshold, keys: keyDetails }
    return {
      ...(loaded === undefined ? listed : roleJson(loaded)),
      delegatedBy,
      paths,
      state,
      ...(reason === undefined ? {} : { reason }),
    }
  })
  const base = roles.slice(1).filter(({ role }) => !role.includes('/'))
  return { ...about, root: root === undefined ? undefined : roleJson(root), roles: [...base.map(roleJson), ...delegated] }
}

function roleJson({ role, version, expires, threshold, keyDetails, signedBy }: InspectedRole) {
  return { role, version, expires, threshold, keys: keyDetails, signedBy }
}
