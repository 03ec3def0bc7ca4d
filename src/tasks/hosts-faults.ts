/** Says whether the files of an engine's folder send a registry's tags to `dct serve`, and nowhere else. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8Text } from '../bytes.js'
import { readRegularFile } from '../cache/safe-file.js'
import { describeCause, systemCode, UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import { type HostEngine, hostsFolder, isByLocation, locationFile } from './engine-hosts.js'
import { hostsFault } from './hosts-form.js'
import { locationFault, overridingEntries } from './location-form.js'

/** Something wrong with a file. */
export interface FileFault {
  readonly file: string
  readonly fault: string
}

/** Why the engine can get past the resolver, as far as its files tell; undefined when they leave no way. @throws UsageError */
export async function filesFault(
  engine: HostEngine,
  registry: string,
  folder: string,
  resolver: URL,
): Promise<FileFault | undefined> {
  if (isByLocation(engine)) {
    const file = join(folder, locationFile(registry))
    const bytes = await readConfiguration(file)
    const fault = bytes === undefined ? 'there is no such file' : await locationFault(registry, bytes, resolver)
    return fault === undefined ? overridingFile(registry, folder) : { file, fault }
  }
  // The engine reads the first folder that exists, whatever is in it.
  const places = [hostsFolder(registry), registry, '_default'].map((name) => join(folder, 'certs.d', name))
  for (const place of places) {
    const names = await namesIn(place)
    if (names === undefined) continue
    const file = join(place, 'hosts.toml')
    const text = utf8Text((await readConfiguration(file)) ?? new Uint8Array())
    const fault =
      text === undefined
        ? 'it is not UTF-8'
        : text === ''
          ? 'there is no such file, or it is empty'
          : await hostsFault(text, resolver)
    return fault === undefined ? undefined : { file, fault }
  }
  return { file: join(places[0] ?? folder, 'hosts.toml'), fault: 'there is no such file' }
}

/** The first entry of another file that wins over the location of the registry. @throws UsageError ERR_SETTINGS_INVALID */
export async function overridingFile(registry: string, folder: string): Promise<FileFault | undefined> {
  const dropIns = join(folder, 'registries.conf.d')
  const names = ((await namesIn(dropIns)) ?? []).filter((name) => name.endsWith('.conf'))
  for (const file of [join(folder, 'registries.conf'), ...names.map((name) => join(dropIns, name))]) {
    const bytes = await readConfiguration(file)
    const [fault] = bytes === undefined ? [] : await overridingEntries(registry, file, bytes)
    if (fault !== undefined) return { file, fault }
  }
  return undefined
}

/** The names in a folder, sorted; undefined when it does not exist. @throws UsageError ERR_SETTINGS_INVALID */
export async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(folder)).sort()
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return undefined
    throw unreadable(folder, cause)
  }
}

/** The content of a file; undefined when it does not exist. @throws UsageError ERR_SETTINGS_INVALID */
export async function readConfiguration(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readRegularFile(file)
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

function unreadable(path: string, cause: unknown): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `cannot read ${path}: ${describeCause(cause)}`, {
    hint: `Nothing was changed. Look who may read it: ls -ld ${shellWord(path)}`,
    cause,
  })
}
