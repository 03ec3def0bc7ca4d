// npm run test:nodes [-- 22 24]: runs the unit suites (vitest.nodes.config.ts) under other versions of Node, and the jest example of
// docs/testing.md under the current Node. Downloads exact versions of Node and jest from the npm registry into
// node_modules/.cache. package.json builds first.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

/** By major version. The npm package `node` downloads the same binaries with an install script; these packages need none. */
const NODES = { 22: '22.23.3', 24: '24.21.0' }
const JEST = '30.5.2'
const PLATFORM = process.platform === 'win32' ? 'win' : process.platform

const root = resolve(import.meta.dirname, '..')
const cache = join(root, 'node_modules', '.cache', 'test-nodes')
const wanted = process.argv.slice(2)

/** Runs a command. Ends this process if it fails. */
function run(command, argv, { env = process.env, ...options } = {}) {
  const { status } = spawnSync(command, argv, { stdio: 'inherit', cwd: root, env, ...options })
  if (status !== 0) process.exit(status ?? 1)
}

/** Installs one package into its own folder, unless it is already there. */
function install(name, spec) {
  const folder = join(cache, name)
  if (existsSync(join(folder, 'node_modules', 'done'))) return join(folder, 'node_modules')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  const argv = ['install', '--no-audit', '--no-fund', '--no-save', '--ignore-scripts', '--loglevel=error', spec]
  run('npm', argv, { cwd: folder, shell: process.platform === 'win32' })
  writeFileSync(join(folder, 'node_modules', 'done'), '')
  return join(folder, 'node_modules')
}

for (const [major, version] of Object.entries(NODES)) {
  if (wanted.length > 0 && !wanted.includes(major)) continue
  const modules = install(`node-${version}`, `node@npm:node-${PLATFORM}-${process.arch}@${version}`)
  const binary = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  console.log(`\n== the unit suites under Node ${version}`)
  const env = { ...process.env, PATH: `${join(modules, 'node', 'bin')}${delimiter}${process.env.PATH}` }
  run(binary, ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.nodes.config.ts', '--reporter', 'dot'], { env })
}

if (wanted.length === 0 || wanted.includes('jest')) {
  console.log(`\n== the example for jest ${JEST}`)
  const modules = install(`jest-${JEST}`, `jest@${JEST}`)
  const folder = mkdtempSync(join(tmpdir(), 'dct-jest-'))
  try {
    const page = readFileSync(join(root, 'docs/testing.md'), 'utf8')
    for (const [, name, code] of page.matchAll(/^```js (\S+)\n([\s\S]*?)^```/gm)) writeFileSync(join(folder, name), code)
    const jest = { transform: {}, testMatch: ['**/*.jest.test.js'] }
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', jest }))
    mkdirSync(join(folder, 'node_modules', '@jest'), { recursive: true })
    symlinkSync(join(modules, '@jest', 'globals'), join(folder, 'node_modules', '@jest', 'globals'), 'junction')
    symlinkSync(root, join(folder, 'node_modules', 'docker-content-trust'), 'junction')
    const env = { ...process.env, NODE_OPTIONS: '--experimental-vm-modules --no-warnings' }
    run(process.execPath, [join(modules, 'jest', 'bin', 'jest.js'), '--ci'], { cwd: folder, env })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
