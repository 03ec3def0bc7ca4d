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
  type YAMLMap,
} from 'yaml'
import type { UsageError } from '../errors.js'
import type { Span } from './image-use.js'
import type { SourceText } from './source-text.js'
import { PLAIN_TAGS } from './yaml-scalar.js'
import { Visits, YamlTree } from './yaml-tree.js'

/** Tokens of a file. Stops a denial of service: the parser takes about 7 microseconds for each, one second in all. */
const MAX_TOKENS = 150_000
/** Nesting. Stops an overflow of the stack: the parser calls itself for each level. */
const MAX_DEPTH = 200
/** Documents of a file. Each costs more than its tokens. */
const MAX_DOCUMENTS = 10_000
/** Anchors and tags in a row; two of each are valid at most. Each one too many costs the parser an error object. */
const MAX_PROPERTIES = 8

/**
 * What Go's and Python's readers take for the end of a line, or skip at its start, and YAML 1.2 does not: one reader sees a
 * comment where another sees an image.
 */
const DISPUTED = /\r(?!\n)|[\u0085\u2028\u2029]|\n\ufeff/

/** What may follow a value in its place. Anything else is an error, and would cost the parser an error object each. */
const ENDS: ReadonlySet<string> = new Set(['space', 'newline', 'comment', 'flow-map-end', 'flow-seq-end', 'doc-end'])
/** kubectl, helm and kustomize cut documents apart by lines, before they read YAML: `---#x: |` begins a document there, and is a key here. */
const DISPUTED_START = /(?<=^|\n)---[^ \t\r\n]/

const TAKE_OUT = 'Take the character out, or write it as an escape in double quotes, such as "\\u2028".'
/** Of YAML 1.2; one for all documents, since to make one costs more than to parse a small document. */
const SCHEMA = new Schema({ schema: 'core' })

/** A parsed file. */
export interface YamlFile {
  readonly trees: readonly YamlTree[]
  readonly comments: readonly Span[]
  /** Texts with an anchor that are used as an image and as something else too. */
  readonly shared: ReadonlySet<Node>
}

/**
 * Parses all documents of a file.
 *
 * @throws UsageError ERR_SETTINGS_INVALID with the place: not YAML, or read in two ways by programs that use it; a key
 * twice, an alias without anchor, too large
 */
export function parseYaml(source: SourceText): YamlFile {
  const disputed = DISPUTED.exec(source.text)
  if (disputed !== null)
    throw source.broken(disputed.index, 'a character that only some programs take for the end of a line', TAKE_OUT)
  const start = DISPUTED_START.exec(source.text)
  if (start !== null)
    throw source.broken(
      start.index,
      'a line that only some programs take for the start of a document',
      'Write a space or the end of the line behind ---, or put the text in quotes.',
    )
  const comments: Span[] = []
  const shared = new Set<Node>()
  const tokens = readTokens(source, comments)
  const trees: YamlTree[] = []
  const visits = new Visits()
  for (const document of new Composer({ schema: SCHEMA, uniqueKeys: false }).compose(tokens)) {
    if (trees.length >= MAX_DOCUMENTS) throw source.tooLarge(document.range[0], `more than ${MAX_DOCUMENTS} documents`)
    const [error] = document.errors
    if (error !== undefined) throw notYaml(source, error.pos[0], error.message)
    if (document.contents !== null)
      trees.push(new YamlTree(source, document.contents, resolveAliases(source, document, shared), visits))
  }
  return { trees, comments, shared }
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

/** A node and where it is: under which key, and whether in a part that is used through aliases alone. */
interface Visit {
  readonly node: unknown
  readonly key: string
  readonly isFragment: boolean
}

/**
 * What each alias stands for: the latest node before it that has its anchor. Refuses keys that are there twice. `shared` gets the
 * texts that aliases use as an image and as something else.
 */
function resolveAliases(source: SourceText, document: Document, shared: Set<Node>): ReadonlyMap<Node, Node> {
  const anchors = new Map<string, Visit & { readonly node: Node }>()
  const targets = new Map<Node, Node>()
  const waiting: Visit[] = [{ node: document.contents, key: '', isFragment: false }]
  for (let visit = waiting.pop(); visit !== undefined; visit = waiting.pop()) {
    const { node } = visit
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target === undefined) throw notYaml(source, node.range?.[0] ?? 0, `no anchor &${node.source} before this alias`)
      targets.set(node, target.node)
      if (!isImagePlace(visit) || !isImagePlace(target)) shared.add(target.node)
      continue
    }
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) continue
    if (node.anchor !== undefined) anchors.set(node.anchor, { ...visit, node })
    if (isMap(node)) checkKeys(source, node)
    if (isScalar(node)) continue
    for (const item of node.items.toReversed()) {
      if (!isPair(item)) waiting.push({ node: item, key: '', isFragment: visit.isFragment })
      else {
        const key = isScalar(item.key) ? String(item.key.value) : ''
        const isFragment = visit.isFragment || (node === document.contents && /^(?:x-|\.)/.test(key))
        waiting.push({ node: item.value, key, isFragment }, { node: item.key, key: '', isFragment })
      }
    }
  }
  return targets
}

function isImagePlace({ key, isFragment }: Visit): boolean {
  return key === 'image' || isFragment
}

function checkKeys(source: SourceText, { items }: YAMLMap): void {
  const seen = new Set<unknown>()
  for (const { key } of items) {
    if (isAlias(key)) throw notYaml(source, key.range?.[0] ?? 0, 'an alias as a key')
    if (!isScalar(key)) continue
    const start = key.range?.[0] ?? 0
    // kubectl merges a `<<` in quotes when it has the tag `!`, other programs do not.
    if (key.tag !== undefined && (!PLAIN_TAGS.has(key.tag) || key.value === '<<'))
      throw notYaml(source, start, `a key with the tag ${key.tag}, which hides its meaning`)
    if (seen.has(key.value)) throw notYaml(source, start, `the key ${String(key.value)} is there twice`)
    seen.add(key.value)
  }
}

function notYaml(source: SourceText, offset: number, reason: string): UsageError {
  const isTemplate = /(?<!\$)\{\{/.test(source.text)
  const hint = isTemplate ? 'This looks like a template. Render it first, for example: helm template CHART > FILE' : undefined
  return source.broken(Math.min(offset, source.text.length), reason.replace(/ at line \d+, column \d+:.*$/s, ''), hint)
}
