/**
 * Names as a policy compares them. Docker tells `Registry.Example:443` from `registry.example`; the connection that both lead to is
 * the same, so a rule for one must bind the other.
 */

/** Names under which Docker Hub's registry answers too: each gives Docker Hub's images. */
const HUB_ALIASES: readonly string[] = ['registry-1.docker.io', 'index.docker.io', 'registry.hub.docker.com']

const HUB = 'docker.io'

/** A host, with its port: lower case, no dot at the end, no `:443`, an IP address in its one spelling. */
export function canonicalHost(text: string): string {
  const address = `https://${text}/`
  const url = URL.canParse(address) ? new URL(address) : undefined
  // Anything else than a host would be cut off or kept as a user name: such a text is no host, and stays as it is.
  if (url === undefined || /[@?#\\%]/.test(text) || url.pathname !== '/') return text.toLowerCase()
  return `${url.hostname.replace(/\.+$/, '')}${url.port === '' ? '' : `:${url.port}`}`
}

/** The name of a collection with its host in the one spelling. */
export function canonicalName(gun: string): string {
  const slash = gun.indexOf('/')
  return slash === -1 ? canonicalHost(gun) : canonicalHost(gun.slice(0, slash)) + gun.slice(slash)
}

/** The name on Docker Hub of an image that is named at another of Docker Hub's addresses. `name` is canonical. */
export function hubName(name: string): string | undefined {
  const alias = HUB_ALIASES.find((host) => name.startsWith(`${host}/`))
  return alias === undefined ? undefined : completedHubName(HUB + name.slice(alias.length))
}

/** Docker completes `docker.io/alpine` to `docker.io/library/alpine`. */
export function completedHubName(name: string): string {
  return /^docker\.io\/[^/]+$/.test(name) ? name.replace('/', '/library/') : name
}
