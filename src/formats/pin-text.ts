/** The door of this room for writing: digests that the caller verified go into a text, and nothing else of it changes. */
import { UsageError } from '../errors.js'
import { parseReference } from '../reference/reference.js'
import { findImageUses } from './find-image-uses.js'
import type { FindOptions, FoundImages, ImageUse, Slot, Span } from './image-use.js'

/** What the trust data says of one reference. */
interface SignedDigests {
  /** What the tag is signed for now; absent when the reference has a digest and no tag, or when the tag is not signed. */
  readonly current?: string
  /** Other digests of the same repository that are or were signed. */
  readonly others?: ReadonlySet<string>
}

/** Gives the verified digests of a reference, as `ImageUse.reference` has it; undefined when nothing vouches for it. */
export type DigestLookup = (reference: string) => SignedDigests | undefined

/**
 * `pin` writes digests where there are none; `update` also replaces those that are no longer signed for their tag; `check`
 * writes nothing.
 */
export type PinMode = 'pin' | 'update' | 'check'

/** How a use stands after the run. */
export type PinVerdict =
  /** Has the signed digest, and had it before. */
  | 'current'
  /** Got its digest now. */
  | 'pinned'
  /** Has no digest. */
  | 'not-pinned'
  /** Has a digest that was signed, which is not the one that its tag is signed for now. */
  | 'outdated'
  /** Has a digest that was never signed, as far as the trust data tells. */
  | 'never-signed'
  /** Nothing vouches for the reference. */
  | 'unsigned'
  /** Which image is meant is not known from the file. */
  | 'unresolved'
  /** A comment takes it out. */
  | 'ignored'

/** A use and its verdict. */
export interface PinFinding {
  readonly use: ImageUse
  readonly verdict: PinVerdict
  /** Why nothing was written although something should be. */
  readonly reason?: string
}

/** A part of the text and what replaces it. */
export interface Edit extends Span {
  readonly text: string
}

/** What became of a text. */
export interface PinnedText {
  /** The new text; the old one when something failed and `partial` was not asked for. */
  readonly text: string
  /** What was replaced, in the order of the text. */
  readonly edits: readonly Edit[]
  /** Each use, in the order given. */
  readonly findings: readonly PinFinding[]
  /** True when every use is pinned to what is signed, or taken out by a comment. */
  readonly isComplete: boolean
}

/** How to pin. */
export interface PinOptions {
  readonly mode?: PinMode
  /** Writes what can be written, even when another use of the file fails. */
  readonly partial?: boolean
  /** Takes the frontend of a Dockerfile (`# syntax=`) as well. */
  readonly frontend?: boolean
}

const DIGEST = /^sha256:[0-9a-f]{64}$/
const COMPLETE: ReadonlySet<PinVerdict> = new Set(['current', 'pinned', 'ignored'])
const WHY_NOT: Readonly<Record<'outdated' | 'never-signed' | 'unsigned', string>> = {
  outdated: 'the digest is no longer the one that the tag is signed for: update it with dct pin --update',
  'never-signed': 'the digest was never signed: find out where it comes from, then replace it with dct pin --update',
  unsigned: 'no trusted digest',
}

type Judged = PinFinding & { readonly edit?: Edit }

/**
 * Writes digests into a text. The same call on the result changes nothing more.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when `digestOf` gives something that is no sha256 digest
 */
export function pinText(text: string, uses: readonly ImageUse[], digestOf: DigestLookup, options: PinOptions = {}): PinnedText {
  const wanted = uses.filter(({ kind }) => options.frontend === true || kind !== 'frontend')
  const judged = withoutConflicts(wanted.map((use) => judge(use, digestOf, options.mode ?? 'pin')))
  const findings = judged.map(({ edit: _, ...finding }) => finding)
  const isComplete = findings.every(({ verdict }) => COMPLETE.has(verdict))
  const edits = isComplete || options.partial === true ? distinct(judged.flatMap(({ edit }) => edit ?? [])) : []
  return { text: applyEdits(text, edits), edits, findings: edits.length > 0 ? findings : unwritten(findings), isComplete }
}

/** A file that was read and pinned. */
export type PinnedFile = PinnedText & Omit<FoundImages, 'uses'>

/**
 * Finds the images of a file and writes their digests. Problems of the file count as a use that failed.
 *
 * @throws UsageError ERR_SETTINGS_INVALID as `findImageUses` and `pinText`
 */
