/** Links between the documents lead to files and headings; external links are https addresses. */
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT, readDocument, readDocuments } from './markdown.js'

const documents = readDocuments()

test('the documents are found', () => {
  expect(documents.map(({ path }) => path)).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'src/README.md']))
})

describe.each(documents)('$path', ({ path, links }) => {
  test('every link leads to a file, and every anchor to a heading', () => {
    const broken = links
      .filter(({ url }) => !url.includes(':') && !leads(path, url))
      .map(({ line, url }) => `${path}:${line} ${url}`)
    expect(broken).toEqual([])
  })

  test('every external link is https', () => {
    const outside = links.filter(({ url }) => url.includes(':')).map(({ url }) => url)
    expect(outside.filter((url) => !URL.canParse(url) || !url.startsWith('https://'))).toEqual([])
  })
})

function leads(from: string, url: string): boolean {
  const [file = '', anchor] = url.split('#')
  const path = file === '' ? from : normalize(join(dirname(from), decodeURI(file)))
  if (path.startsWith('..') || !existsSync(join(ROOT, path))) return false
  return anchor === undefined || readDocument(path).headings.some((heading) => heading.anchor === anchor)
}

test('every page of docs/ can be reached from its index', () => {
  const reached = new Set(['docs/README.md'])
  for (const path of reached) {
    for (const { url } of readDocument(path).links) {
      const next = normalize(join(dirname(path), url.split('#')[0] ?? ''))
      if (!url.includes(':') && next.startsWith('docs/') && next.endsWith('.md')) reached.add(next)
    }
  }
  expect(documents.map(({ path }) => path).filter((path) => path.startsWith('docs/') && !reached.has(path))).toEqual([])
})
