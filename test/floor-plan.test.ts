/** The floors of the house (see src/README.md): imports go only downwards, and the rules never touch the world outside. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

const FLOORS = [
  ['printable', 'shell-word', 'error-codes', 'nearest-name', 'build-cache'],
  ['errors', 'bytes'],
  ['reference', 'crypto'],
  ['metadata', 'formats', 'http', 'cache', 'credentials', 'engine'],
  ['trust-server', 'registry'],
  ['trust', 'document'],
  ['lockfile', 'policy', 'bundle'],
  ['client'],
  ['tasks', 'report'],
  ['index'],
]
/** Inside client/: settings know nothing of refreshes, refreshes nothing of answers; the files beside the folders use all three. */
const CLIENT_FLOORS = ['client/results', 'client/events', 'client/settings/', 'client/refresh/', 'client/answers/', 'client/']
const CARRIERS = ['http', 'trust-server', 'registry', 'cache', 'credentials', 'engine']
const DOORS = ['cli', 'service', 'testing']
const OUTSIDE = /^node:(fs|http|https|http2|net|tls|dgram|dns|child_process|worker_threads|timers|os|process)(\/|$)/
const IMPURE =
  /^(process|console|globalThis|performance|fetch|set(Timeout|Interval|Immediate)|Date\.now|Math\.random|new Date\(\))$/

interface Import {
  readonly from: string
  readonly to: string
  /** `types` vanish when compiled; `later` is loaded inside a call. */
  readonly kind: 'values' | 'types' | 'later'
}

const SOURCES = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ts.createSourceFile(join('src', path), readFileSync(join('src', path), 'utf8'), ts.ScriptTarget.Latest, true))
const IMPORTS = SOURCES.flatMap(importsOf)

const room = (path: string) => path.replace(/^src\//, '').split(/[/.]/, 1)[0] ?? ''
const floor = (path: string) => FLOORS.findIndex((rooms) => rooms.includes(room(path)))
const isPure = (path: string) =>
  (floor(path) < floor('client') || room(path) === 'report') && !CARRIERS.includes(room(path)) && !DOORS.includes(room(path))
const shown = ({ from, to }: Import) => `${from} -> ${to}`
/** Imports of packages and of Node that a rule forbids. */
const against = (forbidden: (found: Import) => boolean) => IMPORTS.filter(forbidden).map(shown)

function every(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => every(child, visit))
}

function importsOf(source: ts.SourceFile): Import[] {
  const from = source.fileName
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, kind: Import['kind']) => {
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return
    const to = specifier.text.startsWith('.') ? join(dirname(from), specifier.text).replace(/\.js$/, '.ts') : specifier.text
    found.push({ from, to, kind })
  }
  every(source, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, onlyTypes(node.importClause) ? 'types' : 'values')
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, onlyTypes(node) ? 'types' : 'values')
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0], 'later')
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, 'types')
  })
  return found
}

/** With verbatimModuleSyntax `import { type A }` still loads the file, but nothing of it. */
function onlyTypes(clause: ts.ImportClause | ts.ExportDeclaration | undefined): boolean {
  if (clause === undefined) return false
  if (clause.isTypeOnly) return true
  const names = ts.isImportClause(clause) ? clause.namedBindings : clause.exportClause
  if (names === undefined || !(ts.isNamedImports(names) || ts.isNamedExports(names))) return false
  const isDefault = ts.isImportClause(clause) && clause.name !== undefined
  return !isDefault && names.elements.length > 0 && names.elements.every(({ isTypeOnly }) => isTypeOnly)
}

/** What a file uses of the world without importing it. */
function impurities(source: ts.SourceFile): string[] {
  const found: string[] = []
  every(source, (node) => {
    const isName = ts.isIdentifier(node) && !(ts.isPropertyAccessExpression(node.parent) && node.parent.name === node)
    const bare = ts.isNewExpression(node) && (node.arguments?.length ?? 0) === 0
    const text =
      isName || ts.isPropertyAccessExpression(node) ? node.getText() : bare ? `${node.getText().replace(/\(\)$/, '')}()` : ''
    if (IMPURE.test(text)) found.push(`${source.fileName} -> ${text}`)
  })
  return found
}

test('there is something to look at, and every file has its floor', () => {
  expect(IMPORTS.length).toBeGreaterThan(100)
  const homeless = SOURCES.map(({ fileName }) => fileName).filter((path) => floor(path) < 0 && !DOORS.includes(room(path)))
  expect(homeless).toEqual([])
})

