/** The work of a client: settings, connections, refreshes. Loaded with the first call, together with all that it imports. */
import type { ImageReference, ImageRepository } from '../reference/reference.js'
import { bindingPins, pinnedAs } from '../trust/pinning.js'
import type { TrustServer } from '../trust-server/notary-url.js'
import {
  answerDigest,
  answerInspection,
  answerLookup,
  answerTag,
  answerTags,
  type VerifiedCollection,
} from './answers/answers.js'
import { explainServer } from './answers/server-hints.js'
import { configWarnings, warningsOf } from './answers/warnings.js'
import { Deadline, type TimeLimit } from './deadline.js'
import { refresh } from './refresh/refresh.js'
import { ServerFiles } from './refresh/server-files.js'
import { VerifiedSetCache } from './refresh/verified-set-cache.js'
import { NO_FIRST_USE, type RefreshTerms, registryOf, type SignedPlace, signedPlace } from './refresh-terms.js'
import type { Inspection, LookupResult, TagList, VerifyResult } from './results.js'
import type { Lock } from './settings/lockfile-setting.js'
import type { TrustClientOptions } from './settings/options.js'
import type { Choice, Reader } from './settings/setting-source.js'
import { readSettings, type Settings } from './settings/settings.js'
import { type Batch, SharedRefreshes } from './shared-refreshes.js'
import { Transports } from './transports.js'
import type { UnderPolicy } from './under-policy.js'

/** A collection, its familiar name, and whether it is named by an image reference. */
export interface Collection extends Pick<ImageRepository, 'gun' | 'domain' | 'familiarName'> {
  /** The name is exactly the GUN that was signed: no mirror is replaced. */
  readonly isExact?: boolean
}

/** Where a collection is asked for: its signed name, server and lock. */
interface Place extends SignedPlace {
  readonly lock: Lock | undefined
}

/** What is taken down of a collection. */
export interface TakenDown {
  readonly verified: VerifiedCollection
  /** By version. */
  readonly earlierRoots: ReadonlyMap<number, Uint8Array>
}

/** Any collection, image or not: its server follows from the first component of the name. */
export function collectionOf(gun: string): Collection {
  return { gun, domain: registryOf(gun), familiarName: gun, isExact: true }
}

export class Session {
  readonly #settings: Settings
  readonly #transports: Transports
  readonly #refreshes: SharedRefreshes
  readonly #sets = new VerifiedSetCache()
  /** Undefined when neither a policy nor required signers are given. */
  readonly #rules: UnderPolicy | undefined

  private constructor(settings: Settings, rules: UnderPolicy | undefined) {
    this.#settings = settings
    this.#transports = new Transports(settings)
    this.#refreshes = new SharedRefreshes(settings.timeout)
    this.#rules = rules
  }

  /** @throws UsageError ERR_SETTINGS_INVALID */
  static async open(options: TrustClientOptions, reader?: Reader): Promise<Session> {
    return Session.with(await readSettings(options, reader))
  }

  /** With settings that were read before. */
  static async with(settings: Settings): Promise<Session> {
    if (settings.policy === undefined) return new Session(settings, undefined)
    const { UnderPolicy } = await import('./under-policy.js')
    return new Session(settings, new UnderPolicy(settings.policy, settings))
  }

