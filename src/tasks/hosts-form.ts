/**
 * Judges a hosts.toml: does containerd get digests of tags from `dct serve` alone? A file that containerd cannot read counts as
 * if it were not there, and containerd asks the registry. So what is not understood here is a fault.
 *
 * Source: containerd core/remotes/docker/config/hosts.go (parseHostsFile, parseHostConfig).
 */
import { readToml, type Table, tableOf } from '../document/toml.js'

/** Keys of the file, and of a host in it, whose values are judged. Others may be of a type that containerd refuses. */
const FILE_KEYS: ReadonlySet<string> = new Set(['server', 'capabilities', 'ca', 'client', 'host'])
const HOST_KEYS: ReadonlySet<string> = new Set(['capabilities', 'ca', 'client', 'skip_verify'])

const CAPABILITIES: ReadonlySet<unknown> = new Set(['pull', 'push', 'resolve'])

/** Why the engine can get past the resolver, or cannot resolve; undefined when it can do neither. */
export async function hostsFault(text: string, resolver: URL): Promise<string | undefined> {
  const file = await readToml(text)
  if (typeof file === 'string') return `the engine cannot read it: ${file}`
  const server = file.get('server')
  if (typeof server !== 'string') return 'it names no server, so the last one that is asked is the registry'
  if (!isAt(server, resolver)) return `server is ${server}, not ${resolver.origin}: the engine asks it for tags`
  const own = fileFault(file) ?? valuesFault(file, FILE_KEYS)
  if (own !== undefined) return own
  const hosts = tableOf(file.get('host') ?? {})
  if (hosts === undefined) return 'host is no table'
  for (const [address, value] of hosts) {
    const host = tableOf(value)
    if (!isAddress(address)) return `host ${address}: no address`
    const isResolver = isAt(address, resolver)
    const fault =
      host === undefined ? 'no table' : (hostFault(host, isResolver) ?? valuesFault(host, isResolver ? FILE_KEYS : HOST_KEYS))
    if (fault !== undefined) return `host ${address}: ${fault}`
  }
  return undefined
}

function isAt(address: string, resolver: URL): boolean {
  return address.replace(/\/$/, '') === resolver.origin
}

/** Only what two parsers read alike: Go's and this one may differ on other spellings. */
function isAddress(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && [text, `${text}/`].includes(new URL(text).href)
}

function fileFault(file: Table): string | undefined {
  const capabilities = capabilitiesOf(file)
  if (capabilities === undefined) return 'capabilities of the server are not understood'
  if (!['pull', 'resolve'].every((one) => capabilities.includes(one)))
    return 'the server has not both capabilities, pull and resolve: no tag can be resolved'
  return undefined
}

function hostFault(host: Table, isResolver: boolean): string | undefined {
  const capabilities = capabilitiesOf(host)
  // Without capabilities a host has all of them.
  if (capabilities === undefined || capabilities.length === 0) return 'its capabilities are not understood, or all that there are'
  return capabilities.includes('resolve') && !isResolver
    ? 'it has the capability resolve: the engine asks it for tags'
    : undefined
}

/** In lower case, as containerd reads them. */
function capabilitiesOf(table: Table): readonly string[] | undefined {
  const value = table.get('capabilities')
  if (!Array.isArray(value)) return undefined
  const names = value.map((one) => (typeof one === 'string' ? one.toLowerCase() : ''))
  return names.every((one) => CAPABILITIES.has(one)) ? names : undefined
}

function valuesFault(table: Table, known: ReadonlySet<string>): string | undefined {
  const unknown = [...table.keys()].find((key) => !known.has(key))
  if (unknown !== undefined) return `${unknown} is not understood`
  const isFiles = (value: unknown): boolean => typeof value === 'string' || (Array.isArray(value) && value.every(isFiles))
  const wrong = ['ca', 'client'].find((key) => table.has(key) && !isFiles(table.get(key)))
  if (wrong !== undefined) return `${wrong} does not name files`
  return ['boolean', 'undefined'].includes(typeof table.get('skip_verify')) ? undefined : 'skip_verify is neither true nor false'
}
