/** Keys of logins in Docker's files: hosts, and the addresses that early versions of Docker wrote. */

/** The key of docker.io since the first version of Docker. */
const DOCKER_HUB_KEY = 'https://index.docker.io/v1/'

/** The key that Docker uses for `docker.io` or `host[:port]`, in its files and towards helpers. */
export function dockerKey(registryKey: string): string {
  return hostOf(registryKey) === 'docker.io' ? DOCKER_HUB_KEY : registryKey
}

/** The value for Docker's key, else for the first key of the same host: `https://host/v1/`, `https://host`, `host/path`. */
export function findByHost<Value>(map: ReadonlyMap<string, Value>, registryKey: string): Value | undefined {
  return map.get(dockerKey(registryKey)) ?? [...map].find(([key]) => isSameHost(key, registryKey))?.[1]
}

/** True for keys that Docker takes for the same host. The names of Docker Hub are one host. */
export function isSameHost(key: string, registryKey: string): boolean {
  return hostOf(key) === hostOf(registryKey)
}

/** A key for the same host in a spelling that Docker does not match: upper case, `:443`, a dot at the end. */
export function findSimilar(keys: Iterable<string>, registryKey: string): string | undefined {
  const wanted = plainHost(registryKey)
  for (const key of keys) if (plainHost(key) === wanted) return shownKey(key)
  return undefined
}

/** The host of a key, for messages. The rest of the key may hold a password. */
export function shownKey(key: string): string {
  const host = hostOf(key)
  return /^(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{1,45}\])(?::[0-9]{1,5})?$/.test(host)
    ? host
    : 'an entry whose name is not a host'
}

/** The host of a key as in docker/cli (ConvertToHostname); both names of Docker Hub become docker.io. */
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
