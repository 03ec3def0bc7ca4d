/** The client for long-lived use. Light until the first call, which loads everything else. */
import { TrustError, UsageError } from '../errors.js'
import { parseGun, parseReference, parseRepository } from '../reference/reference.js'
import { ConcurrencyLimit } from './concurrency-limit.js'
import type { DisabledResult, Inspection, LookupResult, TagList, VerifyResult } from './results.js'
import type { Session } from './session.js'
import { checkValues, lookupRoles, ownOptions } from './settings/check-options.js'
import { isSwitchedOn } from './settings/content-trust.js'
import type { TrustClientOptions, VerifyTagOptions } from './settings/options.js'
import type { Reader } from './settings/setting-source.js'
import { hasMethods } from './settings/value-checks.js'
import type { Batch } from './shared-refreshes.js'

/** What `verifyTags` yields for each reference. */
export type VerifyOutcome =
  | { readonly reference: string; readonly result: VerifyResult }
  | { readonly reference: string; readonly error: TrustError }

/** Collections that are refreshed at a time (memory: each may hold files of many megabytes). A known one has two requests, for 64 connections. */
const MAX_COLLECTIONS_AT_ONCE = 32

/** A client with its own settings, connections and cache. Made by `createTrustClient`. */
export interface TrustClient extends AsyncDisposable {
  /**
   * The trusted digest of an image reference, or `disabled` when content trust is off.
   *
   * @throws TrustError of any kind; `code` says what exactly, `hint` what to do
   */
  verifyTag(reference: string): Promise<VerifyResult>
  /** The same for many, in input order; one that fails does not hold up the rest, and what is no TrustError is thrown behind all answers. */
  verifyTags(references: Iterable<string>): AsyncIterableIterator<VerifyOutcome>
  /** Any name in any Notary collection, image or not. Roles: targets, then its delegations; `roles` picks. */
  lookup(gun: string, target: string, options?: { readonly roles?: readonly string[] }): Promise<LookupResult>
  /** Every released tag of an image repository. */
  listTags(repository: string): Promise<TagList>
  /** Versions, keys and expiries of every role. */
  inspect(reference: string): Promise<Inspection>
  /** Closes connections. The client cannot be used afterwards. */
  close(): Promise<void>
}

/** A client for long-lived use. Nothing is read or asked before the first call. */
export function createTrustClient(options: TrustClientOptions = {}): TrustClient {
  return new LazyTrustClient(options, 'library')
}

/** The same for the command: hints and warnings name flags. */
export function createCommandClient(options: TrustClientOptions): TrustClient {
  return new LazyTrustClient(options, 'command')
}

/**
 * The trusted digest of an image reference such as `alpine:3.19`.
 *
 * Content trust is on when `DOCKER_CONTENT_TRUST` says so, as with Docker, or with `disableContentTrust: false`; when it
 * is off the answer is `{status: 'disabled'}` and nothing was asked. Only `trusted` and `trusted-digest` mean verified.
 *
 * @throws TrustError of any kind; `code` says what exactly, `hint` what to do
 */
export async function verifyTag(reference: string, options: VerifyTagOptions = {}): Promise<VerifyResult> {
  const client = createTrustClient(options)
  try {
    return await client.verifyTag(reference)
  } finally {
    await client.close()
  }
}

class LazyTrustClient implements TrustClient {
  readonly #given: TrustClientOptions
  readonly #reader: Reader
  #options: TrustClientOptions | undefined
  #session: Promise<Session> | undefined
  #closed = false

  constructor(options: TrustClientOptions, reader: Reader) {
    this.#given = options
    this.#reader = reader
  }

  async verifyTag(reference: string): Promise<VerifyResult> {
    return this.#verify(reference)
  }

