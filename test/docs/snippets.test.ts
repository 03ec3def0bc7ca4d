/**
 * Every snippet and command of the documents works as written, in a separate home with a separate trust server.
 *
 * - `ts` is compiled as strictly as the project, and run. With a first line `// name.ts`, later snippets can import it.
 * - `sh` is run. Like `ts`, it must succeed and print the `text` block directly after it.
 * - `console` cannot run here: its `dct` and `npm` lines are parsed.
 * - `json` and `yaml` are parsed, and so are the `run` lines of `yaml`.
 * - `js` are the examples of docs/testing.md, which test/testing/testing-page.test.ts runs.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { chooseCommand, readCommandLine } from '../../src/cli/arguments.js'
import { type CodeBlock, readDocuments } from './markdown.js'
import { asShown, createPlace, createWorld, type World } from './world.js'

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noUnusedLocals: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
}
/** Blocks in other languages fail the test, because no test would check them. */
const LANGUAGES = ['ts', 'sh', 'console', 'json', 'yaml', 'text', 'mermaid', '']

const documents = readDocuments().filter(({ path }) => path !== 'CHANGELOG.md')
const scripts: Record<string, string> = (await import('../../package.json', { with: { type: 'json' } })).default.scripts

/** The lines that a user would type. */
function commandsOf({ language, code }: CodeBlock): string[] {
  const lines = code.split('\n')
  if (language === 'console') return lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))
  return language === 'yaml' ? [...code.matchAll(/^ *-? *run: (.*)$/gm)].map(([, line = '']) => line) : lines
}

/** Checks the npm scripts and dct calls of one line, without comments and files of output. @throws for an unknown one */
function readLine(line: string): void {
  for (const part of line
    .replace(/(^|\s)#.*$/, '')
    .replace(/\s[0-9]?>\s*\S+/g, '')
    .split(/&&|\|\||[|;]/)) {
    const words = part.trim().split(/\s+/)
    const [program, name = '', third = ''] = words
    if (program === 'npx') expect([name, third], line).toEqual(['--no-install', 'dct'])
    if (program === 'npm' && !['ci', 'install', 'pack'].includes(name))
      expect(Object.keys(scripts)).toContain(name === 'run' ? third : name)
    if (program !== 'dct' || name.startsWith('-')) continue
    expect(() => chooseCommand(readCommandLine(words.slice(1))), line).not.toThrow()
  }
}

/** Messages of the compiler about the snippets. */
let problems: string[]
let place: string
beforeAll(async () => {
  place = await createPlace()
  const files: string[] = []
  for (const block of documents.flatMap(({ blocks }) => blocks.filter(({ language }) => language === 'ts'))) {
    const file = join(folderOf(block.document), nameOf(block))
    await mkdir(folderOf(block.document), { recursive: true })
    await writeFile(file, `${block.code}\nexport {}\n`)
    files.push(file)
  }
  // All in one program, because reading the types of Node takes most of the time.
  const program = ts.createProgram(files, OPTIONS)
  problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    return `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
  program.emit()
}, 60_000)
afterAll(() => rm(place, { recursive: true }))

test('every snippet compiles', () => {
  expect(problems).toEqual([])
})

describe.each(documents.filter(({ blocks }) => blocks.length > 0))('$path', ({ path, blocks }) => {
  const runnable = blocks.filter(({ language }) => language === 'ts' || language === 'sh')
  let world: World | undefined
  beforeAll(async () => {
    if (runnable.length > 0) world = await createWorld(folderOf(path))
  })
  afterAll(() => world?.[Symbol.asyncDispose]())

  test('every block is in a language that is checked', () => {
    const known = path === 'docs/testing.md' ? [...LANGUAGES, 'js'] : LANGUAGES
    expect(blocks.filter(({ language }) => !known.includes(language)).map(({ line }) => `${path}:${line}`)).toEqual([])
  })

  test('dct and npm know the commands', () => {
    for (const block of blocks) if (['sh', 'console', 'yaml'].includes(block.language)) commandsOf(block).forEach(readLine)
  })

  test('JSON and YAML can be parsed', () => {
    for (const { language, code } of blocks) {
      if (language === 'json') expect(() => JSON.parse(code)).not.toThrow()
      if (language === 'yaml') expect(() => parse(code)).not.toThrow()
    }
  })

  test.each(runnable.map((block): [number, CodeBlock] => [block.line, block]))(
    'the block at line %i works',
    { timeout: 60_000 },
    async (_, block) => {
      if (world === undefined) throw new Error('there is no world')
      const { error, out, err } =
        block.language === 'ts'
          ? await world.run(process.execPath, [join(world.folder, nameOf(block).replace(/ts$/, 'js'))])
          : await world.run('/bin/sh', ['-e', '-c', block.code])
      expect(error, `${err}${out}`).toBeNull()
      if (block.prints !== undefined) expect(out).toMatch(asShown(block.prints))
    },
  )
})

function folderOf(document: string): string {
  return join(place, document.replace(/\W/g, '-'))
}

function nameOf({ line, code }: CodeBlock): string {
  return /^\/\/ ([a-z-]+\.ts)\n/.exec(code)?.[1] ?? `line-${line}.ts`
}
