/** One YAML document: aliases and merge keys are followed, nothing is copied out of its place. */
import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap } from 'yaml'
import type { SourceText } from './source-text.js'
import { PLAIN_TAGS } from './yaml-scalar.js'

/** Keys that merges may copy in all. Stops merges that multiply each other. */
const MAX_MERGED_KEYS = 20_000

/**
 * Items and entries of all documents of a file that are read, each as often as it is read. Stops aliases that bring one list into many
 * places: a file of 150,000 tokens could have a billion of them. Without aliases a file has some hundred thousand.
 */
const MAX_VISITS = 2_000_000

/** Tags of Compose, which take a value out or let it replace another; a text stays what it is. */
const COMPOSE_TAGS: ReadonlySet<string> = new Set(['!reset', '!override'])

/** A key of a map and its value. */
export interface Entry {
  readonly name: string
  readonly key: Scalar
  /** Undefined when there is no value. */
  readonly value: Node | undefined
}

/** What reading the documents of one file cost so far. */
export class Visits {
  #count = 0

  /** @throws UsageError ERR_SETTINGS_INVALID */
  add(count: number, source: SourceText, node: Node): void {
    this.#count += count
    if (this.#count > MAX_VISITS)
      throw source.tooLarge(
        node.range?.[0] ?? 0,
        `more than ${MAX_VISITS} items and entries, those behind aliases counted each time`,
      )
  }
}

/** A document and what its aliases stand for. */
export class YamlTree {
  readonly root: Node
  readonly source: SourceText
  readonly #targets: ReadonlyMap<Node, Node>
  readonly #visits: Visits
  readonly #entries = new Map<Node, ReadonlyMap<string, Entry>>()
  readonly #merging = new Set<Node>()
  #merged = 0

  constructor(source: SourceText, root: Node, targets: ReadonlyMap<Node, Node>, visits: Visits) {
    this.source = source
    this.root = root
    this.#targets = targets
    this.#visits = visits
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
    const entries = this.#entriesOf(map)
    this.#visits.add(entries.size, this.source, map)
    return entries
  }

  #entriesOf(map: YAMLMap): ReadonlyMap<string, Entry> {
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
    const map = this.resolve(node)
    const value = isMap(map) ? this.#entriesOf(map).get(name)?.value : undefined
    return isScalar(value) && value.value === null ? undefined : value
  }

  /** The items of a list, or of nothing else. */
  items(node: unknown): readonly Node[] {
    const list = this.resolve(node)
    if (!isSeq(list)) return []
    this.#visits.add(list.items.length, this.source, list)
    return list.items.flatMap((item) => this.resolve(item) ?? [])
  }

  /**
   * The text of a scalar that is a string, for texts that decide what a file means.
   *
   * @throws UsageError ERR_SETTINGS_INVALID when a tag, such as `!!binary`, may make another text of it
   */
  text(node: unknown): string | undefined {
    const scalar = this.resolve(node)
    if (!isScalar(scalar) || typeof scalar.value !== 'string') return undefined
    const { tag, range } = scalar
    if (tag === undefined || PLAIN_TAGS.has(tag) || COMPOSE_TAGS.has(tag)) return scalar.value
    throw this.source.broken(range?.[0] ?? 0, `the tag ${tag} hides the meaning of this text`, 'Write the text without a tag.')
  }

  /** kubectl lets a merge win over the keys before it, other programs let every key of the map win. */
  #refuseLateMerge(map: YAMLMap, name: string): never {
    const pair = map.items.find(({ key }) => isScalar(key) && key.value === name)
    const start = isScalar(pair?.key) ? pair.key.range?.[0] : undefined
    const reason = `programs do not agree which ${name} counts: this one, or the one merged below it`
    throw this.source.broken(start ?? map.range?.[0] ?? 0, reason, 'Write the merge key << before the other keys of the map.')
  }

  #readEntries(map: YAMLMap): ReadonlyMap<string, Entry> {
    const entries = new Map<string, Entry>()
    const merges: { readonly value: unknown; readonly before: ReadonlySet<string> }[] = []
    for (const pair of map.items) {
      const key = this.resolve(pair.key)
      if (!isScalar(key)) continue
      const name = String(key.value)
      if (name === '<<' && key.type === 'PLAIN') merges.push({ value: pair.value, before: new Set(entries.keys()) })
      else entries.set(name, { name, key, value: this.resolve(pair.value) })
    }
    for (const { value, before } of merges) {
      const sources = isSeq(this.resolve(value)) ? this.items(value) : [value]
      for (const source of sources) {
        for (const [name, entry] of this.entries(source)) {
          if (++this.#merged > MAX_MERGED_KEYS)
            throw this.source.broken(map.range?.[0] ?? 0, `more than ${MAX_MERGED_KEYS} merged keys`)
          if (!entries.has(name)) entries.set(name, entry)
          else if (before.has(name)) this.#refuseLateMerge(map, name)
        }
      }
    }
    return entries
  }
}