  async *verifyTags(references: Iterable<string>): AsyncIterableIterator<VerifyOutcome> {
    checkList(references)
    const since = performance.now()
    const slots = new ConcurrencyLimit(MAX_COLLECTIONS_AT_ONCE)
    const outcomes: Promise<VerifyOutcome>[] = []
    let isWanted = true
    for (const group of groupByCollection(references).values()) {
      // A group has several refreshes only where a policy asks different things of its tags.
      const batch: Batch = { since, queuedMs: 0, refreshes: new Map() }
      const turn = slots.take().then((hasWaited) => {
        if (hasWaited) batch.queuedMs = performance.now() - since
      })
      const answer = async (reference: string): Promise<VerifyOutcome> => {
        await turn
        if (!isWanted) throw new Error('the caller no longer waits for this')
        return this.#outcome(reference, batch)
      }
      for (const { index, reference } of group) outcomes[index] = answer(reference)
      // These refreshes answered them all: drop them, and errors that the caller did not read.
      const finish = (): void => {
        batch.refreshes.clear()
        slots.release()
      }
      void Promise.allSettled(group.map(({ index }) => outcomes[index])).then(finish)
    }
    const faults: unknown[] = []
    try {
      for (const outcome of outcomes) {
        const settled = await outcome.then(
          (value) => [value],
          (fault: unknown) => {
            if (this.#options?.signal?.aborted === true) throw fault
            faults.push(fault)
            return []
          },
        )
        yield* settled
      }
    } finally {
      isWanted = false
    }
    // Other errors than TrustError are thrown last: they say nothing about the other references.
    if (faults.length > 0) throw faults[0]
  }

  async lookup(gun: string, target: string, options: { readonly roles?: readonly string[] } = {}): Promise<LookupResult> {
    const name = parseGun(gun)
    checkTarget(target)
    const roles = lookupRoles(options)
    return (await this.#open()).lookup(name, target, roles)
  }

  async listTags(repository: string): Promise<TagList> {
    const parsed = parseRepository(repository)
    return (await this.#open()).listTags(parsed)
  }

  async inspect(reference: string): Promise<Inspection> {
    const parsed = parseReference(reference)
    return (await this.#open()).inspect(parsed)
  }

  async close(): Promise<void> {
    this.#closed = true
    const session = await this.#session?.catch(() => undefined)
    await session?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #verify(reference: string, batch?: Batch): Promise<VerifyResult> {
    const parsed = parseReference(reference)
    const options = this.#own()
    if (!isSwitchedOn(options)) return disabled(reference, options)
    return (await this.#open()).verify(parsed, batch)
  }

  /** Rejects only with errors other than TrustError: an aborted signal, or a fault of this library. */
  async #outcome(reference: string, batch: Batch): Promise<VerifyOutcome> {
    try {
      return { reference, result: await this.#verify(reference, batch) }
    } catch (error) {
      if (error instanceof TrustError) return { reference, error }
      throw error
    }
  }

  /** The options as they were at the first call: later changes by the caller do not count. */
  #own(): TrustClientOptions {
    if (this.#options !== undefined) return this.#options
    const own = ownOptions(this.#given)
    // The others are checked when they are needed. When content trust is off, none is.
    checkValues(own, ['env', 'disableContentTrust'])
    this.#options = own
    return own
  }

  async #open(): Promise<Session> {
    if (this.#closed)
      throw new UsageError('ERR_SETTINGS_INVALID', 'the client is closed', {
        hint: 'Make another one: createTrustClient(options). Close a client after its last call.',
      })
    const options = this.#own()
    this.#session ??= import('./session.js').then(({ Session }) => Session.open(options, this.#reader))
    return this.#session
  }
}

function disabled(reference: string, { disableContentTrust }: TrustClientOptions): DisabledResult {
  return { status: 'disabled', reference, reason: disableContentTrust === undefined ? 'environment' : 'option' }
}

/** A string is refused, though it is a list of characters. @throws UsageError ERR_SETTINGS_INVALID */
function checkList(references: unknown): void {
  const isList = typeof references === 'object' && references !== null && !(references instanceof String)
  if (isList && hasMethods(Symbol.iterator)(references)) return
  throw new UsageError('ERR_SETTINGS_INVALID', 'verifyTags takes a list of image references', {
    hint: 'For one reference: verifyTag(reference), or verifyTags([reference]).',
  })
}

/** @throws UsageError ERR_REFERENCE_INVALID */
function checkTarget(target: unknown): void {
  if (typeof target === 'string' && target !== '') return
  throw new UsageError('ERR_REFERENCE_INVALID', 'the name of a target must be a text that is not empty', {
    hint: "For example: lookup('docker.io/library/alpine', '3.19').",
  })
}

interface Placed {
  readonly index: number
  readonly reference: string
}

/** References by collection; one that cannot be read is a group of its own. */
function groupByCollection(references: Iterable<string>): Map<string, Placed[]> {
  const groups = new Map<string, Placed[]>()
  let index = 0
  for (const reference of references) {
    const key = gunOf(reference) ?? `\0${index}`
    const group = groups.get(key) ?? []
    group.push({ index, reference })
    groups.set(key, group)
    index++
  }
  return groups
}

function gunOf(reference: string): string | undefined {
  try {
    return parseReference(reference).gun
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}
