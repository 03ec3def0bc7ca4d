/** Events for people, one line each. */
import type { TrustEvent } from '../client/events.js'

/** The text that `--verbose` prints for an event; undefined for a warning, which is printed without `--verbose` too. */
export function describeEvent(event: TrustEvent): string | undefined {
  switch (event.type) {
    case 'request':
      return `asking ${event.url}`
    case 'response':
      return `${event.status} from ${event.url}: ${event.bytes} bytes in ${event.milliseconds} ms`
    case 'retry':
      return `attempt ${event.attempt} in ${event.delayMs} ms, ${event.reason}: ${event.url}`
    case 'auth':
      return `authenticating at ${event.realm}: ${event.method}`
    case 'cache':
      return event.action === 'written'
        ? `cache of ${event.gun}: wrote ${listed(event.roles, 'version floors')}`
        : `cache of ${event.gun}: holds ${listed(event.roles, 'nothing')}`
    case 'role-loaded':
      return `${event.gun}: ${event.role} version ${event.version}, expires ${event.expires}, from ${event.from}`
    case 'root-rotated':
      return `${event.gun}: root rotated from version ${event.from} to ${event.to}`
    case 'wrong-guess':
      return `${event.gun}: ${event.name} was asked for on a guess and not used (${event.bytes} bytes)`
    case 'stale':
      return `${event.gun}: the server gave no usable answer, looking into the cache`
    case 'warning':
      return undefined
    default:
      return JSON.stringify(event)
  }
}

function listed(roles: readonly string[], nothing: string): string {
  return roles.length === 0 ? nothing : roles.join(', ')
}
