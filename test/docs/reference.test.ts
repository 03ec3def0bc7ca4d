/** The reference lists exactly the options, codes, events, variables and commands that the code has. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { SETTINGS } from '../../src/client/settings/settings-table.js'
import { StaleError, UnavailableError, UnsignedError, UntrustedError, UsageError } from '../../src/errors.js'
import { commandsPage } from './commands-page.js'
import { ROOT, readDocument } from './markdown.js'

const page = (name: string) => readDocument(`docs/reference/${name}.md`)
const sorted = (names: Iterable<string>) => [...new Set(names)].sort()

/** Names in the first column of all tables. `` `--quiet`, `-q` `` has two names; text after a name is its value. */
function firstColumn(name: string, pattern: RegExp): string[] {
  return sorted(page(name).rows.flatMap(([cell = '']) => cell.match(pattern) ?? []))
}

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), ts.ScriptTarget.Latest, true)
}

function* every(node: ts.Node): Generator<ts.Node> {
  yield node
  for (const child of node.getChildren()) yield* every(child)
}

/** The declaration with this name: an interface, a type or a constant. */
function declaration(path: string, name: string): ts.Node {
  const found = parse(path).statements.find((statement) =>
    ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.some((one) => one.name.getText() === name)
      : (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) && statement.name.text === name,
  )
  if (found === undefined) throw new Error(`${name} is not declared in ${path}`)
  return found
}

function texts(node: ts.Node): string[] {
  return [...every(node)].filter(ts.isStringLiteral).map(({ text }) => text)
}

function members(path: string, name: string): string[] {
  const node = declaration(path, name)
  return ts.isInterfaceDeclaration(node) ? node.members.map((member) => member.name?.getText() ?? '') : []
}

test('options', () => {
  const options = members('src/client/settings/options.ts', 'TrustClientOptions')
  const pins = members('src/client/settings/options.ts', 'TrustPinningOption')
  expect(options).toContain('server')
  expect(firstColumn('options', /^[a-zA-Z_]+$/)).toEqual(sorted([...options, ...pins, 'option', 'field']))
  expect(sorted(options)).toEqual(sorted(Object.keys(SETTINGS)))
})

describe('errors', () => {
  const CODES = { UntrustedError, UsageError, UnsignedError, StaleError, UnavailableError }
  const declared = Object.entries(CODES).flatMap(([name, TheError]) => {
    const codes = texts(declaration('src/error-codes.ts', name.replace('Error', 'Code')))
    return codes.map((code) => `${code} ${new TheError(code as never, '').kind}`)
  })

  test('every code, under its kind', () => {
    let kind = ''
    const shown = page('errors').headings.flatMap(({ depth, text }) => {
      if (depth === 2) kind = text
      return text.startsWith('ERR_') ? [`${text} ${kind}`] : []
    })
    expect(declared.length).toBeGreaterThan(20)
    expect(sorted(shown)).toEqual(sorted(declared))
    expect(shown).toHaveLength(declared.length)
  })

  test('every code has a description, and says "Retryable." exactly if it is', () => {
    for (const { text, section } of page('errors').headings.filter(({ depth }) => depth === 3)) {
      expect(section.trim().length, text).toBeGreaterThan(40)
    }
    for (const code of texts(declaration('src/error-codes.ts', 'UnavailableCode'))) {
      const section = page('errors').headings.find(({ text }) => text === code)?.section
      expect(section?.includes('Retryable.'), code).toBe(new UnavailableError(code as never, '').retryable)
    }
  })

  test('every warning', () => {
    const shown = page('errors').headings.map(({ text }) => text)
    expect(sorted(shown.filter((text) => text.startsWith('WARN_')))).toEqual(
      sorted(texts(declaration('src/client/results.ts', 'WarningCode'))),
    )
  })
})

test('events, with every field', () => {
  const variants = [
    declaration('src/http/events.ts', 'TransportEvent'),
    declaration('src/client/events.ts', 'CollectionEvent'),
  ].flatMap((node) => [...every(node)].filter(ts.isTypeLiteralNode))
  const declared = variants.flatMap((variant) => {
    const fields = variant.members.filter(ts.isPropertySignature)
    const type = fields.find(({ name }) => name.getText() === 'type')
    if (type === undefined) return []
    return [
      `${texts(type)[0]}: ${fields
        .map(({ name }) => name.getText())
        .filter((name) => name !== 'type')
        .join(', ')}`,
    ]
  })
  expect(declared.length).toBeGreaterThan(8)
  const shown = page('events')
    .rows.filter(([cell]) => cell !== 'type')
    .map(([type, fields]) => `${type}: ${fields}`)
  expect(sorted(shown)).toEqual(sorted(declared))
})

test('environment variables', () => {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  const settings = Object.values(SETTINGS).flatMap(({ environment = [] }) => environment)
  const read = [...settings, ...sources.flatMap((path) => [...every(parse(join('src', path)))].flatMap(variablesIn))]
  expect(read).toContain('DOCKER_CONTENT_TRUST')
  expect(firstColumn('environment', /\b[A-Za-z]+(?:_[A-Za-z]+)*\b/g)).toEqual(sorted([...read, 'variable']))
})

/** `env['X']`, `f(env, 'X', ...)` and `const { X } = process.env`. */
function variablesIn(node: ts.Node): string[] {
  const isEnvironment = (one: ts.Node | undefined) => /^(?:process\.|io\.|options\.)?env$/.test(one?.getText() ?? '')
  if (ts.isElementAccessExpression(node) && isEnvironment(node.expression)) return texts(node.argumentExpression)
  if (ts.isCallExpression(node) && isEnvironment(node.arguments[0])) return node.arguments.slice(1).flatMap(texts)
  if (!ts.isVariableDeclaration(node) || !isEnvironment(node.initializer) || !ts.isObjectBindingPattern(node.name)) return []
  return node.name.elements.map((one) => (one.propertyName ?? one.name).getText())
}

describe('the command', () => {
  test('the page of the commands is written from their tables', async () => {
    await expect(commandsPage()).toMatchFileSnapshot(join(ROOT, 'docs/reference/commands.md'))
  })

  test('every exit status', () => {
    const { EXIT } = parse('src/cli/io.ts').text.match(/EXIT = \{(?<EXIT>.*)\}/)?.groups ?? {}
    const statuses = [...((EXIT ?? '').match(/\d+/g) ?? []), '1', '3', '4', '5']
    expect(firstColumn('command', /^\d+$/)).toEqual(sorted(statuses))
  })
})