  async verify(reference: ImageReference, batch?: Batch): Promise<VerifyResult> {
    if (this.#rules !== undefined) return await this.#rules.verify(reference, (terms) => this.#verified(reference, terms, batch))
    const { gun, tag, digest } = reference
    if (tag === undefined && digest !== undefined && this.#settings.digestReferences === 'accept') {
      if (this.#settings.frozen) this.#place(reference)
      return { status: 'by-digest', reference: reference.reference, gun, digest, canonicalReference: `${gun}@${digest}` }
    }
    const verified = await this.#verified(reference, undefined, batch)
    return tag === undefined && digest !== undefined
      ? answerDigest(verified, reference, digest)
      : answerTag(verified, reference, tag ?? 'latest')
  }

  async lookup(gun: string, target: string, roles?: readonly string[]): Promise<LookupResult> {
    const collection = collectionOf(gun)
    const refresh = (terms?: RefreshTerms) => this.#verified(collection, terms)
    if (this.#rules !== undefined) return this.#rules.lookup(collection, target, roles, refresh)
    return answerLookup(await refresh(), target, roles)
  }

  async listTags(repository: Collection): Promise<TagList> {
    const refresh = (terms?: RefreshTerms) => this.#verified(repository, terms)
    return this.#rules === undefined ? answerTags(await refresh()) : this.#rules.listTags(repository, refresh)
  }

  async inspect(repository: Collection & Partial<Pick<ImageReference, 'tag' | 'tagDefaulted'>>): Promise<Inspection> {
    const refresh = (terms?: RefreshTerms) => this.#verified(repository, terms)
    return this.#rules === undefined ? answerInspection(await refresh()) : this.#rules.inspect(repository, refresh)
  }

  /** Where a collection is asked for, without asking. @throws UsageError ERR_SETTINGS_INVALID */
  placeOf(collection: Collection): SignedPlace {
    return signedPlace(collection, this.#settings, this.#rules?.termsOf(collection))
  }

  /** Where tags of a collection are asked for, and the rule that each place comes from. Empty without a policy. */
  placesOfTags(collection: Collection): readonly (SignedPlace & { readonly match: string })[] {
    return (this.#rules?.decisionsOfTags(collection) ?? []).map(({ match, terms }) => ({
      match: terms.server.rule?.match ?? match,
      ...signedPlace(collection, this.#settings, terms),
    }))
  }

  /** The verified set itself, for a lock. Locking is how a new root is accepted, so `firstUse: refuse` of a policy does not count. */
  async verifiedSet(collection: Collection): Promise<VerifiedCollection> {
    const terms = this.#rules?.collection(collection).terms
    if (terms === undefined) return this.#verified(collection)
    const pinnings = terms.pinnings.filter((one) => one !== NO_FIRST_USE)
    return this.#verified(collection, { ...terms, key: `${terms.key} to be locked`, pinnings })
  }

  /**
   * The verified set, and the roots before its own by version, as far as the server has them. From the cache there are none.
   *
   * @throws TrustError of any kind
   */
  async takeDown(collection: Collection): Promise<TakenDown> {
    const verified = await this.#verified(collection, this.#rules?.collection(collection).terms)
    const { stage, server, freshness } = verified
    if (freshness !== 'fresh') return { verified, earlierRoots: new Map() }
    const { gun } = stage.context
    using deadline = new Deadline(this.#settings, gun, { until: performance.now() + this.#settings.timeout })
    const transport = this.#transports.to(server)
    const files = new ServerFiles({ gun, transport, signal: deadline.signal, tell: this.#settings.onEvent })
    const { earlierRoots } = await import('./refresh/earlier-roots.js')
    return { verified, earlierRoots: await earlierRoots(stage.anchor.chain, files) }
  }

  async close(): Promise<void> {
    await this.#transports.close()
  }

  /** One refresh for all callers that ask the same of a collection while it runs; a batch keeps it. */
  #verified(collection: Collection, terms?: RefreshTerms, batch?: Batch): Promise<VerifiedCollection> {
    const name = `${sharedName(collection)} ${terms?.key ?? ''}`
    return this.#refreshes.verified(name, batch, (time) => this.#refresh(collection, terms, time))
  }

  /** Where a collection is asked for, its signed name and its lock. @throws TrustError ERR_NOT_LOCKED, ERR_LOCK_MISMATCH, ERR_SETTINGS_INVALID */
  #place(collection: Collection, terms?: RefreshTerms): Place {
    const place = signedPlace(collection, this.#settings, terms)
    const choice = this.#bundled(place.gun) ?? place.choice
    return { ...place, choice, lock: this.#settings.lockFor(place.gun, choice.value) }
  }

  /** The server that a bundled collection came from. @throws UnsignedError ERR_NO_TRUST_DATA when the bundle does not hold it */
  #bundled(gun: string): Choice<TrustServer> | undefined {
    const bundle = this.#settings.bundle?.bundle
    return bundle && { value: bundle.serverOf(gun), source: { kind: 'bundle', file: bundle.file } }
  }

  async #refresh(collection: Collection, terms: RefreshTerms | undefined, time: TimeLimit): Promise<VerifiedCollection> {
    const { store, offline, signal, credentials, firstUse, bundle, onEvent: tell } = this.#settings
    const staleFallback = bundle === undefined ? (terms?.staleFallback ?? this.#settings.staleFallback) : 'refuse'
    const { choice, gun, mirror, lock } = this.#place(collection, terms)
    const server = choice.value
    const allPins = [this.#settings.pinning, ...(firstUse === 'refuse' ? [NO_FIRST_USE] : []), ...(terms?.pinnings ?? [])]
    const [pinning, ...alsoPinned] = bindingPins(
      gun,
      allPins.map((one) => pinnedAs(gun, collection.gun, one)),
    )
    const now = this.#settings.now()
    const ticks = performance.now()
    const maxAge = terms?.maxAge ?? this.#settings.maxAge
    signal?.throwIfAborted()
    using deadline = new Deadline(this.#settings, gun, time)
    const transport = offline && bundle === undefined ? undefined : this.#transports.to(server)
    const { familiarName } = collection
    const judgedBy = { pinning, alsoPinned, lock, staleFallback, now, ticks, maxAge }
    const request = { gun, familiarName, server, transport, store, ...judgedBy, signal: deadline.signal, tell }
    try {
      const refreshed = await (bundle === undefined
        ? refresh(request, this.#sets)
        : (await import('./refresh/refresh-from-bundle.js')).refreshFromBundle(request, bundle, this.#sets))
      signal?.throwIfAborted()
      const found = [
        ...warningsOf(refreshed.stage, bundle === undefined ? server : undefined, pinning, now),
        ...configWarnings(credentials),
      ]
      const warnings = [...this.#settings.warnings, ...refreshed.warnings, ...found]
      for (const warning of warnings) tell({ type: 'warning', gun, ...warning })
      return { ...refreshed, server, warnings, mirror, judgedAsOf: bundle?.judgeAsOf }
    } catch (cause) {
      signal?.throwIfAborted()
      if (bundle !== undefined) throw cause
      const { warnings, reader } = this.#settings
      throw explainServer(cause, { choice, gun, name: familiarName, now, warnings, reader })
    }
  }
}

/** An exact name and an image name may be two collections: a mirror's images are signed in the name of another registry. */
function sharedName({ gun, isExact }: Collection): string {
  return isExact === true ? `exactly ${gun}` : gun
}
