/**
 * A copy of a Dockerfile for builders that know no source policy: every image is replaced by what was verified, so that the
 * builder has nothing left to expand or to look up.
 */
import { UsageError } from '../errors.js'
import { parseReference } from '../reference/reference.js'
import { readDockerfileLines } from './dockerfile-lines.js'
import { findImageUses } from './find-image-uses.js'
import type { FindOptions, ImageUse } from './image-use.js'
import { applyEdits } from './pin-text.js'
import { SourceText } from './source-text.js'

/** Gives the text that takes the place of a reference: with a digest, or as it was for an image that needs none. */
export type Replacement = (reference: string) => string

/**
 * Replaces the image of every FROM and COPY --from; the frontend is left, since such builders ignore it.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when older builders may read the file in another way, or when the copy is not what was meant
 */
export function pinnedCopy(
  path: string,
  text: string,
  uses: readonly ImageUse[],
  replacement: Replacement,
  options: FindOptions,
): string {
  const source = new SourceText(path, text)
  if (readDockerfileLines({ source, text, toSource: (offset) => offset }).hasHeredocs) {
    throw source.broken(
      0,
      'here-documents need BuildKit: other builders read their lines as instructions',
      'Install buildx (docker buildx version shows whether it is there), or write the here-document as a file and COPY it.',
    )
  }
  const wanted = withoutFrontend(uses).map(({ place, reference = '' }) => ({ ...place, text: replacement(reference) }))
  const copy = applyEdits(
    text,
    wanted.toSorted((a, b) => a.start - b.start),
  )
  checkCopy(path, copy, new Set(wanted.map((edit) => edit.text)), options)
  return copy
}

/** The images of ONBUILD instructions, which an image runs in the build that uses it. */
export function triggerImages(image: string, triggers: readonly string[]): readonly string[] {
  return triggers.flatMap((trigger) => {
    const { uses, problems } = findImageUses(image, `FROM scratch\n${trigger}\n`, { format: 'dockerfile' })
    return uses.length + problems.length === 0 ? [] : [trigger]
  })
}

/** Reads the copy as a new file: nothing may be in it but what was put there. */
function checkCopy(path: string, copy: string, known: ReadonlySet<string>, options: FindOptions): void {
  const { uses, problems } = findImageUses(path, copy, { ...options, format: 'dockerfile' })
  const strange = withoutFrontend(uses).find(({ reference }) => reference === undefined || !known.has(reference))
  if (strange === undefined && problems.length === 0) return
  throw new UsageError('ERR_SETTINGS_INVALID', `${path}: no copy with verified digests can be made of it`, {
    hint: `Write the digests into the file (dct pin ${path}), then run the same command again.`,
    evidence: { found: strange?.written ?? problems[0]?.reason ?? '' },
  })
}

function withoutFrontend(uses: readonly ImageUse[]): readonly ImageUse[] {
  return uses.filter(({ kind }) => kind !== 'frontend')
}

/** `alpine@sha256:...`, as docker writes it. */
export function withDigest(reference: string, digest: string): string {
  return `${parseReference(reference).familiarName}@${digest}`
}
