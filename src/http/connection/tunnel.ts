/** Opens a tunnel through a proxy (RFC 9110 section 9.3.6). */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { hostAndPort } from '../server-address.js'
import { checkServerIdentity } from '../tls/server-identity.js'
import { serverName, type TlsContexts } from '../tls/tls.js'
import { ConnectTimeout, ProxyFailure } from './connection-failures.js'
import type { ProxyServer } from './proxy.js'

/** Opens a connection to a host through the proxy. @throws ProxyFailure, the signal's reason */
export function openTunnel(
  proxy: ProxyServer,
  hostname: string,
  port: number,
  contexts: TlsContexts,
  signal: AbortSignal,
): Promise<Socket> {
  const authority = hostAndPort(hostname, port)
  const common = {
    host: proxy.hostname,
    port: proxy.port,
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      connection: 'keep-alive',
      ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
    },
    agent: false,
    signal,
  } as const
  return new Promise((resolve, reject) => {
    const request = proxy.tls
      ? httpsRequest({
          ...common,
          ...{ secureContext: contexts.otherHosts.at(-1)?.() },
          servername: serverName(proxy.hostname),
          rejectUnauthorized: true,
          checkServerIdentity,
        })
      : httpRequest(common)
    request.once('connect', (response, socket, head) => {
      socket.on('error', () => undefined)
      if (response.statusCode === 200 && head.length === 0) return resolve(socket)
      socket.destroy()
      const status = response.statusCode
      reject(new ProxyFailure(proxy, `answered ${status ?? 0} to CONNECT`, 'ERR_PROXY_REFUSED', { status }))
    })
    request.once('error', (cause: Error & { code?: string }) => {
      // When the proxy does not answer in time, the error names the proxy too.
      const late = signal.aborted && signal.reason instanceof ConnectTimeout ? signal.reason : undefined
      if (signal.aborted && late === undefined) return reject(signal.reason)
      const { message, code = 'ERR_PROXY' } = late ?? cause
      reject(new ProxyFailure(proxy, message, code, { cause: late ?? cause }))
    })
    request.end()
  })
}
