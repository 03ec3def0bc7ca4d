/** Pins the images of files to what is signed: which digests count, and what is wrong with each use. */
import type { TrustClient, VerifyOutcome } from '../client/trust-client.js'
import { type TrustError, UnsignedError } from '../errors.js'
import type { ImageUse } from '../formats/image-use.js'
import { type PinnedText, type PinOptions, pinText } from '../formats/pin-text.js'
import { parseReference } from '../reference/reference.js'
import { shellWord } from '../shell-word.js'
import { errorOf, type ImageFile, placeName, unresolved, verifyAll } from './file-images.js'

/** What the trust data says of the references of some files. */
export class SignedDigests {
  readonly #outcomes: ReadonlyMap<string, VerifyOutcome>

  constructor(outcomes: ReadonlyMap<string, VerifyOutcome>) {
    this.#outcomes = outcomes
  }

  /** Every answer, for its warnings. */
  get outcomes(): Iterable<VerifyOutcome> {
    return this.#outcomes.values()
  }

  /** For `pinText`. */
  readonly of = (reference: string): { readonly current?: string; readonly others?: ReadonlySet<string> } | undefined => {
    const { tagged, digested } = questions(reference)
    const current = this.#digest(tagged)
    const other = this.#digest(digested)
    if (current === undefined && other === undefined) return undefined
    return { ...(current === undefined ? {} : { current }), ...(other === undefined ? {} : { others: new Set([other]) }) }
  }

  /** Why the tag of a reference, or the digest of one without a tag, was not verified. */
  failure(reference: string): TrustError | undefined {
    const { tagged, digested } = questions(reference)
    return errorOf(this.#outcomes.get(tagged ?? digested ?? ''))
  }

  #digest(question: string | undefined): string | undefined {
    const outcome = question === undefined ? undefined : this.#outcomes.get(question)
    if (outcome === undefined || 'error' in outcome) return undefined
    const { result } = outcome
    return result.status === 'trusted' || result.status === 'trusted-digest' ? result.digest : undefined
  }
}

/**
 * Asks for every reference that is not ignored: for `name:tag` what is signed, for `name:tag@digest` also whether another tag is
 * signed for the digest. The client must verify: content trust on, digests not accepted as they are.
 */
export async function askDigests(client: TrustClient, uses: Iterable<ImageUse>): Promise<SignedDigests> {
  const asked = new Set<string>()
  for (const { reference, ignored } of uses) {
    if (reference === undefined || ignored) continue
    const { tagged, digested } = questions(reference)
    for (const question of [tagged, digested]) if (question !== undefined) asked.add(question)
  }
  return new SignedDigests(await verifyAll(client, asked))
}

/** A file, what became of it, and what is wrong with it. */
export interface PinnedImageFile extends PinnedText {
  readonly file: ImageFile
  /** For each finding of `findings` its error, undefined where all is well. */
  readonly errors: readonly (TrustError | undefined)[]
}

/** Works out the new text of a file. Problems of the file count as a use that failed. */
export function pinImageFile(file: ImageFile, signed: SignedDigests, options: PinOptions): PinnedImageFile {
  const pinned = pinText(file.text, file.uses, signed.of, { ...options, frontend: true })
  const isWhole = file.problems.length === 0
  const kept = isWhole || options.partial === true ? pinned : { ...pinned, text: file.text, edits: [] }
  const errors = pinned.findings.map((finding) => findingError(finding, file.path, signed, options.mode === 'check'))
  return { ...kept, isComplete: pinned.isComplete && isWhole, file, errors }
}

function findingError(
  { use, verdict, reason }: PinnedText['findings'][number],
  path: string,
  signed: SignedDigests,
  isCheck: boolean,
): TrustError | undefined {
  const where = placeName(path, use.place)
  const evidence = { place: where, written: use.written }
  if (verdict === 'current' || verdict === 'pinned' || verdict === 'ignored') return undefined
  if (verdict === 'unresolved') return unresolved(reason ?? '', where)
  // The answer of the server comes first: a digest is not "never signed" while the server is away.
  const failure = signed.failure(use.reference ?? '')
  if (failure !== undefined) return failure
  if (verdict === 'outdated')
    return new UnsignedError(
      'ERR_DIGEST_MISMATCH',
      reason ?? `${use.written} is no longer what its tag is signed for: update it with dct pin --update`,
      { evidence },
    )
  if (verdict === 'never-signed')
    return new UnsignedError('ERR_DIGEST_NOT_SIGNED', reason ?? `the digest of ${use.written} is not signed`, { evidence })
  // Without a reason it would have been written, and another use of the file has the error.
  if (!isCheck && reason === undefined) return undefined
  return new UnsignedError('ERR_NOT_PINNED', `${use.written} has no digest${reason === undefined ? '' : `: ${reason}`}`, {
    evidence,
    hint: `Write the signed digest into the file: dct pin ${shellWord(path)}`,
  })
}

interface Questions {
  readonly tagged?: string
  readonly digested?: string
}

function questions(reference: string): Questions {
  const { gun, tag, digest } = parseReference(reference)
  return {
    ...(tag === undefined ? {} : { tagged: `${gun}:${tag}` }),
    ...(digest === undefined ? {} : { digested: `${gun}@${digest}` }),
  }
}
