/** Reads values of one Compose document: lists and maps within a limit, images with variables. */
import type { Node } from 'yaml'
import { interpolate, wholeDefault } from './compose-interpolation.js'
import type { ImageCollector } from './found-images.js'
import type { FindOptions, ImageUseKind } from './image-use.js'
import { partSpan, scalarSlot } from './yaml-scalar.js'
import type { Entry, YamlTree } from './yaml-tree.js'

const NO_DOLLAR = 'a digest has no place in a reference put together from variables: write it in one piece'
/** Arguments, contexts, volumes and hooks of all services. Stops aliases that multiply them. */
const MAX_PARTS = 50_000

/** What the readers of services and of builds share. */
export class ComposeValues {
  readonly tree: YamlTree
  readonly collector: ImageCollector
  readonly options: FindOptions
  readonly #variables: ReadonlyMap<string, string>
  #parts = 0

  constructor(tree: YamlTree, collector: ImageCollector, options: FindOptions) {
    this.tree = tree
    this.collector = collector
    this.options = options
    this.#variables = options.variables ?? new Map()
  }

  /** A text with its variables replaced, or why it is not known. */
  interpolate(text: string): ReturnType<typeof interpolate> {
    return interpolate(text, this.#variables)
  }

  /** The items of a list; none for any other value. @throws UsageError ERR_SETTINGS_INVALID beyond the limit */
  items(node: Node | undefined): readonly Node[] {
    const items = this.tree.items(node)
    this.#count(node, items.length)
    return items
  }

  /** The entries of a map; none for any other value. @throws UsageError ERR_SETTINGS_INVALID beyond the limit */
  entries(node: Node | undefined): readonly Entry[] {
    const entries = this.tree.entries(node)
    this.#count(node, entries.size)
    return [...entries.values()]
  }

  #count(node: Node | undefined, parts: number): void {
    this.#parts += parts
    if (this.#parts <= MAX_PARTS) return
    throw this.tree.source.tooLarge(node?.range?.[0] ?? 0, `more than ${MAX_PARTS} arguments, contexts, volumes and hooks`)
  }

  /** Takes an image, written behind `prefix`. */
  add(kind: ImageUseKind, node: Node, platform?: string, prefix = ''): void {
    const scalar = this.collector.read(kind, node)
    if (scalar === undefined) return
    const text = scalar.value.slice(prefix.length)
    const end = scalar.value.length
    const span = partSpan(scalar, prefix.length, end)
    const known = this.interpolate(text)
    const [from, to] = wholeDefault(text, this.#variables) ?? (text.includes('$') ? [] : [0, text.length])
    const slot = from === undefined || to === undefined ? undefined : scalarSlot(scalar, prefix.length + from, prefix.length + to)
    this.collector.addResolved(
      kind,
      'reason' in known
        ? { span, reason: known.reason }
        : { span, value: known.value, slot, ...(from === undefined ? { reason: NO_DOLLAR } : {}) },
      { platform },
    )
  }
}
