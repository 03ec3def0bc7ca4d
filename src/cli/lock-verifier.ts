/** Verifies one collection for `dct lock`, under a given entry or none. */
import { utf8 } from '../bytes.js'
import { createMemoryStore } from '../cache/memory-store.js'
import type { MetadataStore } from '../cache/metadata-store.js'
import { versionsOf } from '../client/refresh/locked-trust.js'
import { type Collection, Session } from '../client/session.js'
import { ReadLockfile } from '../client/settings/lockfile-setting.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { readSettings } from '../client/settings/settings.js'
import { UsageError } from '../errors.js'
import { isSameServer } from '../lockfile/changes.js'
import type { LockEntry } from '../lockfile/lockfile.js'
import { writeLockfile } from '../lockfile/write-lockfile.js'
import { ruleName } from '../policy/rule-name.js'
import { shellWord } from '../shell-word.js'
import type { RootChain } from '../trust/root-chain.js'
import type { Speaker } from './output.js'

/** What was verified of a collection. */
export interface Verified {
  readonly chain: RootChain
  readonly server: string
  /** By role. */
  readonly versions: ReadonlyMap<string, number>
}

/** Where a collection is asked for, and its signed name. */
export interface Place {
  readonly gun: string
  readonly server: string
}

export class LockVerifier {
  readonly #options: TrustClientOptions
  /** The lockfile's name in messages. */
  readonly #file: string
  readonly #store: MetadataStore
  /** Knows where collections are asked for; it asks nothing. */
  readonly #places: Session
  readonly #speaker: Speaker

  private constructor(options: TrustClientOptions, file: string, store: MetadataStore, places: Session, speaker: Speaker) {
    this.#options = options
    this.#file = file
    this.#store = store
    this.#places = places
    this.#speaker = speaker
  }

  /** @throws UsageError ERR_SETTINGS_INVALID */
  static async open(given: TrustClientOptions, file: string, speaker: Speaker): Promise<LockVerifier> {
    // A lock is made of what the server says now. The lockfile of the run is given entry by entry, to `verify`.
    const options: TrustClientOptions = { ...given, staleFallback: 'refuse', lockfile: { version: 1, collections: {} } }
    const settings = await readSettings(options, 'command')
    return new LockVerifier(options, file, settings.store, await Session.with(settings), speaker)
  }

  place(collection: Collection): Place {
    const { gun, choice } = this.#places.placeOf(collection)
    return { gun, server: choice.value.typed }
  }

  /** A lock records one server for all tags. @throws UsageError ERR_SETTINGS_INVALID when rules for tags name several */
  checkOneServer(collection: Collection): void {
    const [one, ...others] = this.#places.placesOfTags(collection)
    const other = others.find(({ choice }) => one !== undefined && !isSameServer(one.choice.value.typed, choice.value.typed))
    if (one === undefined || other === undefined) return
    const [first, second] = [one, other].map(({ match, choice }) => `${choice.value.typed} under ${ruleName(match)}`)
    throw new UsageError(
      'ERR_SETTINGS_INVALID',
      `tags of ${collection.gun} have several trust servers, and a lock records one: ${first}, ${second}`,
      {
        hint: `Name one server in both rules of the policy, or lock the server of the tags that you use: dct lock --server ${shellWord(one.choice.value.typed)} ${shellWord(collection.gun)}`,
      },
    )
  }

  /** Verifies beside the cache, under the entry when there is one. @throws TrustError */
  verify(collection: Collection, entries: ReadonlyMap<string, LockEntry>): Promise<Verified> {
    return this.#verify(collection, entries, readOnly(this.#store))
  }

  /** Verifies as if the collection had never been seen. @throws TrustError */
  verifyAnew(collection: Collection): Promise<Verified> {
    return this.#verify(collection, new Map(), createMemoryStore())
  }

  async #verify(collection: Collection, entries: ReadonlyMap<string, LockEntry>, store: MetadataStore): Promise<Verified> {
    const settings = await readSettings({ ...this.#options, store }, 'command')
    const locks = new ReadLockfile(utf8(writeLockfile({ collections: entries })), this.#file)
    const session = await Session.with({ ...settings, lockFor: (gun, server) => locks.lockOf(gun, server) })
    try {
      const { stage, server, warnings } = await session.verifiedSet(collection)
      // The question about a new root says more.
      for (const warning of warnings) if (warning.code !== 'WARN_FIRST_USE') this.#speaker.warning(warning)
      return { chain: stage.anchor.chain, server: server.typed, versions: versionsOf(stage) }
    } finally {
      await session.close()
    }
  }
}

/** A store that keeps nothing new: a root that is not accepted leaves nothing behind, which a later run would trust. */
function readOnly(store: MetadataStore): MetadataStore {
  return {
    read: (gun) => store.read(gun),
    commit: () => Promise.resolve('written'),
    forget: () => Promise.resolve(false),
    list: () => store.list(),
  }
}