export function pinFile(path: string, text: string, digestOf: DigestLookup, options: PinOptions & FindOptions = {}): PinnedFile {
  const { uses, ...found } = findImageUses(path, text, options)
  const pinned = pinText(text, uses, digestOf, options)
  if (found.problems.length === 0) return { ...found, ...pinned }
  if (options.partial === true) return { ...found, ...pinned, isComplete: false }
  return { ...found, text, edits: [], findings: unwritten(pinned.findings), isComplete: false }
}

/** The text with its parts replaced. The edits must be in order and must not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const parts: string[] = []
  let at = 0
  for (const edit of edits) {
    parts.push(text.slice(at, edit.start), edit.text)
    at = edit.end
  }
  return parts.join('') + text.slice(at)
}

function judge(use: ImageUse, digestOf: DigestLookup, mode: PinMode): Judged {
  if (use.ignored) return { use, verdict: 'ignored' }
  if (use.reference === undefined) return { use, verdict: 'unresolved', reason: use.reason ?? '' }
  const { digest } = parseReference(use.reference)
  const signed = digestOf(use.reference)
  if (signed?.current !== undefined) checkDigest(signed.current)
  const current = signed?.current
  if (digest === undefined) return current === undefined ? failed(use, 'unsigned') : written(use, 'not-pinned', current, mode)
  if (digest === current) return { use, verdict: 'current' }
  const wasSigned = signed?.others?.has(digest) === true
  const hasTag = parseReference(use.reference).tag !== undefined
  if (wasSigned && !hasTag) return { use, verdict: 'current' }
  const verdict = wasSigned ? 'outdated' : 'never-signed'
  return mode === 'update' && current !== undefined ? written(use, verdict, current, mode) : failed(use, verdict)
}

function failed(use: ImageUse, verdict: 'outdated' | 'never-signed' | 'unsigned'): Judged {
  return { use, verdict, reason: WHY_NOT[verdict] }
}

function written(use: ImageUse, before: PinVerdict, digest: string, mode: PinMode): Judged {
  if (mode === 'check') return { use, verdict: before }
  if (use.slot === undefined) return { use, verdict: before, reason: use.reason ?? '' }
  return { use, verdict: 'pinned', edit: editOf(use.reference ?? '', use.slot, digest) }
}

/** `name:tag@digest` in the spelling of the file; `latest` is written out, since a digest alone does not say what to refresh. */
function editOf(reference: string, { start, end, holds, before, after }: Slot, digest: string): Edit {
  const { tagDefaulted } = parseReference(reference)
  const named = reference.replace(/@.*$/, '')
  const text = holds === 'digest' ? digest : `${named}${tagDefaulted ? ':latest' : ''}@${digest}`
  return { start, end, text: before + text + after }
}

/** Refuses two uses that would write different texts at one place, such as one variable for two images. */
function withoutConflicts(judged: readonly Judged[]): readonly Judged[] {
  const sorted = distinct(judged.flatMap(({ edit }) => edit ?? []))
  const clashing = new Set<number>()
  for (const [index, edit] of sorted.entries()) {
    const next = sorted[index + 1]
    if (next !== undefined && (next.start < edit.end || next.start === edit.start)) clashing.add(edit.start).add(next.start)
  }
  return judged.map((one) => {
    if (one.edit === undefined || !clashing.has(one.edit.start)) return one
    return { use: one.use, verdict: 'not-pinned', reason: 'one place in the file stands for two images' }
  })
}

/** Nothing was written: what would have been is not pinned. */
function unwritten(findings: readonly PinFinding[]): readonly PinFinding[] {
  return findings.map((finding) => (finding.verdict === 'pinned' ? { ...finding, verdict: 'not-pinned' } : finding))
}

function distinct(edits: readonly Edit[]): readonly Edit[] {
  const sorted = [...edits].sort(byPlace)
  return sorted.filter((edit, index) => {
    const previous = sorted[index - 1]
    return previous === undefined || !isSame(previous, edit)
  })
}

function byPlace(a: Edit, b: Edit): number {
  return a.start - b.start || a.end - b.end
}

function isSame(a: Edit, b: Edit): boolean {
  return a.start === b.start && a.end === b.end && a.text === b.text
}

function checkDigest(digest: string): void {
  if (DIGEST.test(digest)) return
  throw new UsageError('ERR_SETTINGS_INVALID', 'the lookup gave something that is no sha256 digest', {
    hint: 'Give `sha256:` and 64 lower-case hexadecimal digits, as verifyTag does in `digest`.',
  })
}
