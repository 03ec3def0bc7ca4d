/** `dct cache list|verify|forget` */
import type { MetadataStore } from '../cache/metadata-store.js'
import { describeDiskError, isRefusedByOwner, OWNER_HINT } from '../cache/owner.js'
import { collectionOf, Session } from '../client/session.js'
import { readSettings } from '../client/settings/settings.js'
import { TrustError, UnavailableError, UsageError } from '../errors.js'
import { parseGun } from '../reference/reference.js'
import { shellWord } from '../shell-word.js'
import { type CommandLine, clientOptions } from './arguments.js'
import { EXIT, type Io } from './io.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { type Progress, startProgress } from './progress.js'

/** The exit status. */
export async function cache(line: CommandLine, io: Io): Promise<number> {
  using progress = startProgress(io, line)
  const speaker = new Speaker(progress.io, line)
  const json = line.values.json ?? false
  const [action, ...guns] = line.words
  const options = await clientOptions(line, progress.io, progress.tell)
  const { store, warnings } = await readSettings({ ...options, offline: true })
  for (const warning of warnings) speaker.warning(warning)
  const kept = async () => (await store.list()).filter(isGun)
  switch (action) {
    case 'list':
      for (const gun of await kept()) {
        if (json) speaker.json({ gun })
        else speaker.answer(gun)
      }
      return EXIT.ok
    case 'verify': {
      const session = await Session.open({ ...options, offline: true })
      return each(guns.length === 0 ? await kept() : guns, { store, speaker, json, progress }, async (gun) => {
        const inspection = await session.inspect(collectionOf(gun))
        const { roles, expires } = inspection
        if (json) return speaker.json(inspection)
        speaker.answer(`${gun} ${roles.map(({ role, version }) => `${role}:${version}`).join(' ')} expires ${expires}`)
        const root = roles.find(({ role }) => role === 'root')
        for (const { id, canonicalId } of root?.keyDetails ?? [])
          speaker.note(`root key of ${gun}: ${id}${canonicalId === undefined ? '' : ` (canonical ID ${canonicalId})`}`)
      })
    }
    case 'forget':
      if (guns.length === 0)
        throw new UsageError('ERR_SETTINGS_INVALID', 'dct cache forget needs the GUN that is to be forgotten', {
          hint: 'What is kept: dct cache list',
        })
      return each(guns, { store, speaker, json, progress }, async (gun) => {
        const forgotten = await forget(store, gun)
        if (forgotten)
          speaker.warning({
            message: `${gun} is forgotten: the next root that a server offers for it is trusted on first use, unless a pin says otherwise`,
          })
        else speaker.always(`nothing was kept of ${gun}; what is kept: dct cache list`)
      })
    default:
      throw new UsageError(
        'ERR_SETTINGS_INVALID',
        `dct cache takes list, verify or forget${action === undefined ? '' : `, got ${JSON.stringify(action)}`}`,
        { hint: 'What is kept: dct cache list' },
      )
  }
}

/** Folders are named by anybody who can write there: what is no GUN was never kept here, and is not printed. */
function isGun(name: string): boolean {
  try {
    return parseGun(name) === name
  } catch (cause) {
    if (cause instanceof TrustError) return false
    throw cause
  }
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

interface Means {
  readonly store: MetadataStore
  readonly speaker: Speaker
  readonly json: boolean
  readonly progress: Progress
}

async function each(
  guns: readonly string[],
  { store, speaker, json, progress }: Means,
  work: (gun: string) => Promise<void>,
): Promise<number> {
  const statuses: number[] = []
  progress.total = guns.length
  const listed = new Set(await store.list())
  for (const gun of guns) {
    try {
      // Another program may have kept a collection under a name that it would not be looked up by.
      await work(listed.has(gun) ? gun : parseGun(gun))
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      if (json) speaker.failed({ gun }, error)
      speaker.error(error, error.message.includes(gun) ? undefined : gun)
      statuses.push(exitStatus(error))
    }
    progress.done++
  }
  return mostSevere(statuses)
}
