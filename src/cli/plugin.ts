/** `dct plugin install` and `dct plugin remove`: the file that lets docker run this program as `docker dct`. */
import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { chooseDockerConfig } from '../client/settings/setting-sources.js'
import { describeCause, systemCode, UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { Speaker } from './output.js'

/** The second line of the script: by it dct knows its own file again. */
const MARK = '# A plugin of docker, written by: dct plugin install. Removed by: dct plugin remove'

/** The exit status. @throws UsageError ERR_SETTINGS_INVALID when the file is not replaced or cannot be written */
export async function pluginInstall(line: CommandLine, io: Io): Promise<number> {
  const file = pluginFile(line, io)
  await allowed('replace', file, line, io)
  const program = await realpath(io.program ?? '')
  const script = ['#!/bin/sh', MARK, `exec ${shellWord(process.execPath)} ${shellWord(program)} plugin run "$@"`, ''].join('\n')
  await attempt(`cannot write ${file}`, async () => {
    await mkdir(dirname(file), { recursive: true })
    // A new file, so that neither a link nor half a script is ever there.
    const fresh = `${file}.${process.pid}`
    await writeFile(fresh, script, { mode: 0o755, flag: 'wx' })
    await rename(fresh, file)
  })
  new Speaker(io, line).note(`installed ${file}: try docker dct --help`)
  return EXIT.ok
}

/** The exit status. @throws UsageError ERR_SETTINGS_INVALID when the file is kept or cannot be removed */
export async function pluginRemove(line: CommandLine, io: Io): Promise<number> {
  const file = pluginFile(line, io)
  await allowed('remove', file, line, io)
  const isThere = await attempt(`cannot remove ${file}`, () => ifThere(rm(file).then(() => true)))
  new Speaker(io, line).note(isThere ? `removed ${file}` : `nothing to remove: there is no ${file}`)
  return EXIT.ok
}

function pluginFile({ values }: CommandLine, { env }: Io): string {
  const { config } = values
  const { value: folder } = chooseDockerConfig(config === undefined ? {} : { dockerConfig: config }, env)
  if (folder !== undefined) return join(folder, 'cli-plugins', 'docker-dct')
  throw new UsageError('ERR_SETTINGS_INVALID', "there is no home folder, so no folder of Docker's", {
    hint: 'Name it: dct plugin install --config DIR',
  })
}

/** Asks before a file is lost that dct did not write. @throws UsageError ERR_SETTINGS_INVALID when the answer is no */
async function allowed(what: 'replace' | 'remove', file: string, { values }: CommandLine, io: Io): Promise<void> {
  const content = await attempt(`cannot read ${file}`, () => ifThere(readFile(file, 'utf8')))
  if (content === undefined || content.split('\n')[1] === MARK || values.force === true) return
  if (io.terminal && io.typed === true) {
    io.err(`${file} was not written by dct. Do you want to ${what} it? [y/N] `)
    for await (const chunk of io.stdin) {
      if (/^y(es)?\s*$/i.test(Buffer.from(chunk).toString())) return
      break
    }
  }
  const command = what === 'replace' ? 'install' : 'remove'
  throw new UsageError('ERR_SETTINGS_INVALID', `${file} was not written by dct, and is kept`, {
    hint: `Look at it, then type: dct plugin ${command} --force`,
  })
}

/** Undefined when the file is not there. */
async function ifThere<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return undefined
    throw cause
  }
}

async function attempt<Answer>(message: string, act: () => Promise<Answer>): Promise<Answer> {
  try {
    return await act()
  } catch (cause) {
    throw new UsageError('ERR_SETTINGS_INVALID', `${message}: ${describeCause(cause)}`, {
      hint: "Name another folder of Docker's: dct plugin install --config DIR",
      cause,
    })
  }
}
