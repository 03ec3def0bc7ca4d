/** The names under which logins are kept: hosts, and addresses as early versions of Docker wrote them. */
/** The name under which Docker has kept docker.io since its first version. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/'

/** The key that Docker uses for `docker.io` or `host[:port]`, in its files and towards helpers. */
export function dockerKey(registryKey: string): string {
  return hostOf(registryKey) === 'docker.io' ? DOCKER_HUB_KEY : registryKey
}

/** What stands under Docker's key, else under the first that names the same host: `https://host/v1/`, `https://host`, `host/path`. */
export function findByHost<Value>(map: ReadonlyMap<string, Value>, registryKey: string): Value | undefined {
  return map.get(dockerKey(registryKey)) ?? [...map].find(([key]) => isSameHost(key, registryKey))?.[1]
}

/** True for keys that Docker takes for the same host, and for the names of Docker Hub. */
export function isSameHost(key: string, registryKey: string): boolean {
  return hostOf(key) === hostOf(registryKey)
}

/** A key for the same host that is spelled in a way that Docker does not take: upper case, `:443`, a dot at the end. */
export function findSimilar(keys: Iterable<string>, registryKey: string): string | undefined {
  const wanted = plainHost(registryKey)
  for (const key of keys) if (plainHost(key) === wanted) return shownKey(key)
  return undefined
}

/** The host of a key, for messages. Without the rest: there may be a password before the host or behind it. */
export function shownKey(key: string): string {
  const host = hostOf(key)
  return /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{1,45}\])(?::[0-9]{1,5})?$/.test(host)
    ? host
    : 'an entry whose name is no host'
}

/** The host of a key as docker/cli sees it (ConvertToHostname); Docker Hub's two names are one. */
function hostOf(key: string): string {
  const [scheme] = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(key) ?? ['']
  const [authority = ''] = key.slice(scheme.length).split(scheme === '' ? '/' : /[/?#]/)
  const host = scheme === '' ? authority : authority.slice(authority.lastIndexOf('@') + 1)
  return host === 'index.docker.io' ? 'docker.io' : host
}

function plainHost(key: string): string {
  return hostOf(key)
    .toLowerCase()
    .replace(/\.?(?::443|:80)?$/, '')
}
