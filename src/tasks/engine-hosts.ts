/**
 * The files that make a container engine ask `dct serve` for the digest of a tag, in the one form that leaves no way round it.
 *
 * containerd and Docker Engine (certs.d/<host>/hosts.toml, https://github.com/containerd/containerd/blob/main/docs/hosts.md): the
 * resolver is `server`, the last resort, and the registry is a host that cannot resolve. With the registry as `server`, the engine
 * asks it after a refusal. `test/engines/hosts-forms.test.ts` has the other forms, most of which let unsigned images through.
 *
 * podman, CRI-O, buildah and skopeo (registries.conf.d, containers-registries.conf(5)): the resolver is the `location` of the
 * registry. As a mirror it would be passed over after a refusal.
 */
import { utf8 } from '../bytes.js'
import { writeToml } from '../document/toml.js'
import { UsageError } from '../errors.js'
import { isPathComponent } from '../reference/reference.js'
import { registryAddress } from '../registry/registry-address.js'

/** Engines that can be told whom to ask. */
export const HOST_ENGINES = ['containerd', 'docker', 'podman', 'crio'] as const
export type HostEngine = (typeof HOST_ENGINES)[number]

/** The folder of each engine's configuration, as packages install it. */
export const ENGINE_FOLDERS: Readonly<Record<HostEngine, string>> = {
  containerd: '/etc/containerd',
  docker: '/etc/docker',
  podman: '/etc/containers',
  crio: '/etc/containers',
}

/** A certificate file: its absolute path, and its content. */
export interface CaFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/** What the files say. */
export interface WantedHosts {
  readonly engine: HostEngine
  /** Address of `dct serve`: `https://host:port`. */
  readonly resolver: URL
  /** `docker.io` or `host[:port]`. */
  readonly registries: readonly string[]
  /** CA of the resolver's certificate, when the machine does not trust it. */
  readonly resolverCa?: CaFile | undefined
  /** CA of the registries' certificates, when the machine does not trust it. */
  readonly registryCa?: CaFile | undefined
}

/** A file to be written. */
export interface EngineFile {
  /** Below the engine's folder, with `/`. */
  readonly path: string
  readonly bytes: Uint8Array
}

/** The first line of each file: by it dct knows its own files again. */
export const MARK = '# Written by: dct serve hosts'

/** True for engines that read registries.conf. */
export function isByLocation(engine: HostEngine): boolean {
  return engine === 'podman' || engine === 'crio'
}

/**
 * The files for an engine, in the order in which they are to be written.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when a registry cannot be written in the engine's files
 */
export async function engineFiles(wanted: WantedHosts): Promise<readonly EngineFile[]> {
  const filesOf = isByLocation(wanted.engine) ? locationFiles : hostsFiles
  const files = await Promise.all(wanted.registries.map((registry) => filesOf(registry, wanted)))
  return [...new Map(files.flat().map((file) => [file.path, file])).values()]
}

/**
 * The folder in which containerd looks for a registry first: `registry.example_5000_`. The other spelling, with a colon, counts
 * only where this one does not exist.
 *
 * Source: containerd core/remotes/docker/config/hosts.go (hostDirectory), config_unix.go (hostPaths).
 */
export function hostsFolder(registry: string): string {
  const colon = registry.lastIndexOf(':')
  return colon > 0 ? `${registry.slice(0, colon)}_${registry.slice(colon + 1)}_` : registry
}

/** The name of podman's file for a registry. Of two files for the same registry the last in the order of names counts. */
export function locationFile(registry: string): string {
  return `registries.conf.d/zz-dct-${pathOf(registry)}.conf`
}

/** Both spellings of the standard port are the same registry for TLS, but not for the engine. */
function spellings(registry: string): readonly string[] {
  if (/:[0-9]+$/.test(registry)) return registry.endsWith(':443') ? [registry, registry.slice(0, -':443'.length)] : [registry]
  return [registry, `${registry}:443`]
}

async function hostsFiles(registry: string, { resolver, resolverCa, registryCa }: WantedHosts): Promise<EngineFile[]> {
  const ca = (file: CaFile | undefined) => (file === undefined ? {} : { ca: file.path })
  const bytes = await tomlFile(
    [
      'Tags are resolved by dct serve alone, and images come from the registry by digest.',
      'Name the registry nowhere as server, and give no host the capability resolve: the engine would pull unsigned images.',
    ],
    {
      server: resolver.origin,
      capabilities: ['pull', 'resolve'],
      ...ca(resolverCa),
      host: { [registryAddress(registry).url.origin]: { capabilities: ['pull', 'push'], ...ca(registryCa) } },
    },
  )
  return spellings(registry).map((name) => ({ path: `certs.d/${hostsFolder(name)}/hosts.toml`, bytes }))
}

async function locationFiles(registry: string, { resolver, resolverCa }: WantedHosts): Promise<EngineFile[]> {
  if (!/[.:]|^localhost$/.test(resolver.host) || !isPathComponent(pathOf(registry)) || resolver.host.startsWith('['))
    throw new UsageError('ERR_SETTINGS_INVALID', `${registry} at ${resolver.host} cannot be written as a location`, {
      hint: 'The engine takes names in lower case with a dot or a port, and no IPv6 addresses: dct serve hosts --resolver https://127.0.0.1:8443 --registry registry.example',
    })
  const bytes = await tomlFile(
    ['All requests for this registry go to dct serve.', 'Add no mirror: the engine would pull unsigned images from it.'],
    { registry: locationEntries(registry, resolver) },
  )
  const ca = resolverCa === undefined ? [] : [{ path: `certs.d/${resolver.host}/dct-serve.crt`, bytes: resolverCa.bytes }]
  return [...ca, { path: locationFile(registry), bytes }]
}

/** The entries [[registry]] that send a registry to the resolver. */
export function locationEntries(
  registry: string,
  { host }: URL,
): readonly { readonly prefix: string; readonly location: string }[] {
  return spellings(registry).map((prefix) => ({ prefix, location: `${host}/${pathOf(prefix)}` }))
}

/** `registry.example:5000` -> `registry.example_5000`, as `dct serve` takes it. */
function pathOf(registry: string): string {
  return registry.replace(/:([0-9]+)$/, '_$1')
}

async function tomlFile(about: readonly string[], content: Readonly<Record<string, unknown>>): Promise<Uint8Array> {
  return utf8(`${MARK}\n${about.map((line) => `# ${line}\n`).join('')}\n${await writeToml(content)}`)
}
