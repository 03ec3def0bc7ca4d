/** `dct serve hosts` */
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { utf8Text } from '../bytes.js'
import { readRegularFile } from '../cache/safe-file.js'
import { describeCause, UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import type { CaFile } from '../tasks/engine-hosts.js'
import { type PlannedFile, planHosts } from '../tasks/hosts-plan.js'
import { replaceFile, writeWhole } from '../tasks/replace-file.js'
import { ask } from './ask.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { Speaker } from './output.js'
import { type EngineChoice, engineChoice, invalid, registryName } from './serve-options.js'

/** The exit status. @throws UsageError ERR_SETTINGS_INVALID: nothing is written, or a file cannot be written */
export async function serveHosts(line: CommandLine, io: Io): Promise<number> {
  const { values } = line
  const choice = engineChoice(line, 'serve hosts')
  const registries = (values.registry ?? []).map(registryName)
  if (registries.length === 0)
    throw invalid(
      'dct serve hosts needs --registry',
      'Name each registry that dct serve was started for: --registry registry.example',
    )
  const [resolverCa, registryCa] = [await readCa('resolver-ca', line), await readCa('registry-ca', line)]
  const { files, remarks } = await planHosts({ ...choice, registries, resolverCa, registryCa }, choice.folder)
  const speaker = new Speaker(io, line)
  for (const message of remarks) speaker.warning({ message })
  const { unifiedDiff } = await import('../report/unified-diff.js')
  const diff = files.map((file) => unifiedDiff(file.path, textOf(file.before), textOf(file.after))).join('')
  if (values.diff === true) {
    io.out(diff)
    return EXIT.ok
  }
  if (values.quiet !== true) io.err(diff)
  if (files.length === 0) speaker.note('the files are as they should be')
  else await allow(files, line, io)
  for (const file of files) {
    await write(file)
    speaker.answer(file.path)
  }
  speaker.note(`prove that the engine refuses: ${selfTestCommand(choice, registries[0] ?? '')}`)
  return EXIT.ok
}

/** Asks before anything is written. @throws UsageError ERR_SETTINGS_INVALID when the answer is no */
async function allow(files: readonly PlannedFile[], { values }: CommandLine, io: Io): Promise<void> {
  if (values.force === true) return
  const foreign = files.filter(({ isForeign }) => isForeign).map(({ path }) => path)
  const lost = foreign.length === 0 ? '' : ` ${foreign.join(', ')} ${foreign.length === 1 ? 'was' : 'were'} not written by dct.`
  if (io.terminal && io.typed === true) {
    const what = files.length === 1 ? 'this file' : `these ${files.length} files`
    if ((await ask(io, `dct:${lost} Write ${what}? (yes/no) `)) === 'yes') return
    throw invalid('nothing was written', 'Look at the changes again: dct serve hosts --diff, with the same options.')
  }
  if (foreign.length > 0)
    throw invalid(
      `${foreign.join(', ')}: not written by dct, and kept`,
      'Look at the changes, and keep what you need of the old file. Then replace it: dct serve hosts --force, with the same options.',
    )
}

async function write({ path, before, after }: PlannedFile): Promise<void> {
  if (before !== undefined) {
    await replaceFile(path, before, after)
    return
  }
  const folder = dirname(path)
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new UsageError('ERR_SETTINGS_INVALID', `cannot make ${folder}: ${describeCause(cause)}`, {
      hint: 'Run the command as root, or write the files elsewhere and copy them: dct serve hosts --out DIR',
      cause,
    })
  })
  await writeWhole(path, after)
}

async function readCa(option: 'resolver-ca' | 'registry-ca', { values }: CommandLine): Promise<CaFile | undefined> {
  const file = values[option]
  if (file === undefined) return undefined
  const bytes = await readRegularFile(file).catch((cause: unknown) => {
    throw invalid(`--${option} ${file}: ${describeCause(cause)}`, `Look who may read it: ls -l ${shellWord(file)}`)
  })
  if (bytes === undefined) throw invalid(`--${option} ${file}: there is no such file`, 'Name a PEM file of certificates.')
  if (!textOf(bytes).includes('-----BEGIN CERTIFICATE-----'))
    throw invalid(
      `--${option} ${file}: it has no certificate in PEM`,
      `Look at it: openssl x509 -text -noout -in ${shellWord(file)}`,
    )
  return { path: resolve(file), bytes }
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : (utf8Text(bytes) ?? '(not UTF-8)\n')
}

function selfTestCommand({ engine, folder, resolver }: EngineChoice, registry: string): string {
  return `dct serve self-test --engine ${engine} --out ${shellWord(folder)} --resolver ${resolver.origin} --unsigned ${registry}/IMAGE:TAG`
}
