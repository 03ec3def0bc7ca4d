/** The project's documents, read with a Markdown parser. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import GithubSlugger from 'github-slugger'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

const ELSEWHERE = new Set(['node_modules', 'dist', 'fixtures', 'reports', 'coverage', '.git', '.differential', '.stryker-tmp'])

/** The members of mdast nodes that are used here. */
interface Node {
  readonly type: string
  readonly children?: readonly Node[] | undefined
  readonly value?: string | undefined
  readonly url?: string | undefined
  readonly lang?: string | null | undefined
  readonly depth?: number | undefined
  readonly position?: { readonly start: { readonly line: number } } | undefined
}

/** A fenced block. */
export interface CodeBlock {
  readonly document: string
  /** The line number of its first line of code. */
  readonly line: number
  readonly language: string
  readonly code: string
  /** The `text` block directly after it: the expected output. */
  readonly prints?: string
}

interface Link {
  readonly line: number
  readonly url: string
}

interface Heading {
  readonly depth: number
  readonly text: string
  /** The anchor that GitHub makes. */
  readonly anchor: string
  /** The text from this heading to the next heading of any depth. */
  readonly section: string
}

/** One Markdown file; `path` is relative to the project's folder. */
export interface Document {
  readonly path: string
  readonly text: string
  readonly links: readonly Link[]
  readonly headings: readonly Heading[]
  readonly blocks: readonly CodeBlock[]
  /** Rows of all tables, with the text of each cell. */
  readonly rows: readonly (readonly string[])[]
}

/** Reads every Markdown file of the project. */
export function readDocuments(): Document[] {
  return markdownFiles('').map((path) => readDocument(path))
}

/** Reads one Markdown file. */
export function readDocument(path: string): Document {
  const text = readFileSync(join(ROOT, path), 'utf8')
  const root: Node = fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })
  const nodes = [...all(root)]
  return {
    path,
    text,
    links: nodes.flatMap((node) => (node.url === undefined ? [] : [{ line: lineOf(node), url: node.url }])),
    headings: headingsOf(nodes, text),
    blocks: blocksOf(path, root),
    rows: nodes.filter(({ type }) => type === 'tableRow').map(({ children = [] }) => children.map(textOf)),
  }
}

function markdownFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !ELSEWHERE.has(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return markdownFiles(path)
      return entry.name.endsWith('.md') ? [path] : []
    })
    .sort()
}

function* all(node: Node): Generator<Node> {
  yield node
  for (const child of node.children ?? []) yield* all(child)
}

function textOf(node: Node): string {
  return node.value ?? (node.children ?? []).map(textOf).join('')
}

function lineOf(node: Node): number {
  return node.position?.start.line ?? 0
}

function headingsOf(nodes: readonly Node[], text: string): Heading[] {
  const lines = text.split('\n')
  const slugger = new GithubSlugger()
  const headings = nodes.filter(({ type }) => type === 'heading')
  return headings.map((node, index) => {
    const next = headings[index + 1]
    const section = lines.slice(lineOf(node), next === undefined ? undefined : lineOf(next) - 1).join('\n')
    return { depth: node.depth ?? 0, text: textOf(node), anchor: slugger.slug(textOf(node)), section }
  })
}

function blocksOf(document: string, node: Node): CodeBlock[] {
  const children = node.children ?? []
  return children.flatMap((child, index) => {
    if (child.type !== 'code') return blocksOf(document, child)
    const next = children[index + 1]
    const prints = next?.type === 'code' && next.lang === 'text' ? next.value : undefined
    const block = { document, line: lineOf(child) + 1, language: child.lang ?? '', code: child.value ?? '' }
    return [prints === undefined ? block : { ...block, prints }]
  })
}
