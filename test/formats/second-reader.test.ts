/**
 * The package dockerfile-ast as a second reader: over the corpus it cuts Dockerfiles into the same instructions, but for a
 * closed list of files. In each of those it differs from BuildKit, most often so that an image would be hidden.
 */
import { DockerfileParser } from 'dockerfile-ast'
import { expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { readDockerfileLines } from '../../src/formats/dockerfile-lines.js'
import { findImageUses } from '../../src/formats/find-image-uses.js'
import { SourceText } from '../../src/formats/source-text.js'
import { corpus } from './corpus.js'

const DIFFERENT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '22-escaped-space-then-continuation': 'ends the line, where BuildKit goes on',
    '23-heredoc-with-file-descriptor': 'takes the text for instructions',
    '23-heredoc-with-space': 'takes the text for instructions, as older versions of BuildKit do',
    '23-no-heredoc-after-an-odd-quote': 'hides the rest of the file',
    '23-no-heredoc-in-quotes': 'hides the rest of the file',
    '26-carriage-return-is-no-line-end': 'sees two instructions, where BuildKit sees one that is wrong',
    'odd-form-feed': 'does not end the keyword there',
    'odd-no-break-space': 'takes the space before the keyword for a part of it',
  }),
)

test('instructions begin where the second reader sees them', () => {
  const files = corpus().filter(({ path }) => path.startsWith('dockerfile/'))
  const different: string[] = []
  for (const { path, text } of files) {
    const own = instructionsOf(path, text)
    const theirs = DockerfileParser.parse(text)
      .getInstructions()
      .map((instruction) => {
        const { line, character } = instruction.getRange().start
        return `${line + 1}:${character + 1 - (line === 0 && text.startsWith('\ufeff') ? 1 : 0)} ${instruction.getKeyword().toLowerCase()}`
      })
    if (own !== undefined && own.join('\n') !== theirs.join('\n')) different.push(path)
  }
  expect(different).toEqual([...DIFFERENT.keys()].map((name) => `dockerfile/${name}.Dockerfile`))
})

test('the second reader sees the same images behind FROM; what it sees besides are stages, contexts and scratch', () => {
  let compared = 0
  for (const { path, text, expected, options } of corpus()) {
    const isSame = path.startsWith('dockerfile/') && !DIFFERENT.has(path.replace(/^dockerfile\/|\.Dockerfile$/g, ''))
    if (!isSame || expected.broken !== undefined || (expected.problems?.length ?? 0) > 0) continue
    const own = findImageUses(path, text, options).uses.filter(({ kind }) => kind === 'from')
    const waiting = own.map(({ written }) => unquoted(written.replace(/\\\s*\n(?:\s*#.*\n)*/g, '')))
    const stages = new Set<string | null | undefined>(['scratch', ...(options.contexts ?? [])])
    const theirs = DockerfileParser.parse(text).getFROMs()
    for (const from of theirs) {
      const image = unquoted(from.getImage() ?? '')
      if (waiting[0] === image) waiting.shift()
      else if (!image.includes('$')) expect([...stages], `${path}: FROM ${image}`).toContain(image.toLowerCase())
      stages.add(from.getBuildStage()?.toLowerCase())
    }
    expect(waiting, path).toEqual([])
    compared += theirs.length
  }
  expect(compared).toBeGreaterThan(80)
})

function unquoted(word: string): string {
  return word.replace(/^(["'])(.*)\1$/, '$2')
}

/** Undefined for a file that is refused. */
function instructionsOf(path: string, text: string): string[] | undefined {
  const source = new SourceText(path, text)
  try {
    const { instructions } = readDockerfileLines({ source, text, toSource: (offset) => offset })
    return instructions.map(({ at, keyword }) => {
      const { line, column } = source.place({ start: at[0] ?? 0, end: at[0] ?? 0 })
      return `${line}:${column} ${keyword}`
    })
  } catch (error) {
    if (error instanceof UsageError) return undefined
    throw error
  }
}
