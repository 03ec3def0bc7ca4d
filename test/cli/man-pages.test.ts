/** The manual pages, read by mandoc as man reads them. */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { SHOWN_COMMANDS } from '../../src/cli/commands.js'
import { manPages } from '../../src/cli/man-pages.js'
import { OPTION_ENTRIES } from '../../src/cli/options.js'

const PAGES = manPages('1.2.3')
const mandoc = (args: readonly string[], input: string) => spawnSync('mandoc', args, { input, encoding: 'utf8' })

test('there is a page for every command, and one for all', () => {
  expect([...PAGES.keys()].sort()).toEqual(
    ['dct.1', ...SHOWN_COMMANDS.map(({ name }) => `dct-${name.replaceAll(' ', '-')}.1`)].sort(),
  )
})

test('package.json names every page: npm installs no others', async () => {
  const { man } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(man).toEqual([...PAGES.keys()].sort().map((page) => `./dist/man/${page}`))
})

test.each([...PAGES])('%s has no fault that mandoc finds', (_, text) => {
  const { status, stdout, stderr } = mandoc(['-T', 'lint', '-W', 'warning'], text)
  // A page without a date is the same whenever it is built.
  const faults = stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'))
  expect({ faults, stderr }).toEqual({ faults: [], stderr: '' })
  expect(status).toBeLessThanOrEqual(2)
})

test.each(SHOWN_COMMANDS.map((command) => [command.name, command] as const))(
  'dct %s: all of its text is shown, letter by letter',
  (name, command) => {
    const shown = mandoc(['-T', 'ascii'], PAGES.get(`dct-${name.replaceAll(' ', '-')}.1`) ?? '')
    const flowing = shown.stdout.replace(/.\u0008/g, '').replace(/\s+/g, ' ')
    const options = command.options.map((option) => OPTION_ENTRIES.get(option)?.help ?? '')
    for (const text of [command.summary, ...command.about, command.exitStatus, ...command.examples, ...options])
      expect(flowing).toContain(text.replace(/\s+/g, ' '))
  },
)
