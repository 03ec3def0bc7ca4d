/**
 * Judges files of registries.conf: do all requests for a registry go to `dct serve`?
 *
 * Of the entries that fit an image the one with the longest prefix counts, of two with the same prefix the one that is read last:
 * registries.conf, then registries.conf.d in the order of names. Source: containers-registries.conf(5), containers/image
 * pkg/sysregistriesv2.
 */
import { basename } from 'node:path'
import { utf8Text } from '../bytes.js'
import { readToml, type Table, tableOf } from '../document/toml.js'
import { locationEntries, locationFile } from './engine-hosts.js'

/** What is wrong with the file that sends a registry to the resolver. */
export async function locationFault(registry: string, bytes: Uint8Array, resolver: URL): Promise<string | undefined> {
  const entries = await readEntries(bytes)
  if (typeof entries === 'string') return entries
  const found = JSON.stringify(entries.map((entry) => Object.fromEntries(entry)))
  const isWhole = found === JSON.stringify(locationEntries(registry, resolver))
  return isWhole ? undefined : `it is not as dct serve hosts writes it for ${resolver.origin}`
}

/** What of another file keeps images of the registry from the resolver, in words. A file that is not understood counts too. */
export async function overridingEntries(registry: string, file: string, bytes: Uint8Array): Promise<readonly string[]> {
  const own = basename(locationFile(registry))
  if (basename(file) === own) return []
  const entries = await readEntries(bytes)
  if (typeof entries === 'string') return [entries]
  const isReadLater = basename(file) !== 'registries.conf' && basename(file) > own
  return entries.flatMap((entry) => {
    const prefix = entry.get('prefix') ?? entry.get('location')
    if (typeof prefix !== 'string') return ['an entry [[registry]] has neither prefix nor location']
    const wins = prefix === registry ? isReadLater : isWithin(prefix, registry) || isWildcardOf(prefix, registry)
    return wins ? [`the entry for ${prefix} wins over that for ${registry}`] : []
  })
}

/** The entries `[[registry]]`, or why there are none. */
async function readEntries(bytes: Uint8Array): Promise<readonly Table[] | string> {
  const text = utf8Text(bytes)
  if (text === undefined) return 'it is not UTF-8'
  const file = await readToml(text)
  if (typeof file === 'string') return `the engine cannot read it: ${file}`
  const entries = file.get('registry') ?? []
  if (!Array.isArray(entries)) return 'registry is no list of entries [[registry]]'
  return entries.map((entry: unknown) => tableOf(entry) ?? new Map<string, unknown>())
}

/** A part of the registry: the longer prefix wins. */
function isWithin(prefix: string, registry: string): boolean {
  return prefix.startsWith(`${registry}/`)
}

/** `*.example` counts as long as the name that it fits, and `*.example/team` longer. */
function isWildcardOf(prefix: string, registry: string): boolean {
  if (!prefix.startsWith('*.')) return false
  const [host = ''] = prefix.slice(1).split('/')
  return registry.endsWith(host) || registry.replace(/:[0-9]+$/, '').endsWith(host)
}
