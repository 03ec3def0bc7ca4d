/** `dct lock` */
import { type Collection, collectionOf } from '../client/session.js'
import { notLocked } from '../client/settings/lockfile-setting.js'
import { TrustError, UnavailableError, UntrustedError, UsageError } from '../errors.js'
import { changeLines, entryChanges } from '../lockfile/changes.js'
import { judgeLock } from '../lockfile/judge-lock.js'
import { lockEntry } from '../lockfile/lock-entry.js'
import { lockArguments, rootChangedLines } from '../lockfile/lock-refusals.js'
import type { LockEntry } from '../lockfile/lockfile.js'
import { parseReference } from '../reference/reference.js'
import { shellWord } from '../shell-word.js'
import { clientOptions, goBoolean } from './client-options.js'
import type { Io } from './io.js'
import { listEntries, removeEntries } from './lock-entries.js'
import { type LockOnDisk, lockfileName, readLock, writeLock } from './lock-file.js'
import { mergeLocks } from './lock-merge.js'
import { acceptedRoots, expectedKeys, type NewRoot } from './lock-roots.js'
import { LockVerifier, type Place, type Verified } from './lock-verifier.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { startProgress } from './progress.js'

/** Options that say what is done. People also type them as words: `dct lock check`. */
const MODES = ['update', 'check', 'merge', 'list', 'remove'] as const

/** The exit status. */
export async function lock(line: CommandLine, io: Io): Promise<number> {
  const { words, values } = line
  const [mode, other] = MODES.filter((name) => values[name] === true)
  if (other !== undefined) throw usage(`--${mode} and --${other} exclude each other`, `Type one of them: dct lock --${mode}`)
  if (mode === 'merge') return mergeLocks(line, io)
  if (words.length === 0 && mode === undefined)
    throw usage('dct lock needs REFERENCE..., --check, --update or --list', 'For example: dct lock registry.example/team/app')
  if (mode === 'list' && words.length > 0)
    throw usage(`dct lock --list takes no words, got ${JSON.stringify(words[0])}`, 'Type: dct lock --list')
  if (mode === 'remove' && words.length === 0)
    throw usage('dct lock --remove needs REFERENCE...', 'What is recorded: dct lock --list')
  const file = lockfileName(line, io)
  const before = await readLock(file)
  if (before === undefined && mode !== undefined)
    throw usage(`there is no lockfile ${file}`, `Make it: dct lock --lockfile ${shellWord(file)} <REFERENCE>`)
  if (mode === 'list' && before !== undefined) return listEntries(file, before.lockfile, line, io)
  if (mode === 'remove' && before !== undefined) return removeEntries(file, before, await gunsOf(line, file, io), line, io)
  const run = new LockRun(line, file, before)
  await run.verifyAll(
    words.length === 0 ? [...(before?.lockfile.collections.keys() ?? [])].map(collectionOf) : words.map(parseReference),
    io,
  )
  return mode === 'check' ? run.status : run.write(io)
}

/** The signed names of the words. No server is asked. @throws TrustError for a word that names no collection */
async function gunsOf(line: CommandLine, file: string, io: Io): Promise<Set<string>> {
  const verifier = await LockVerifier.open(await clientOptions(line, io), file, new Speaker(io, line))
  return new Set(line.words.map((word) => verifier.place(parseReference(word)).gun))
}

/** One run of the command over its collections. */
class LockRun {
  readonly #line: CommandLine
  readonly #file: string
  readonly #before: LockOnDisk | undefined
  readonly #expected: ReadonlySet<string>
  readonly #statuses: number[] = []
  readonly #entries: Map<string, LockEntry>
  /** Undefined when it was not typed. */
  readonly #embedRoot: boolean | undefined
  readonly #found: NewRoot[] = []

  constructor(line: CommandLine, file: string, before: LockOnDisk | undefined) {
    this.#line = line
    this.#file = file
    this.#before = before
    this.#expected = expectedKeys(line)
    const embed = line.values['embed-root']
    this.#embedRoot = embed === undefined ? undefined : goBoolean('embed-root', embed)
    this.#entries = new Map(before?.lockfile.collections)
  }

