/** One verified TLS connection: the wire, then the handshake, which is loaded, with the CAs, while the wire is laid. */
import type { Socket } from 'node:net'
import { systemCode } from '../../errors.js'
import { dependsOnAuthorities } from '../tls/certificate-faults.js'
import { type ConnectionMemory, type ConnectionOptions, type Destination, destroyWhenConnected, dial } from './tcp.js'

/** Connects; a certificate that one list of CAs does not explain is shown to the next, on another connection. */
export async function openConnection(options: ConnectionOptions, memory: ConnectionMemory, to: Destination): Promise<Socket> {
  memory.addresses.check(to.hostname)
  const host = `${to.hostname}:${to.port}`
  const first = dial(options, memory, to)
  await first.begun
  const { shakeHands, contexts } = await loaded(options, to.hostname).catch((cause: unknown) => {
    destroyWhenConnected(first)
    throw cause
  })
  const known = memory.contexts.get(host) ?? 0
  for (const [at, context] of contexts.entries()) {
    if (at < known) continue
    try {
      const socket = await shakeHands(memory, to, context, at === known ? first : dial(options, memory, to))
      memory.contexts.set(host, at)
      return socket
    } catch (cause) {
      if (at === contexts.length - 1 || !dependsOnAuthorities(systemCode(cause) ?? '')) throw cause
    }
  }
  throw new Error('no context to connect with')
}

/** One after the other: both need the same modules, and not every loader can link those twice at a time (jest's cannot). */
async function loaded({ contexts, trustServerHostname }: ConnectionOptions, hostname: string) {
  const { shakeHands } = await import('../tls/handshake.js')
  const { trustServer, otherHosts } = await contexts()
  return { shakeHands, contexts: hostname === trustServerHostname ? trustServer : otherHosts }
}
