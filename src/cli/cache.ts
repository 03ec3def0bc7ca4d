/** `dct cache list`, `dct cache verify`, `dct cache forget` */
import type { MetadataStore } from '../cache/metadata-store.js'
import { describeDiskError, isRefusedByOwner, OWNER_HINT } from '../cache/owner.js'
import { collectionOf, Session } from '../client/session.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { readSettings } from '../client/settings/settings.js'
import { TrustError, UnavailableError } from '../errors.js'
import { isGun, parseGun } from '../reference/reference.js'
import { shellWord } from '../shell-word.js'
import { clientOptions } from './client-options.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { type Progress, startProgress } from './progress.js'

/** The exit status. */
export async function cacheList(line: CommandLine, io: Io): Promise<number> {
  using progress = startProgress(io, line)
  const { speaker, isJson, guns } = await open(line, progress)
  for (const gun of guns) {
    if (isJson) speaker.json({ gun })
    else speaker.answer(gun)
  }
  return EXIT.ok
}

/** The exit status. */
export async function cacheVerify(line: CommandLine, io: Io): Promise<number> {
  using progress = startProgress(io, line)
  const cache = await open(line, progress)
  const { options, speaker, isJson, guns } = cache
  const session = await Session.open(options, 'command')
  return each(line.words.length === 0 ? guns : line.words, cache, async (gun) => {
    const inspection = await session.inspect(collectionOf(gun))
    const { roles, expires } = inspection
    if (isJson) return speaker.json(inspection)
    speaker.answer(`${gun} ${roles.map(({ role, version }) => `${role}:${version}`).join(' ')} expires ${expires}`)
    const root = roles.find(({ role }) => role === 'root')
    for (const { id, canonicalId } of root?.keyDetails ?? [])
      speaker.note(`root key of ${gun}: ${id}${canonicalId === undefined ? '' : ` (canonical ID ${canonicalId})`}`)
  })
}

/** The exit status. */
export async function cacheForget(line: CommandLine, io: Io): Promise<number> {
  using progress = startProgress(io, line)
  const cache = await open(line, progress)
  const { store, speaker, isJson } = cache
  return each(line.words, cache, async (gun) => {
    const forgotten = await forget(store, gun)
    if (isJson) speaker.json({ gun, forgotten })
    if (forgotten)
      speaker.warning({
        message: `${gun} is forgotten: the next root that a server offers for it is trusted on first use, unless a pin says otherwise`,
      })
    else speaker.always(`nothing was kept of ${gun}; what is kept: dct cache list`)
  })
}

/** The cache, and what each of the commands needs beside it. */
interface OpenCache {
  readonly options: TrustClientOptions
  readonly store: MetadataStore
  /** The collections that are kept. */
  readonly guns: readonly string[]
  readonly speaker: Speaker
  readonly isJson: boolean
  readonly progress: Progress
}

async function open(line: CommandLine, progress: Progress): Promise<OpenCache> {
  const speaker = new Speaker(progress.io, line)
  const options = { ...(await clientOptions(line, progress.io, progress.tell)), offline: true }
  const { store, warnings } = await readSettings(options, 'command')
  for (const warning of warnings) speaker.warning(warning)
  // Anyone with write access can create folders: a name that is no GUN was never kept by us, and is not printed.
  const guns = (await store.list()).filter(isGun)
  return { options, store, guns, speaker, isJson: line.values.json ?? false, progress }
}

async function forget(store: MetadataStore, gun: string): Promise<boolean> {
  try {
    return await store.forget(gun)
  } catch (cause) {
    const reason = await describeDiskError(cause)
    const hint = isRefusedByOwner(reason) ? OWNER_HINT : `See what is kept with: dct cache verify ${shellWord(gun)}`
    throw new UnavailableError('ERR_CACHE', `the cache of ${gun} cannot be removed: ${reason}`, { gun, cause, hint })
  }
}

/** Does the work for each collection; one that fails does not stop the others. Gives the exit status. */
async function each(
  guns: readonly string[],
  { store, speaker, isJson, progress }: OpenCache,
  work: (gun: string) => Promise<void>,
): Promise<number> {
  const statuses: number[] = []
  progress.total = guns.length
  const listed = new Set(await store.list())
  for (const gun of guns) {
    try {
      // The cache may hold names that `parseGun` spells in another way: another program kept them.
      await work(listed.has(gun) ? gun : parseGun(gun))
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      if (isJson) speaker.failed({ gun }, error)
      speaker.error(error, error.message.includes(gun) ? undefined : gun)
      statuses.push(exitStatus(error))
    }
    progress.done++
  }
  return mostSevere(statuses)
}
