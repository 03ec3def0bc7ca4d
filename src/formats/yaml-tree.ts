/** One YAML document: aliases and merge keys are followed, nothing is copied out of its place. */
import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from 'yaml'
import type { SourceText } from './source-text.js'

/** Keys that merges may copy in all. Stops merges that multiply each other. */
const MAX_MERGED_KEYS = 20_000

/** A key of a map and its value. */
export interface Entry {
  readonly name: string
  readonly key: Scalar
  /** Undefined when there is no value. */
  readonly value: Node | undefined
}

/** A document and what its aliases stand for. */
export class YamlTree {
  readonly root: Node
  readonly source: SourceText
  readonly #targets: ReadonlyMap<Node, Node>
  readonly #entries = new Map<Node, ReadonlyMap<string, Entry>>()
  readonly #merging = new Set<Node>()
  #merged = 0

  constructor(source: SourceText, root: Node, targets: ReadonlyMap<Node, Node>) {
    this.source = source
    this.root = root
    this.#targets = targets
  }

  /** The node itself, or the one that an alias stands for. */
  resolve(node: unknown): Node | undefined {
    if (isAlias(node)) return this.#targets.get(node)
    return isMap(node) || isSeq(node) || isScalar(node) ? node : undefined
  }

  /** The entries of a map, merged ones included; none of anything else. */
  entries(node: unknown): ReadonlyMap<string, Entry> {
    const map = this.resolve(node)
    if (!isMap(map)) return new Map()
    const known = this.#entries.get(map)
    if (known !== undefined) return known
    if (this.#merging.has(map)) throw this.source.broken(map.range?.[0] ?? 0, 'a map that merges itself')
    this.#merging.add(map)
    const entries = this.#readEntries(map)
    this.#merging.delete(map)
    this.#entries.set(map, entries)
    return entries
  }

  /** The value of a key. */
  get(node: unknown, name: string): Node | undefined {
    const value = this.entries(node).get(name)?.value
    return isScalar(value) && value.value === null ? undefined : value
  }

  /** The items of a list, or of nothing else. */
  items(node: unknown): readonly Node[] {
    const list = this.resolve(node)
    return isSeq(list) ? list.items.flatMap((item) => this.resolve(item) ?? []) : []
  }

  /** The text of a scalar that is a string. */
  text(node: unknown): string | undefined {
    const scalar = this.resolve(node)
    return isScalar(scalar) && typeof scalar.value === 'string' ? scalar.value : undefined
  }

  #readEntries(map: YAMLMap): ReadonlyMap<string, Entry> {
    const entries = new Map<string, Entry>()
    const merges: unknown[] = []
    for (const pair of map.items) {
      const key = this.resolve(pair.key)
      if (!isScalar(key)) continue
      const name = String(key.value)
      if (name === '<<' && key.type === 'PLAIN') merges.push(pair.value)
      else entries.set(name, { name, key, value: this.resolve(pair.value) })
    }
    for (const merge of merges) {
      const sources = isSeq(this.resolve(merge)) ? this.items(merge) : [merge]
      for (const source of sources) {
        for (const [name, entry] of this.entries(source)) {
          if (++this.#merged > MAX_MERGED_KEYS)
            throw this.source.broken(map.range?.[0] ?? 0, `more than ${MAX_MERGED_KEYS} merged keys`)
          if (!entries.has(name)) entries.set(name, entry)
        }
      }
    }
    return entries
  }
}
