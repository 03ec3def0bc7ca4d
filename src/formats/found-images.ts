/** Collects what is found in a YAML file. */
import type { Node } from 'yaml'
import type { FileFormat, FoundImages, ImageUse, ImageUseKind, Remark, Slot, Span } from './image-use.js'
import { MAX_USES } from './limits.js'
import { meaning } from './meaning.js'
import type { SourceText } from './source-text.js'
import { partSpan, type ScalarText, scalarSlot, scalarText } from './yaml-scalar.js'

/** What is known of a use besides its text. */
export interface UseDetails {
  readonly platform?: string | undefined
  /** The reference is what follows this prefix. */
  readonly prefix?: string
  /** Characters that mean a variable: such a reference is not known here. */
  readonly variables?: { readonly mark: string; readonly reason: string }
}

/** A reference that was worked out, with the place to write at. */
export interface Resolved {
  readonly span: Span
  readonly slot?: Slot | undefined
  readonly value?: string
  readonly reason?: string
}

const NO_SLOT = 'the reference is written over several lines or with escapes: write it in one piece, then pin'

/** Uses, skipped names and problems of one file; a scalar reached twice, through an alias, counts once. */
export class ImageCollector {
  readonly source: SourceText
  readonly #isIgnored: (span: Span) => boolean
  readonly #uses = new Map<number, ImageUse>()
  readonly #skipped = new Map<number, Remark>()
  readonly #problems = new Map<number, Remark>()

  constructor(source: SourceText, isIgnored: (span: Span) => boolean) {
    this.source = source
    this.#isIgnored = isIgnored
  }

  /** Takes a scalar whose text is a reference. */
  add(kind: ImageUseKind, node: Node, details: UseDetails = {}): void {
    const scalar = this.read(kind, node, details)
    if (scalar === undefined) return
    const start = details.prefix?.length ?? 0
    const value = scalar.value.slice(start)
    const span = partSpan(scalar, start, scalar.value.length)
    const { mark, reason } = details.variables ?? { mark: undefined, reason: '' }
    if (mark !== undefined && value.includes(mark)) this.addResolved(kind, { span, reason }, details)
    else this.addResolved(kind, { span, value, slot: scalarSlot(scalar, start) }, details)
  }

  /** The text of a scalar, or nothing when it is none: that is then a use that cannot be resolved. */
  read(kind: ImageUseKind, node: Node, details: UseDetails = {}): ScalarText | undefined {
    const scalar = scalarText(this.source, node)
    if (!('reason' in scalar)) return scalar
    this.addResolved(kind, { span: spanOfNode(node), reason: scalar.reason }, details)
    return undefined
  }

  /** Takes a reference that was worked out. */
  addResolved(kind: ImageUseKind, { span, slot, value, reason }: Resolved, { platform }: UseDetails = {}): void {
    if (this.#uses.has(span.start)) return
    if (this.#uses.size >= MAX_USES) throw this.source.tooLarge(span.start, `more than ${MAX_USES} images`)
    const meant = value === undefined ? { reason: reason ?? '' } : meaning(value)
    const canWrite = meant.reference !== undefined && slot !== undefined
    this.#uses.set(span.start, {
      kind,
      place: this.source.place(span),
      written: this.source.text.slice(span.start, span.end),
      ...(meant.reference === undefined ? {} : { reference: meant.reference }),
      ...(canWrite ? { slot } : { reason: meant.reason ?? reason ?? NO_SLOT }),
      ...(platform === undefined ? {} : { platform }),
      ignored: this.#isIgnored(span),
    })
  }

  /** Takes uses that were found in a text within the file. */
  addAll(uses: readonly ImageUse[], problems: readonly Remark[]): void {
    for (const use of uses) {
      if (!this.#uses.has(use.place.start)) this.#uses.set(use.place.start, use)
    }
    for (const problem of problems) this.#problems.set(problem.place.start, problem)
  }

  /** Notes a name that is not pulled, or images that other files describe. */
  skip(node: Node, reason: string): void {
    const place = this.source.place(spanOfNode(node))
    this.#skipped.set(place.start, { place, reason })
  }

  /** Notes what is not understood. */
  problem(node: Node, reason: string): void {
    const place = this.source.place(spanOfNode(node))
    this.#problems.set(place.start, { place, reason })
  }

  /** All of it, in the order of the file. A name skipped at one place and used through an alias is used. */
  found(format: FileFormat): FoundImages {
    const skipped = [...this.#skipped.values()].filter(({ place }) => !this.#uses.has(place.start))
    return {
      format,
      uses: [...this.#uses.values()].sort((a, b) => a.place.start - b.place.start),
      skipped: skipped.sort((a, b) => a.place.start - b.place.start),
      problems: [...this.#problems.values()].sort((a, b) => a.place.start - b.place.start),
    }
  }
}

function spanOfNode(node: Node): Span {
  const [start, end] = node.range ?? [0, 0]
  return { start, end }
}
