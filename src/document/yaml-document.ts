/**
 * A YAML 1.2 file (which JSON is too) as a tree with places. The syntax is the `yaml` package's. Refused beside what it refuses:
 * duplicate names, tags, merge keys, `%YAML` directives, names that are no texts, and aliases that make a small file large.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  Scalar,
} from 'yaml'
import { utf8Text } from '../bytes.js'
import { MAX_NESTING } from '../metadata/json.js'
import { type DocumentNode, itemPath, MAX_VALUES, type Member, memberPath, type Place } from './document.js'
import type { Faults } from './faults.js'
import { isTooLarge } from './size.js'

/** The tree, or undefined when the file is no YAML or holds several documents: faults say where. */
export function readYamlDocument(bytes: Uint8Array, maxBytes: number, faults: Faults): DocumentNode | undefined {
  const documents = readYamlDocuments(bytes, maxBytes, faults)
  const [first, second] = documents ?? []
  if (second !== undefined)
    faults.add(second, 'a second document', 'Keep one document in the file: leave out what follows the line ---')
  return second === undefined ? first : undefined
}

/** The trees of all documents of a file; undefined when there are faults. */
export function readYamlDocuments(bytes: Uint8Array, maxBytes: number, faults: Faults): DocumentNode[] | undefined {
  if (isTooLarge(bytes, maxBytes, faults)) return undefined
  const text = utf8Text(bytes)
  const start = { path: '', place: { line: 1, column: 1 } }
  if (text === undefined) {
    faults.add(start, 'not UTF-8', `Save the ${faults.what} as UTF-8.`)
    return undefined
  }
  const lines = new LineCounter()
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const costly = costFault(text)
  if (costly !== undefined) {
    faults.add(start, costly, `Write a smaller and flatter ${faults.what}.`)
    return undefined
  }
  const documents = parse(text, lines)
  for (const document of documents) {
    for (const { message, pos } of [...document.errors, ...document.warnings])
      faults.add({ path: '', place: placeOf(pos[0]) }, firstLine(message), 'Correct the YAML at this place.')
    if (document.directives.yaml.explicit === true)
      faults.add(start, 'a %YAML directive', 'Leave it out: the file is read as YAML 1.2.')
  }
  if (faults.any) return undefined
  const reader = new TreeReader(faults, placeOf)
  const trees = documents.flatMap(({ contents }) => (contents === null ? [] : [reader.read(contents)]))
  if (trees.length === 0) faults.add(start, 'the file is empty', `Write the ${faults.what} into it.`)
  return faults.any ? undefined : trees
}

function parse(text: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  const options = { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, prettyErrors: false, lineCounter } as const
  const documents = parseAllDocuments(text, { ...options, logLevel: 'silent', strict: true })
  return Array.isArray(documents) ? documents : []
}

/** Lines and commas of a file (denial of service: the parser takes some 50 microseconds for each). */
const MAX_PARTS = 30_000

/**
 * Why the text is too costly, judged before it is parsed: the parser calls itself for each level. Brackets inside texts count too,
 * so this may refuse a file with many unclosed ones; a configuration has none.
 */
function costFault(text: string): string | undefined {
  let [depth, indicators, parts] = [0, 0, 0]
  let isLineStart = true
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x0a) {
      isLineStart = true
      indicators = 0
      parts++
    } else if (isLineStart && (code === 0x2d || code === 0x3f)) {
      // `- - - - x` and `? ? ? x` nest without indentation.
      if (++indicators > MAX_NESTING) return `nested deeper than ${MAX_NESTING}`
    } else if (code !== 0x20 && code !== 0x09) isLineStart = false
    if (code === 0x5b || code === 0x7b) depth++
    else if ((code === 0x5d || code === 0x7d) && depth > 0) depth--
    else if (code === 0x2c) parts++
    if (depth > MAX_NESTING * 4) return `nested deeper than ${MAX_NESTING}`
    if (parts > MAX_PARTS) return `more than ${MAX_PARTS} lines and commas`
  }
  return undefined
}

class TreeReader {
  readonly #faults: Faults
  readonly #placeOf: (offset: number) => Place
  /** What `&name` stands for from here on. */
  readonly #anchors = new Map<string, Node>()
  /** Anchors that are being read: an alias to one of them has no end. */
  readonly #open = new Set<Node>()
  #values = 0

  constructor(faults: Faults, placeOf: (offset: number) => Place) {
    this.#faults = faults
    this.#placeOf = placeOf
  }

  read(contents: Node): DocumentNode {
    this.#anchors.clear()
    return this.#node(contents, '', 0)
  }

  #node(node: unknown, path: string, depth: number, from?: Place): DocumentNode {
    const place = from ?? this.#place(node)
    if (++this.#values > MAX_VALUES) {
      if (this.#values === MAX_VALUES + 1) this.#fault(path, place, `more than ${MAX_VALUES} values, aliases counted each time`)
      return { kind: 'scalar', path, place, value: null }
    }
    if (depth > MAX_NESTING) return this.#refused(path, place, `nested deeper than ${MAX_NESTING}`)
    if (isAlias(node)) {
      const meant = this.#anchors.get(node.source)
      if (meant === undefined || this.#open.has(meant))
        return this.#refused(path, place, `*${node.source} stands for nothing here`)
      return this.#node(meant, path, depth, place)
    }
    if (isScalar(node) || isMap(node) || isSeq(node)) {
      if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
      this.#open.add(node)
      const read = this.#content(node, path, place, depth)
      this.#open.delete(node)
      return read
    }
    return { kind: 'scalar', path, place, value: null }
  }

  #content(node: Node, path: string, place: Place, depth: number): DocumentNode {
    if (isMap(node)) return { kind: 'object', path, place, members: this.#members(node.items, path, depth) }
    if (isSeq(node)) {
      const items = node.items.map((item, i) => this.#node(item, itemPath(path, i), depth + 1))
      return { kind: 'list', path, place, items }
    }
    const value: unknown = isScalar(node) ? node.value : undefined
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      return { kind: 'scalar', path, place, value }
    return this.#refused(path, place, 'neither a text nor a number, true, false or null')
  }

  #members(pairs: readonly Pair[], path: string, depth: number): Map<string, Member> {
    const members = new Map<string, Member>()
    for (const { key, value } of pairs) {
      const place = this.#place(key)
      const name = isScalar(key) && key.anchor === undefined && typeof key.value === 'string' ? key.value : undefined
      if (name === undefined) this.#fault(path, place, 'a name that is no text')
      else if (name === '<<') this.#fault(path, place, 'merge keys (<<) are not read')
      else if (members.has(name))
        this.#fault(memberPath(path, name), place, `duplicate member name ${JSON.stringify(name.slice(0, 100))}`)
      else
        members.set(name, {
          place,
          value: this.#node(value ?? new Scalar(null), memberPath(path, name), depth + 1, value === null ? place : undefined),
        })
    }
    return members
  }

  #place(node: unknown): Place {
    const range = isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? node.range : undefined
    return this.#placeOf(range?.[0] ?? 0)
  }

  #fault(path: string, place: Place, problem: string): void {
    this.#faults.add({ path, place }, problem, 'Write plain YAML: names once, texts in quotes, each value where it is used.')
  }

  #refused(path: string, place: Place, problem: string): DocumentNode {
    this.#fault(path, place, problem)
    return { kind: 'scalar', path, place, value: null }
  }
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message
}
