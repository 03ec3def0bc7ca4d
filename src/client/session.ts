/** The work of a client: settings, connections, refreshes. Loaded with the first call, together with all that it imports. */
import { setMaxListeners } from 'node:events'
import { UnavailableError } from '../errors.js'
import type { ImageReference, ImageRepository } from '../reference/reference.js'
import { bindingPins, pinnedAs } from '../trust/pinning.js'
import { createHttpTransport } from '../trust-server/http-transport.js'
import type { TrustServer } from '../trust-server/notary-url.js'
import type { Transport } from '../trust-server/transport.js'
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
import { ownError } from './own-error.js'
import { refresh } from './refresh/refresh.js'
import { VerifiedSetCache } from './refresh/verified-set-cache.js'
import { NO_FIRST_USE, type RefreshTerms, registryOf, type SignedPlace, signedPlace } from './refresh-terms.js'
import type { Inspection, LookupResult, TagList, VerifyResult } from './results.js'
import type { Lock } from './settings/lockfile-setting.js'
import type { TrustClientOptions } from './settings/options.js'
import type { Reader } from './settings/setting-source.js'
import { readSettings, type Settings } from './settings/settings.js'
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

/** Any collection, image or not: its server follows from the first component of the name. */
export function collectionOf(gun: string): Collection {
  return { gun, domain: registryOf(gun), familiarName: gun, isExact: true }
}

/** Refreshes that several calls share, by the name that was asked for; see `sharedName`. */
export type SharedRefreshes = Map<string, Promise<VerifiedCollection>>

export class Session {
  readonly #settings: Settings
  readonly #transports = new Map<string, Transport>()
  readonly #running: SharedRefreshes = new Map()
  readonly #sets = new VerifiedSetCache()
  /** Undefined when neither a policy nor required signers are given. */
  readonly #rules: UnderPolicy | undefined

  private constructor(settings: Settings, rules: UnderPolicy | undefined) {
    this.#settings = settings
    this.#rules = rules
  }

  /** @throws UsageError ERR_SETTINGS_INVALID */
  static async open(options: TrustClientOptions, reader?: Reader): Promise<Session> {
    const settings = await readSettings(options, reader)
    if (settings.policy === undefined) return new Session(settings, undefined)
    const { UnderPolicy } = await import('./under-policy.js')
    return new Session(settings, new UnderPolicy(settings.policy, settings))
  }