test('imports go only downwards, never across', () => {
  const wrong = IMPORTS.filter(({ from, to, kind }) => {
    if (!to.startsWith('src/') || DOORS.includes(room(from)) || room(from) === room(to)) return false
    if (DOORS.includes(room(to))) return true
    const between = [room(from), room(to)]
    if (['trust-server', 'registry'].includes(room(from)) && room(to) === 'http') return false
    if (between.every((name) => CARRIERS.includes(name))) return kind !== 'types'
    if (between.some((name) => CARRIERS.includes(name)) && between.some((name) => name === 'metadata' || name === 'trust'))
      return true
    return floor(to) >= floor(from)
  })
  expect(wrong.map(shown)).toEqual([])
})

test('inside client, imports go from the public calls to answers, refresh, settings and what all of them share', () => {
  const clientFloor = (path: string) => CLIENT_FLOORS.findIndex((start) => path.startsWith(`src/${start}`))
  const inner = IMPORTS.filter(({ from, to }) => room(from) === 'client' && room(to) === 'client')
  expect(inner.length).toBeGreaterThan(40)
  expect(inner.filter(({ from, to }) => clientFloor(to) > clientFloor(from)).map(shown)).toEqual([])
})

test('no file imports itself by way of others, not even types', () => {
  expect(circles()).toEqual([])
})

/** For each file that can reach itself, the shortest way. Imports inside a call do not count: they load nothing ahead. */
function circles(): string[] {
  const next = new Map(SOURCES.map(({ fileName }) => [fileName, [] as string[]]))
  for (const { from, to, kind } of IMPORTS) if (kind !== 'later') next.get(from)?.push(to)
  return SOURCES.flatMap(({ fileName: start }) => {
    const ways = new Map([[start, start]])
    for (const [path, way] of ways) {
      for (const to of next.get(path) ?? []) {
        if (to === start) return [`${way} -> ${to}`]
        if (!ways.has(to)) ways.set(to, `${way} -> ${to}`)
      }
    }
    return []
  })
}

test('the rules ask no file, no network, no process, no clock and no chance', () => {
  expect(against(({ from, to }) => isPure(from) && OUTSIDE.test(to))).toEqual([])
  expect(SOURCES.filter(({ fileName }) => isPure(fileName)).flatMap(impurities)).toEqual([])
})

test('each library is used in its own place only', () => {
  const places: [RegExp, (path: string, kind: Import['kind']) => boolean][] = [
    [/^(node:)?crypto$/, (path) => ['crypto', ...DOORS].includes(room(path))],
    [/^@noble\//, (path) => room(path) === 'crypto' || path === 'src/bytes.ts' || DOORS.includes(room(path))],
    [
      /^zod(\/|$)/,
      (path, kind) =>
        ['src/metadata/schema.ts', 'src/testing/fixture-case.ts'].includes(path) ||
        (path === 'src/metadata/parse.ts' && kind === 'types'),
    ],
    [/^yaml$/, (path) => room(path) === 'formats' || path === 'src/document/yaml-document.ts'],
    [/^smol-toml$/, (path) => path === 'src/document/toml.ts'],
    [/^undici(\/|$)/, (path) => room(path) === 'http'],
    [/^(@peculiar\/|asn1js$|pkijs$)/, (path) => path === 'src/crypto/certificate-details.ts' || room(path) === 'testing'],
    [/^string-width$/, (path) => room(path) === 'report'],
    [/^diff$/, (path) => path === 'src/report/unified-diff.ts'],
    [/^canonicalize$/, (path) => path === 'src/metadata/canonical-json.ts' || room(path) === 'testing'],
  ]
  expect(against(({ from, to, kind }) => places.some(([library, allows]) => library.test(to) && !allows(from, kind)))).toEqual([])
  expect(
    against(({ to }) => !to.startsWith('src/') && !to.startsWith('node:') && !places.some(([library]) => library.test(to))),
  ).toEqual([])
})

test('importing the library loads neither undici, nor zod, nor yaml, nor diff, nor the ASN.1 library', () => {
  const loaded = new Map([['src/index.ts', 'src/index.ts']])
  for (const [path, route] of loaded) {
    for (const { from, to, kind } of IMPORTS)
      if (from === path && kind === 'values' && !loaded.has(to)) loaded.set(to, `${route} -> ${to}`)
  }
  expect(loaded.size).toBeGreaterThan(3)
  expect([...loaded].filter(([to]) => /^(undici|zod|yaml|diff|@peculiar)/.test(to)).map(([, route]) => route)).toEqual([])
})

test('tests and measurements know the testing kit only by its public door', () => {
  const paths = ['test', 'bench', 'scripts'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  )
  const files = paths.filter((path) => /\.[cm]?[jt]s$/.test(path) && !path.includes('node_modules'))
  expect(files.length).toBeGreaterThan(100)
  const wrong = files.flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(/['"]\.[^'"\n]*\/(?:src|dist)\/testing\/([^'"\n]+)['"]/g)]
      .filter(([, file]) => !/^index\.(js|ts|d\.ts)$/.test(file ?? ''))
      .map(([, file]) => `${path} -> testing/${file}`),
  )
  expect(wrong).toEqual([])
})
