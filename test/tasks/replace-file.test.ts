/** A user's file is replaced whole or not at all. */
import { chmod, lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { replaceFile, writeNew, writeWhole } from '../../src/tasks/replace-file.js'

const bytes = (text: string) => new TextEncoder().encode(text)

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-replace-'))
  path = join(folder, 'Dockerfile')
  await writeFile(path, 'old')
})
afterEach(() => rm(folder, { recursive: true }))

test('the content changes, the mode stays, no other file is left', async () => {
  await chmod(path, 0o755)
  await replaceFile(path, bytes('old'), bytes('new'))
  expect(await readFile(path, 'utf8')).toBe('new')
  expect((await lstat(path)).mode & 0o7777).toBe(0o755)
  expect(await readdir(folder)).toEqual(['Dockerfile'])
})

test('a file that another program changed since it was read is refused, and keeps that change', async () => {
  await writeFile(path, 'of another program')
  await expect(replaceFile(path, bytes('old'), bytes('new'))).rejects.toMatchObject({
    code: 'ERR_SETTINGS_INVALID',
    message: expect.stringContaining('another program changed it'),
  })
  expect(await readFile(path, 'utf8')).toBe('of another program')
  expect(await readdir(folder)).toEqual(['Dockerfile'])
})

test('a link in the place of the file is refused, and its target stays', async () => {
  const link = join(folder, 'link')
  await symlink(path, link)
  for (const write of [() => replaceFile(link, bytes('old'), bytes('new')), () => writeWhole(link, bytes('new'))])
    await expect(write()).rejects.toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
  expect(await readFile(path, 'utf8')).toBe('old')
  expect((await lstat(link)).isSymbolicLink()).toBe(true)
})

test('a file that went away is refused and not made again', async () => {
  await rm(path)
  await expect(replaceFile(path, bytes('old'), bytes('new'))).rejects.toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
  expect(await readdir(folder)).toEqual([])
})

test('a new file is written; in a folder that is missing it is refused', async () => {
  await writeWhole(join(folder, 'report.xml'), bytes('x'))
  expect(await readFile(join(folder, 'report.xml'), 'utf8')).toBe('x')
  await expect(writeWhole(join(folder, 'missing', 'x'), bytes('x'))).rejects.toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
})

test('a new file is written where none was; a link that leads nowhere is named as a link', async () => {
  const fresh = join(folder, 'new')
  await writeNew(fresh, bytes('new'))
  expect(await readFile(fresh, 'utf8')).toBe('new')
  await expect(writeNew(fresh, bytes('other'))).rejects.toMatchObject({ message: expect.stringContaining('another program') })
  const link = join(folder, 'link')
  await symlink(join(folder, 'nowhere'), link)
  await expect(writeNew(link, bytes('new'))).rejects.toMatchObject({ message: expect.stringContaining('it is a link') })
})
