/** `dct demo` without a usable folder for temporary files. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { temporaryFolder } from '../../src/cli/temporary-folder.js'
import { runProgram } from './program.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-no-place-'))
  await writeFile(join(folder, 'file'), '')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

test('the demo works where the folder for temporary files cannot be written to, and says which one it uses', async () => {
  vi.stubEnv('TMPDIR', join(folder, 'file'))
  const { status, out, err } = await runProgram(['demo'])
  expect(status).toBe(0)
  expect(out).toMatch(/^registry\.example\/demo\/app@sha256:\w{64}\n$/)
  expect(err).toMatch(/^dct demo: \S+\/file cannot be written to \(.+\)\ndct demo: using \/\S+ for a moment instead\n/)
})

test('the demo leaves nothing in the folder for temporary files', async () => {
  vi.stubEnv('TMPDIR', folder)
  const { status, err } = await runProgram(['demo'])
  expect(status).toBe(0)
  expect(err).not.toContain('instead')
  expect(await readdir(folder)).toEqual(['file'])
})

test('uses the first place that can be written to; without one the hint names TMPDIR', async () => {
  const places = [join(folder, 'file'), join(folder, 'none')]
  const made = await temporaryFolder('x-', [...places, folder])
  expect(made.folder.startsWith(join(folder, 'x-'))).toBe(true)
  expect(made.refused.map(({ place }) => place)).toEqual(places)
  await expect(temporaryFolder('x-', places)).rejects.toMatchObject({
    code: 'ERR_SETTINGS_INVALID',
    message: `no folder for temporary files can be written to: ${places.join(', ')}`,
    hint: expect.stringContaining('TMPDIR='),
  })
})

test('the demo says that there is no docker, and is a success all the same', async () => {
  const { status, out, err } = await runProgram(['demo'], { env: { PATH: folder } })
  expect(status).toBe(0)
  expect(out).toMatch(/^registry\.example\/demo\/app@sha256:\w{64}\n$/)
  expect(err).toContain(
    'dct demo: 5. there is no docker on this machine: with one, dct pull hands it the digest that was verified\n',
  )
})