  /** With `shared`, calls for one collection are answered from one refresh. */
  async verify(reference: ImageReference, shared?: SharedRefreshes): Promise<VerifyResult> {
    if (this.#rules !== undefined) return this.#rules.verify(reference, (terms) => this.#verified(reference, shared, terms))
    const { gun, tag, digest } = reference
    if (tag === undefined && digest !== undefined && this.#settings.digestReferences === 'accept') {
      if (this.#settings.frozen) this.#place(reference)
      return { status: 'by-digest', reference: reference.reference, gun, digest, canonicalReference: `${gun}@${digest}` }
    }
    const verified = await this.#verified(reference, shared)
    return tag === undefined && digest !== undefined
      ? answerDigest(verified, reference, digest)
      : answerTag(verified, reference, tag ?? 'latest')
  }

  async lookup(gun: string, target: string, roles?: readonly string[]): Promise<LookupResult> {
    const collection = collectionOf(gun)
    const refresh = (terms?: RefreshTerms) => this.#verified(collection, undefined, terms)
    if (this.#rules !== undefined) return this.#rules.lookup(collection, target, roles, refresh)
    return answerLookup(await refresh(), target, roles)
  }

  async listTags(repository: Collection): Promise<TagList> {
    const refresh = (terms?: RefreshTerms) => this.#verified(repository, undefined, terms)
    return this.#rules === undefined ? answerTags(await refresh()) : this.#rules.listTags(repository, refresh)
  }

  async inspect(repository: Collection & Partial<Pick<ImageReference, 'tag' | 'tagDefaulted'>>): Promise<Inspection> {
    const refresh = (terms?: RefreshTerms) => this.#verified(repository, undefined, terms)
    return this.#rules === undefined ? answerInspection(await refresh()) : this.#rules.inspect(repository, refresh)
  }

  /** Where a collection is asked for, without asking. @throws UsageError ERR_SETTINGS_INVALID */
  placeOf(collection: Collection): SignedPlace {
    return signedPlace(collection, this.#settings, this.#rules?.termsOf(collection))
  }

  /** The verified set itself, for a lock. Locking is how a new root is accepted, so `firstUse: refuse` of a policy does not count. */
  async verifiedSet(collection: Collection): Promise<VerifiedCollection> {
    const terms = this.#rules?.collection(collection).terms
    if (terms === undefined) return this.#verified(collection)
    return this.#verified(collection, undefined, { ...terms, pinnings: terms.pinnings.filter((one) => one !== NO_FIRST_USE) })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#transports.values()].map((transport) => transport.close()))
  }

  /** One refresh; callers that ask for the same collection while it runs get the same one. */
  #verified(collection: Collection, shared: SharedRefreshes = this.#running, terms?: RefreshTerms): Promise<VerifiedCollection> {
    const name = `${sharedName(collection)} ${terms?.key ?? ''}`
    const running = shared.get(name)
    if (running !== undefined) return running.catch((error: unknown) => Promise.reject(ownError(error)))
    const started = this.#refresh(collection, terms)
    shared.set(name, started)
    if (shared === this.#running) {
      const forget = () => shared.delete(name)
      started.then(forget, forget)
    }
    return started
  }

  /** Where a collection is asked for, its signed name and its lock. @throws TrustError ERR_NOT_LOCKED, ERR_LOCK_MISMATCH, ERR_SETTINGS_INVALID */
  #place(collection: Collection, terms?: RefreshTerms): Place {
    const place = signedPlace(collection, this.#settings, terms)
    return { ...place, lock: this.#settings.lockFor(place.gun, place.choice.value) }
  }

  async #refresh(collection: Collection, terms?: RefreshTerms): Promise<VerifiedCollection> {
    const { store, offline, signal, timeout, credentials, firstUse, onEvent: tell } = this.#settings
    const staleFallback = terms?.staleFallback ?? this.#settings.staleFallback
    const { choice, gun, mirror, lock } = this.#place(collection, terms)
    const server = choice.value
    const allPins = [this.#settings.pinning, ...(firstUse === 'refuse' ? [NO_FIRST_USE] : []), ...(terms?.pinnings ?? [])]
    const [pinning, ...alsoPinned] = bindingPins(
      gun,
      allPins.map((one) => pinnedAs(gun, collection.gun, one)),
    )
    const now = this.#settings.now()
    signal?.throwIfAborted()
    const work = new AbortController()
    // One for each request or refresh, and many run at once.
    setMaxListeners(0, work.signal, ...(signal === undefined ? [] : [signal]))
    const interrupt = () => work.abort(signal?.reason)
    signal?.addEventListener('abort', interrupt)
    const timer = setTimeout(() => work.abort(timedOut(timeout, gun)), timeout)
    const transport = offline ? undefined : this.#transportFor(server)
    const { familiarName } = collection
    const judgedBy = { pinning, alsoPinned, lock, staleFallback, now }
    const request = { gun, familiarName, server, transport, store, ...judgedBy, signal: work.signal, tell }
    try {
      const refreshed = await refresh(request, this.#sets)
      signal?.throwIfAborted()
      const found = [...warningsOf(refreshed.stage, server, pinning, now), ...configWarnings(credentials)]
      const warnings = [...this.#settings.warnings, ...refreshed.warnings, ...found]
      for (const warning of warnings) tell({ type: 'warning', gun, ...warning })
      return { ...refreshed, server, warnings, mirror }
    } catch (cause) {
      signal?.throwIfAborted()
      const { warnings, reader } = this.#settings
      throw explainServer(cause, { choice, gun, name: familiarName, now, warnings, reader })
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', interrupt)
      work.abort(new Error('the refresh has ended')) // ends guesses that were not used
    }
  }

  #transportFor(server: TrustServer): Transport {
    const { transport, dockerConfig, env, ca, credentials, onEvent, isMappedForDockerIo } = this.#settings
    if (transport !== undefined) return transport
    const known = this.#transports.get(server.typed)
    if (known !== undefined) return known
    const made = createHttpTransport({
      server,
      dockerConfig,
      env,
      ca,
      credentials,
      onEvent,
      serverIsMappedForDockerIo: isMappedForDockerIo(server),
    })
    this.#transports.set(server.typed, made)
    return made
  }
}

/** An exact name and an image name may be two collections: a mirror's images are signed in the name of another registry. */
function sharedName({ gun, isExact }: Collection): string {
  return isExact === true ? `exactly ${gun}` : gun
}

function timedOut(timeout: number, gun: string): UnavailableError {
  return new UnavailableError('ERR_SERVER_UNREACHABLE', `error contacting notary server: no answer within ${timeout / 1000} s`, {
    gun,
  })
}
