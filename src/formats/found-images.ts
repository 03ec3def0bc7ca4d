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

const NO_SLOT =
  'the reference is written over several lines, with escapes, or behind an anchor that other values use too: write it in one piece of its own'

/** Uses, skipped names and problems of one file; a scalar reached twice through an alias counts once, if it means the same. */
export class ImageCollector {
  readonly source: SourceText
  readonly #isIgnored: (span: Span) => boolean
  readonly #shared: ReadonlySet<Node>
  /** By place and meaning. */
  readonly #uses = new Map<string, ImageUse>()
  readonly #skipped = new Map<number, Remark>()
  readonly #problems = new Map<number, Remark>()
  #taken = 0

  /** `shared` are texts where no digest may be written, since other values would change with them. */
  constructor(source: SourceText, isIgnored: (span: Span) => boolean, shared: ReadonlySet<Node>) {
    this.source = source
    this.#shared = shared
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
    if (!('reason' in scalar)) return this.#shared.has(node) ? { ...scalar, isReplaceable: false } : scalar
    this.addResolved(kind, { span: spanOfNode(node), reason: scalar.reason }, details)
    return undefined
  }

  /** Takes a place whose image is not known here. */
  unresolved(kind: ImageUseKind, node: Node, reason: string): void {
    this.addResolved(kind, { span: spanOfNode(node), reason })
  }

  /** Takes a reference that was worked out. */
  addResolved(kind: ImageUseKind, { span, slot, value, reason }: Resolved, { platform }: UseDetails = {}): void {
    // Before anything is worked out: aliases may bring the same images again and again.
    if (++this.#taken > MAX_USES)
      throw this.source.tooLarge(span.start, `more than ${MAX_USES} images, those behind aliases counted each time`)
    const meant = value === undefined ? { reason: reason ?? '' } : meaning(value)
    const canWrite = meant.reference !== undefined && slot !== undefined
    this.#keep({
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
    for (const use of uses) this.#keep(use)
    for (const problem of problems) this.#problems.set(problem.place.start, problem)
  }

  #keep(use: ImageUse): void {
    const { start } = use.place
    const key = `${start} ${use.reference ?? use.reason}`
    if (this.#uses.has(key)) return
    if (this.#uses.size >= MAX_USES) throw this.source.tooLarge(start, `more than ${MAX_USES} images`)
    this.#uses.set(key, use)
  }

  /** Notes a name that is not verified, or images that other files describe. `isRisk`: an unverified image may be used there. */
  skip(node: Node, reason: string, isRisk = false): void {
    const span = spanOfNode(node)
    const place = this.source.place(span)
    // An alias may bring the same name again, without the risk of the first use.
    if (this.#skipped.get(place.start)?.isRisk === true) return
    this.#skipped.set(place.start, { place, reason, ...(isRisk && !this.#isIgnored(span) ? { isRisk } : {}) })
  }

  /** Notes what is not understood. */
  problem(node: Node, reason: string): void {
    const place = this.source.place(spanOfNode(node))
    this.#problems.set(place.start, { place, reason })
  }

  /** All of it, in the order of the file. A name skipped at one place and used through an alias is used. */
  found(format: FileFormat): FoundImages {
    const used = new Set([...this.#uses.values()].map(({ place }) => place.start))
    const skipped = [...this.#skipped.values()].filter(({ place }) => !used.has(place.start))
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
