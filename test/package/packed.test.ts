/** The package as it would be published: its files, and that it compiles and runs when installed. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
const run = promisify(execFile)

let folder: string
let packed: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-packed-'))
  // Packs the build of `npm test`: a new build would remove it while other tests use it.
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--offline', '--pack-destination', folder], {
    cwd: ROOT,
  })
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  packed = files.map(({ path }) => path).sort()
  const place = join(folder, 'node_modules', manifest.name)
  await mkdir(place, { recursive: true })
  await run('tar', ['-xzf', join(folder, filename), '--strip-components=1', '-C', place])
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(ROOT, 'node_modules', name), link, 'junction')
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  for (const file of ['consumer.ts', 'consumer.cts']) await copyFile(join(ROOT, 'test/package/consumer.ts'), join(folder, file))
}, 60_000)
afterAll(() => rm(folder, { recursive: true }))

describe('what is packed', () => {
  test('is what is needed and nothing else', () => {
    const allowed = [
      /^dist\/[a-z0-9/-]+\.(js|d\.ts)$/,
      /^dist\/cli\/([a-z0-9-]+\.cjs|LICENSES\.md)$/,
      /^dist\/man\/dct[a-z-]*\.1$/,
      /^schemas\/[a-z-]+\.schema\.json$/,
      /^examples\/[a-z-]+\/[A-Za-z.-]+$/,
      /^docs\/([a-z]+\/)?(README|[a-z0-9-]+)\.md$/,
      /^fixtures\/demo\/(case|served\/[a-z0-9./-]+)\.json$/,
      /^(CHANGELOG\.md|CONTRIBUTING\.md|SECURITY\.md|LICENSE|README\.md|package\.json)$/,
    ]
    expect(packed.filter((path) => !allowed.some((pattern) => pattern.test(path)))).toEqual([])
    for (const path of ['CHANGELOG.md', 'LICENSE', 'README.md', 'docs/testing.md', 'fixtures/demo/case.json'])
      expect(packed).toContain(path)
  })

  test('has every source of the library compiled, with its declarations, and no other module', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !/^cli\W/.test(path))
      .map((path) => `dist/${path.replace(/\.ts$/, '')}`)
    const modules = packed.filter((path) => /^dist\/(?!cli\/|man\/)/.test(path))
    expect(modules).toEqual(sources.flatMap((path) => [`${path}.d.ts`, `${path}.js`]).sort())
  })

  test('has the licences of what is bundled with the command, all of them permissive', async () => {
    const text = await readFile(join(ROOT, 'dist/cli/LICENSES.md'), 'utf8')
    const told = [...text.matchAll(/^## (\S+) - (\S+) \((.+)\)$/gm)].map(([, name, version, licence]) => ({
      name,
      version,
      licence,
    }))
    const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'))
    for (const { name, version, licence } of told) {
      const locked = Object.entries(packages).filter(([path]) => `/${path}`.endsWith(`/node_modules/${name}`))
      expect(
        locked.map(([, entry]) => (entry as { version: string }).version),
        name,
      ).toContain(version)
      expect(['MIT', 'Apache-2.0', 'BSD-3-Clause', '0BSD', 'ISC'], name).toContain(licence)
    }
    for (const name of Object.keys(manifest.dependencies)) expect(told.map((one) => one.name)).toContain(name)
  })

  test('names no file that is not there', () => {
    const named = [
      ...Object.values<{ types?: string; default?: string } | string>(manifest.exports),
      ...Object.values<string>(manifest.bin),
    ]
    const paths = named.flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)))
    for (const path of paths) expect(packed).toContain(path.replace(/^\.\//, ''))
  })
})

describe('TypeScript', () => {
  const { ModuleKind, ModuleResolutionKind } = ts
  const es = ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts']
  const dom = [...es, 'lib.dom.d.ts', 'lib.dom.iterable.d.ts']
  const node16 = { module: ModuleKind.Node16, moduleResolution: ModuleResolutionKind.Node16 }
  const nodenext = { module: ModuleKind.NodeNext, moduleResolution: ModuleResolutionKind.NodeNext }
  const bundler = { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler }

  test.each([
    ['node16', 'consumer.ts', { ...node16, lib: es }],
    ['nodenext, with the DOM', 'consumer.ts', { ...nodenext, lib: dom }],
    ['nodenext, as CommonJS', 'consumer.cts', { ...nodenext, lib: es }],
    ['bundler, with the DOM', 'consumer.ts', { ...bundler, lib: dom }],
  ])('compiles with moduleResolution %s, at its strictest', { timeout: 60_000 }, (_, file, settings) => {
    const options: ts.CompilerOptions = {
      ...settings,
      target: ts.ScriptTarget.ES2022,
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    }
    const host = ts.createCompilerHost(options)
    host.getCurrentDirectory = () => folder
    const program = ts.createProgram([join(folder, file)], options, host)
    const messages = ts.getPreEmitDiagnostics(program).map((one) => ts.flattenDiagnosticMessageText(one.messageText, '\n'))
    expect(messages).toEqual([])
    const used = program.getSourceFiles().map(({ fileName }) => fileName)
    expect(used.some((path) => path.includes('/node_modules/docker-content-trust/dist/testing/index.d.ts'))).toBe(true)
  })
})

describe('installed', () => {
  const node = (...argv: string[]) => run(process.execPath, argv, { cwd: folder }).then(({ stdout }) => stdout)
  const doors = ['docker-content-trust', 'docker-content-trust/testing']
  const shows = 'console.log(Object.keys(library).length, typeof (library.verifyTag ?? library.startTrustServer))'

  test.each(doors)('%s can be imported', async (door) => {
    expect(await node('--input-type=module', '-e', `import * as library from '${door}'; ${shows}`)).toMatch(/^\d+ function\n$/)
  })

  test.skipIf(!Object.hasOwn(process.features, 'require_module'))('both doors can be required', async () => {
    for (const door of doors) {
      const code = `const library = require('${door}'); ${shows}`
      expect(await node('--input-type=commonjs', '-e', code)).toMatch(/^\d+ function\n$/)
    }
  })

  test('the programs run without the packages that they bring along', async () => {
    const alone = await mkdtemp(join(tmpdir(), 'dct-alone-'))
    try {
      await cp(join(folder, 'node_modules', manifest.name), alone, { recursive: true })
      const asked = run(process.execPath, [join(alone, manifest.bin.dct), 'demo'], { cwd: alone })
      expect((await asked).stdout).toMatch(/@sha256:[0-9a-f]{64}\n$/)
    } finally {
      await rm(alone, { recursive: true })
    }
  })

  test('the programs run, the demo too', { timeout: 60_000 }, async () => {
    for (const path of Object.values<string>(manifest.bin)) {
      const bin = join('node_modules', manifest.name, path)
      expect(await node(bin, '--version')).toContain(manifest.version)
      expect((await readFile(join(folder, bin), 'utf8')).startsWith('#!/usr/bin/env node\n')).toBe(true)
    }
    expect(await node(join('node_modules', manifest.name, manifest.bin.dct), 'demo')).toMatch(/@sha256:[0-9a-f]{64}\n$/)
  })
})
