/** What `dct serve hosts` would change in the folder of an engine, and what there would make it useless. Writes nothing. */
import { join } from 'node:path'
import { sameBytes, utf8Text } from '../bytes.js'
import { UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import { engineFiles, hostsFolder, isByLocation, MARK, type WantedHosts } from './engine-hosts.js'
import { namesIn, overridingFile, readConfiguration } from './hosts-faults.js'

/** One file, before and after. */
export interface PlannedFile {
  readonly path: string
  /** Undefined when the file is new. */
  readonly before: Uint8Array | undefined
  readonly after: Uint8Array
  /** Another program or a person wrote what is there. */
  readonly isForeign: boolean
}

/** What would be done. */
export interface HostsPlan {
  /** Files that change, in the order in which they are to be written. */
  readonly files: readonly PlannedFile[]
  /** What a person should know. */
  readonly remarks: readonly string[]
}

/**
 * Compares the wanted files with those of the folder.
 *
 * @throws UsageError ERR_SETTINGS_INVALID: a file cannot be read, or an entry of another file would win over those that are wanted
 */
export async function planHosts(wanted: WantedHosts, folder: string): Promise<HostsPlan> {
  const files: PlannedFile[] = []
  for (const { path, bytes } of await engineFiles(wanted)) {
    const file = join(folder, path)
    const before = await readConfiguration(file)
    if (before === undefined || !sameBytes(before, bytes))
      files.push({ path: file, before, after: bytes, isForeign: before !== undefined && !isOurs(path, before) })
  }
  if (isByLocation(wanted.engine)) {
    for (const registry of wanted.registries) await refuseOverrides(registry, folder)
    return { files, remarks: [] }
  }
  return { files, remarks: await hostsRemarks(wanted, folder) }
}

/** Certificates have no line for a mark: the name of the file tells. */
function isOurs(path: string, content: Uint8Array): boolean {
  return path.endsWith('/dct-serve.crt') || utf8Text(content)?.split('\n')[0] === MARK
}

async function refuseOverrides(registry: string, folder: string): Promise<void> {
  const found = await overridingFile(registry, folder)
  if (found === undefined) return
  throw new UsageError('ERR_SETTINGS_INVALID', `${found.file}: ${found.fault}`, {
    hint: `The engine would go past dct serve. Take the entry out, and run the command again. Look at it: cat ${shellWord(found.file)}`,
  })
}

/** Settings that containerd and Docker Engine stop to read. */
async function hostsRemarks({ registries, registryCa }: WantedHosts, folder: string): Promise<string[]> {
  const remarks: string[] = []
  for (const registry of registries) {
    const own = join(folder, 'certs.d', hostsFolder(registry))
    const other = join(folder, 'certs.d', registry)
    const [inOwn, inOther] = [(await namesIn(own)) ?? [], own === other ? [] : ((await namesIn(other)) ?? [])]
    if (inOther.length > 0) remarks.push(`the engine does not read ${other} any more: ${own} comes first`)
    const certificate = [...inOwn.map((name) => join(own, name)), ...inOther.map((name) => join(other, name))].find((path) =>
      path.endsWith('.crt'),
    )
    if (certificate !== undefined && registryCa === undefined)
      remarks.push(
        `beside a hosts.toml the engine does not read ${certificate}; if the registry needs it, add: --registry-ca ${shellWord(certificate)}`,
      )
  }
  return remarks
}
