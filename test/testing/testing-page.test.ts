/** Every example and table of docs/testing.md holds (snippets: test/docs/); the jest example is run by `npm run test:nodes`, which fetches jest. */
import { execFile } from 'node:child_process'
import { readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMemoryStore, verifyTag } from '../../src/index.js'
import { createTrustCollection, type FaultName, TAMPERINGS, type TamperingName } from '../../src/testing/index.js'
import { ROOT } from '../docs/markdown.js'
import { createPlace } from '../docs/world.js'

const page = await readFile(join(ROOT, 'docs/testing.md'), 'utf8')
/** `js <file name>` blocks. */
const EXAMPLES = [...page.matchAll(/^```js (\S+)\n([\s\S]*?)^```/gm)].map(([, name = '', code = '']) => [name, code] as const)
const NAMES = [
  'a signed tag is deployed',
  'an unsigned tag is refused',
  'bit-flipped is refused',
  'stranger is refused',
  'the cache is used for two weeks',
]

let folder: string
beforeAll(async () => {
  folder = await createPlace()
  await symlink(join(ROOT, 'node_modules', 'vitest'), join(folder, 'node_modules', 'vitest'), 'junction')
  for (const [name, code] of EXAMPLES) await writeFile(join(folder, name), code)
})
afterAll(() => rm(folder, { recursive: true }))

/** What was printed. Fails with what was printed when the exit status is not 0. */
async function run(...argv: string[]): Promise<string> {
  // The variables that a runner sets for its children must not reach the runners started here.
  const clean = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|NODE_TEST|NODE_V8|NODE_OPTIONS$|FORCE_COLOR$)/.test(name),
  )
  const env = { ...Object.fromEntries(clean), NO_COLOR: '1', CI: '1' }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, argv, { cwd: folder, env }).catch(
    ({ stdout: out, stderr: err }: { stdout: string; stderr: string }) => {
      throw new Error(`${out}\n${err}`)
    },
  )
  return stdout + stderr
}

test('there are full examples for three runners', () => {
  expect(EXAMPLES.map(([name]) => name)).toEqual(['gate.js', 'gate.vitest.test.js', 'gate.node.test.js', 'gate.jest.test.js'])
})

test('the example for vitest passes', { timeout: 60_000 }, async () => {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const out = await run(vitest, 'run', '--root', folder, '--reporter', 'verbose', '--testTimeout', '30000', 'gate.vitest.test.js')
  for (const name of NAMES) expect(out).toContain(name)
  expect(out).toMatch(/Tests\s+6 passed \(6\)/)
})

test('the example for node:test passes', { timeout: 60_000 }, async () => {
  const out = await run('--test', '--test-reporter', 'tap', 'gate.node.test.js')
  for (const name of NAMES) expect(out).toContain(name)
  expect(out).toContain('# pass 6')
  expect(out).toContain('# fail 0')
})

/** First and last cell of each line of the table whose first heading this is. */
function table(heading: string): [string, string][] {
  const [, lines = ''] = page.split(`\n| ${heading} |`)
  const rows = lines.split('\n\n', 1)[0]?.split('\n').slice(2) ?? []
  return rows
    .map((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, cell]) => cell ?? ''))
    .map((cells) => [cells[0] ?? '', cells.at(-1) ?? ''])
}

const BRIDGED = new Set([...page.matchAll(/^\| `([a-z-]+)` \|[^|]*\| bridged \|/gm)].map(([, fault]) => fault))

test.each(table('fault'))(
  'the fault %s is %s on first use, and the cache is used or not as the table says',
  async (fault, code) => {
    const collection = createTrustCollection('registry.example/app', { tags: { 1: 'x' } }).publish()
    const transport = collection.transport({ faults: { '*': fault as FaultName } })
    const options = {
      env: {},
      disableContentTrust: false,
      store: createMemoryStore(),
      transport,
      now: () => collection.now,
    }
    // Some faults are silence until the time is over.
    const verify = (timeout = 1_000) => verifyTag('registry.example/app:1', { ...options, timeout })
    await expect(verify()).rejects.toMatchObject({ code })
    transport.faults.clear()
    await verify(30_000)
    transport.faults.set('timestamp', fault as FaultName)
    if (BRIDGED.has(fault))
      expect(await verify()).toMatchObject({ freshness: 'stale', warnings: [{ code: 'WARN_STALE_TIMESTAMP' }] })
    else await expect(verify()).rejects.toMatchObject({ code, role: 'timestamp' })
  },
)

test('the tables are whole', () => {
  expect(table('fault')).toHaveLength(12)
  expect(BRIDGED.size).toBe(9)
  expect(table('name')).toEqual(Object.keys(TAMPERINGS).map((name) => [name, TAMPERINGS[name as TamperingName].code('targets')]))
})
