/** The plugin of docker, tried with the real docker. `npm test` builds the program first. */
import { execFile } from 'node:child_process'
import { lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Ran, runProgram } from './program.js'

const BIN = fileURLToPath(new URL('../../dist/cli/bin.cjs', import.meta.url))

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-plugin-'))
  file = join(folder, 'cli-plugins', 'docker-dct')
})
afterEach(() => rm(folder, { recursive: true }))

function execute(program: string, args: readonly string[]): Promise<Ran> {
  const env = { PATH: process.env['PATH'], HOME: folder, DOCKER_HOST: 'unix:///no/such.sock' }
  return new Promise((resolve) => {
    const child = execFile(program, args, { env }, (_, out, err) => resolve({ status: child.exitCode ?? -1, out, err }))
  })
}
const dct = (...args: readonly string[]) => execute(process.execPath, [BIN, ...args])

describe('with the real docker', () => {
  test('docker dct is dct, with its options, output and exit status', async () => {
    expect(await dct('plugin', 'install', '--config', folder)).toMatchObject({ status: 0, out: '' })
    const docker = (...args: readonly string[]) => execute('docker', ['--config', folder, ...args])
    expect((await docker('info', '--format', '{{range .ClientInfo.Plugins}}{{.Name}} {{.Err}}{{end}}')).out).toContain('dct')
    expect((await docker('--help')).out).toMatch(/dct\* +Verify images with Docker Content Trust/)
    expect(await docker('dct', '--version')).toEqual(await dct('--version'))
    expect(await docker('dct', 'help', 'verify')).toEqual(await dct('help', 'verify'))
    expect(await docker('dct', 'verify', 'Not/A/Name')).toEqual(await dct('verify', 'Not/A/Name'))
    // --config of docker is the folder of the cache.
    expect((await docker('dct', 'env')).out).toContain(folder)
  })

  test('dct plugin remove ends it, and may be said twice', async () => {
    await dct('plugin', 'install', '--config', folder)
    const removed = expect.stringContaining('dct: removed ')
    expect(await dct('plugin', 'remove', '--config', folder)).toMatchObject({ status: 0, err: removed })
    const again = expect.stringContaining('dct: nothing to remove: there is no ')
    expect(await dct('plugin', 'remove', '--config', folder)).toMatchObject({ status: 0, err: again })
    expect((await execute('docker', ['--config', folder, 'dct', 'help'])).status).not.toBe(0)
  })
})

describe('a file that dct did not write', () => {
  beforeEach(async () => {
    await mkdir(join(folder, 'cli-plugins'))
    await writeFile(file, 'mine')
  })
  const program = (words: readonly string[], typed?: string) =>
    runProgram([...words, '--config', folder], { ...(typed === undefined ? {} : { stdin: typed, typed: true, terminal: true }) })

  test.each(['install', 'remove'])('is kept by plugin %s without a terminal, with what to type', async (command) => {
    const { status, err } = await program(['plugin', command])
    expect(status).toBe(2)
    expect(err).toContain(`${file} was not written by dct, and is kept`)
    expect(err).toContain(`dct plugin ${command} --force`)
    expect(await readFile(file, 'utf8')).toBe('mine')
  })

  test.each(['n\n', '\n', '', 'yesterday\n'])('is kept on a terminal when the answer is %j', async (answer) => {
    const { status, err } = await program(['plugin', 'remove'], answer)
    expect(status).toBe(2)
    expect(err).toContain('Do you want to remove it? [y/N] ')
    expect(await readFile(file, 'utf8')).toBe('mine')
  })

  test('is removed on a terminal when the answer is yes, and with --force', async () => {
    expect(await program(['plugin', 'remove'], 'y\n')).toMatchObject({ status: 0 })
    await expect(readFile(file)).rejects.toThrow()
    await writeFile(file, 'mine')
    expect(await program(['plugin', 'remove', '--force'])).toMatchObject({ status: 0 })
    await expect(readFile(file)).rejects.toThrow()
  })

  test('is replaced with --force; a link is replaced, and not what it names', async () => {
    await rm(file)
    await writeFile(join(folder, 'other'), 'theirs')
    await symlink(join(folder, 'other'), file)
    expect(await dct('plugin', 'install', '--force', '--config', folder)).toMatchObject({ status: 0 })
    expect(await readFile(join(folder, 'other'), 'utf8')).toBe('theirs')
    expect((await lstat(file)).isSymbolicLink()).toBe(false)
    expect(await readFile(file, 'utf8')).toContain('plugin run "$@"')
  })
})
