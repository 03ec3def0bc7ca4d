/** Opens a verified TLS connection. Loads the TLS code and the CAs while TCP connects. */
import type { Socket } from 'node:net'
import { systemCode } from '../../errors.js'
import { hostAndPort, peerOf } from '../server-address.js'
import { dependsOnAuthorities } from '../tls/certificate-faults.js'
import { type ConnectionMemory, type ConnectionOptions, type Destination, destroyWhenConnected, dial } from './tcp.js'

/**
 * Connects and verifies the certificate of the host. When it cannot be verified with one list of CAs, connects again and
 * tries the next list (see `TlsContexts`).
 */
export async function openConnection(options: ConnectionOptions, memory: ConnectionMemory, to: Destination): Promise<Socket> {
  memory.addresses.check(to.hostname)
  const host = hostAndPort(to.hostname, to.port)
  const first = dial(options, memory, to)
  await first.started
  const { handshake, contexts } = await loadTls(options, host).catch((cause: unknown) => {
    destroyWhenConnected(first)
    throw cause
  })
  const known = memory.contexts.get(host) ?? 0
  for (const [at, context] of contexts.entries()) {
    if (at < known) continue
    try {
      const socket = await handshake(memory, to, context, at === known ? first : dial(options, memory, to))
      memory.contexts.set(host, at)
      return socket
    } catch (cause) {
      if (at === contexts.length - 1 || !dependsOnAuthorities(systemCode(cause) ?? '')) throw cause
    }
  }
  throw new Error('no context to connect with')
}

/** Loads one after the other: both import the same modules, and jest's loader cannot link a module twice at a time. */
async function loadTls({ contexts, server }: ConnectionOptions, host: string) {
  const { handshake } = await import('../tls/handshake.js')
  const forHosts = await contexts()
  return { handshake, contexts: host === peerOf(server) ? forHosts.server : forHosts.otherHosts }
}
