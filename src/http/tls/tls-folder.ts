/** The folder in which Docker keeps the CA and the client certificate for a server. */
import { join } from 'node:path'

/** The folder for one server, `host[:port]` as typed. Windows allows no colon in names: it is `%3A` there. */
export function tlsFolder(dockerConfig: string, host: string, platform: NodeJS.Platform = process.platform): string {
  return join(dockerConfig, 'tls', platform === 'win32' ? host.replaceAll(':', '%3A') : host)
}
