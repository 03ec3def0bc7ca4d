/** Where Docker keeps the CA and the client certificate for a trust server. */
import { join } from 'node:path'

/** The folder for one trust server. Windows has no colon in names: `%3A` there. */
export function tlsFolder(dockerConfig: string, host: string, platform: NodeJS.Platform = process.platform): string {
  return join(dockerConfig, 'tls', platform === 'win32' ? host.replaceAll(':', '%3A') : host)
}