  get status(): number {
    return mostSevere(this.#statuses)
  }

  /** One that fails does not stop the others. */
  async verifyAll(collections: readonly Collection[], io: Io): Promise<void> {
    using progress = startProgress(io, this.#line)
    const speaker = new Speaker(progress.io, this.#line)
    const { values } = this.#line
    const options = await clientOptions(this.#line, progress.io, progress.tell)
    const verifier = await LockVerifier.open(options, this.#file, speaker)
    // Tags, and names at mirrors, may be of one collection.
    const places = new Map(collections.map((collection) => [verifier.place(collection).gun, collection]))
    progress.total = places.size
    for (const collection of places.values()) {
      const place = verifier.place(collection)
      try {
        await this.#take(collection, place, verifier, speaker)
      } catch (error) {
        if (!(error instanceof TrustError)) throw error
        if (values.json === true) speaker.failed({ gun: place.gun }, error)
        speaker.error(error, error.message.includes(place.gun) ? undefined : place.gun)
        const mode = MODES.find((name) => name === collection.familiarName)
        if (mode !== undefined) speaker.note(`an option has two dashes: dct lock --${mode}`)
        this.#statuses.push(values.check === true ? checkStatus(error) : exitStatus(error))
      }
      progress.done++
    }
  }

  /** Asks for the new roots, and writes the file. Gives the exit status. */
  async write(io: Io): Promise<number> {
    const speaker = new Speaker(io, this.#line)
    const accepted = await acceptedRoots(this.#found, this.#expected, this.#file, this.#line, io, speaker)
    for (const { gun, entry } of accepted) this.#entries.set(gun, entry)
    if (accepted.length < this.#found.length) this.#statuses.push(1)
    const isChanged = this.#entries.size > 0 && (await writeLock(this.#file, this.#entries, this.#before?.bytes))
    for (const { gun } of accepted) this.#tell(gun, 'locked', [], speaker)
    if (isChanged && this.#line.values.json !== true) speaker.answer(this.#file)
    return this.status
  }

  async #take(collection: Collection, place: Place, verifier: LockVerifier, speaker: Speaker): Promise<void> {
    const { gun } = place
    const { check, update } = this.#line.values
    if (check !== true) verifier.checkOneServer(collection)
    const entry = this.#before?.lockfile.collections.get(gun)
    if (check === true) {
      if (entry === undefined) throw notLocked({ gun, file: this.#file })
      this.#check(gun, entry, await verifier.verify(collection, new Map([[gun, entry]])), speaker)
    } else if (entry === undefined) {
      const verified = await verifier.verify(collection, new Map())
      this.#found.push({ gun, entry: this.#entryOf(verified, undefined), chain: verified.chain })
    } else if (update === true) await this.#update(collection, place, entry, verifier, speaker)
    else {
      await verifier.verify(collection, new Map([[gun, entry]]))
      this.#tell(gun, 'unchanged', [], speaker)
    }
  }

  #check(gun: string, entry: LockEntry, { chain, server, versions }: Verified, speaker: Speaker): void {
    const subject = { gun, file: this.#file }
    const { kind, changes } = judgeLock(subject, entry, { chain, server, versions, leadsFromLock: true })
    this.#tell(gun, kind, changes.flatMap(changeLines), speaker)
    if (kind === 'holds') return
    this.#statuses.push(1)
    speaker.always(
      `a verified rotation leads to other root keys of ${gun}; to record them: dct lock --update ${lockArguments(subject)}`,
    )
  }

  async #update(
    collection: Collection,
    { gun, server }: Place,
    entry: LockEntry,
    verifier: LockVerifier,
    speaker: Speaker,
  ): Promise<void> {
    // A collection may move to another server; its root must still follow from the locked one.
    const locked = new Map([[gun, { ...entry, server }]])
    try {
      const after = this.#entryOf(await verifier.verify(collection, locked), entry)
      this.#entries.set(gun, after)
      const changes = entryChanges(entry, after)
      this.#tell(gun, changes.length === 0 ? 'unchanged' : 'updated', changes.flatMap(changeLines), speaker)
    } catch (cause) {
      if (!(cause instanceof UntrustedError) || cause.code !== 'ERR_LOCK_MISMATCH' || cause.role !== 'root') throw cause
      await this.#replace(collection, gun, entry, verifier, speaker, cause)
    }
  }

  /** Another root than the one that is locked: recorded only when an expected key signed it. @throws `cause` without one */
  async #replace(
    collection: Collection,
    gun: string,
    entry: LockEntry,
    verifier: LockVerifier,
    speaker: Speaker,
    cause: UntrustedError,
  ): Promise<void> {
    const verified = await verifier.verifyAnew(collection)
    const after = this.#entryOf(verified, entry)
    for (const text of rootChangedLines({ gun, file: this.#file }, entry, after)) speaker.always(text)
    if (this.#expected.size === 0) throw cause
    this.#found.push({ gun, entry: after, chain: verified.chain })
  }

  /** What is recorded. Without an option an entry keeps its form. */
  #entryOf({ chain, server, versions }: Verified, before: LockEntry | undefined): LockEntry {
    const { floors } = this.#line.values
    const embedRoot = this.#embedRoot ?? (before === undefined || before.root.file !== undefined)
    const hasFloors = floors === true || before?.floors !== undefined
    return lockEntry({ chain, server, embedRoot, ...(hasFloors ? { floors: versions } : {}) })
  }

  /** Standard output has JSON, or the verdicts of `--check`; the rest is for people. */
  #tell(gun: string, outcome: string, changes: readonly string[], speaker: Speaker): void {
    const { json, check } = this.#line.values
    if (json === true) {
      speaker.json({ gun, lockfile: this.#file, outcome, changes })
      return
    }
    if (check === true) speaker.answer(`${gun} ${outcome}`)
    else speaker.note(`${gun}: ${outcome}`)
    for (const text of changes) speaker.note(`  ${text}`)
  }
}

/** `--check` has three: what does not hold, for whatever reason, is 1. */
function checkStatus(error: TrustError): number {
  return error instanceof UnavailableError || error instanceof UsageError ? exitStatus(error) : 1
}

function usage(message: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint })
}
