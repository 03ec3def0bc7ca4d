/** YAML and JSON files, parsed by the package `yaml` within limits. */
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  type Node,
  Parser,
  Schema,
} from 'yaml'
import type { UsageError } from '../errors.js'
import type { Span } from './image-use.js'
import type { SourceText } from './source-text.js'
import { YamlTree } from './yaml-tree.js'

/** Tokens of a file. Stops a denial of service: the parser takes about 7 microseconds for each, one second in all. */
const MAX_TOKENS = 150_000
/** Nesting. Stops an overflow of the stack: the parser calls itself for each level. */
const MAX_DEPTH = 200
/** Documents of a file. Each costs more than its tokens. */
const MAX_DOCUMENTS = 10_000
/** Anchors and tags in a row; two of each are valid at most. Each one too many costs the parser an error object. */
const MAX_PROPERTIES = 8

/** What may follow a value in its place. Anything else is an error, and would cost the parser an error object each. */
const ENDS: ReadonlySet<string> = new Set(['space', 'newline', 'comment', 'flow-map-end', 'flow-seq-end', 'doc-end'])
/** Of YAML 1.2; one for all documents, since to make one costs more than to parse a small document. */
const SCHEMA = new Schema({ schema: 'core' })

/** A parsed file. */
export interface YamlFile {
  readonly trees: readonly YamlTree[]
  readonly comments: readonly Span[]
}

/**
 * Parses all documents of a file.
 *
 * @throws UsageError ERR_SETTINGS_INVALID with the place: not YAML, a key twice, an alias without anchor, too large
 */
export function parseYaml(source: SourceText): YamlFile {
  const comments: Span[] = []
  const tokens = readTokens(source, comments)
  const trees: YamlTree[] = []
  for (const document of new Composer({ schema: SCHEMA, uniqueKeys: false }).compose(tokens)) {
    if (trees.length >= MAX_DOCUMENTS) throw source.tooLarge(document.range[0], `more than ${MAX_DOCUMENTS} documents`)
    const [error] = document.errors
    if (error !== undefined) throw notYaml(source, error.pos[0], error.message)
    if (document.contents !== null) trees.push(new YamlTree(source, document.contents, resolveAliases(source, document)))
  }
  return { trees, comments }
}

function readTokens(source: SourceText, comments: Span[]): CST.Token[] {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let count = 0
  let properties = 0
  let isScalar = false
  for (const lexeme of new Lexer().lex(source.text)) {
    const at = parser.offset
    if (++count > MAX_TOKENS) throw source.tooLarge(at, `more than ${MAX_TOKENS} parts`)
    if (parser.stack.length > MAX_DEPTH) throw source.tooLarge(at, `nested more than ${MAX_DEPTH} levels deep`)
    if (!isScalar && lexeme.startsWith('#')) comments.push({ start: at, end: at + lexeme.length })
    if (!isScalar && /^[&!]/.test(lexeme)) properties++
    else if (isScalar || !/^[ \t\r\n#]/.test(lexeme)) properties = 0
    if (properties > MAX_PROPERTIES) throw notYaml(source, at, 'too many anchors or tags in a row')
    isScalar = lexeme === '\u001f'
    for (const token of parser.next(lexeme)) {
      if (token.type === 'error') throw notYaml(source, token.offset, token.message)
      tokens.push(token)
    }
  }
  tokens.push(...parser.end())
  checkEnds(source, tokens)
  return tokens
}

function checkEnds(source: SourceText, tokens: readonly CST.Token[]): void {
  const waiting: (CST.Token | CST.CollectionItem | null | undefined)[] = [...tokens]
  while (waiting.length > 0) {
    const token = waiting.pop()
    if (token === null || token === undefined) continue
    if ('end' in token && token.end !== undefined) {
      const stray = token.end.find(({ type }) => !ENDS.has(type))
      if (stray !== undefined) throw notYaml(source, stray.offset, 'something that follows a value without a separator')
    }
    if ('items' in token) for (const item of token.items) waiting.push(item)
    if ('key' in token) waiting.push(token.key)
    if ('value' in token) waiting.push(token.value)
  }
}

/** What each alias stands for: the latest node before it that has its anchor. Refuses keys that are there twice. */
function resolveAliases(source: SourceText, document: Document): ReadonlyMap<Node, Node> {
  const anchors = new Map<string, Node>()
  const targets = new Map<Node, Node>()
  const waiting: unknown[] = [document.contents]
  while (waiting.length > 0) {
    const node = waiting.pop()
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target === undefined) throw notYaml(source, node.range?.[0] ?? 0, `no anchor &${node.source} before this alias`)
      targets.set(node, target)
    } else if (isPair(node)) waiting.push(node.value, node.key)
    else if (isMap(node) || isSeq(node) || isScalar(node)) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
      if (isMap(node))
        checkKeys(
          source,
          node.items.map(({ key }) => key),
        )
      if (!isScalar(node)) for (const item of node.items.toReversed()) waiting.push(item)
    }
  }
  return targets
}

function checkKeys(source: SourceText, keys: readonly unknown[]): void {
  const seen = new Set<unknown>()
  for (const key of keys) {
    if (!isScalar(key)) continue
    if (seen.has(key.value)) throw notYaml(source, key.range?.[0] ?? 0, `the key ${String(key.value)} is there twice`)
    seen.add(key.value)
  }
}

function notYaml(source: SourceText, offset: number, reason: string): UsageError {
  const isTemplate = /(?<!\$)\{\{/.test(source.text)
  const hint = isTemplate ? 'This looks like a template. Render it first, for example: helm template CHART > FILE' : undefined
  return source.broken(Math.min(offset, source.text.length), reason.replace(/ at line \d+, column \d+:.*$/s, ''), hint)
}
