/** The TLS handshake on a wire. */
import type { Socket } from 'node:net'
import { type SecureContext, connect as tlsConnect } from 'node:tls'
import { settled } from './socket-events.js'
import { type LazyContext, serverName } from './tls.js'
import { type ConnectionMemory, type Destination, destroyWhenLaid, type Wire } from './wire.js'

/** A verified TLS connection over a wire. */
export async function shakeHands(
  { addresses, sessions }: ConnectionMemory,
  { hostname, port, signal, onHandshake }: Destination,
  context: LazyContext,
  wire: Wire,
): Promise<Socket> {
  const secureContext = madeMeanwhile(context, wire)
  const host = `${hostname}:${port}`
  const session = sessions.find(host)
  const socket = tlsConnect({
    socket: await wire.laid,
    ...(session === undefined ? {} : { session }),
    secureContext,
    host: hostname,
    servername: serverName(hostname),
    // Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not count.
    rejectUnauthorized: true,
    // Not h2: undici 7 takes a body that RST_STREAM cuts off for a whole one, and knows no limit for its headers.
    ALPNProtocols: ['http/1.1'],
  })
  onHandshake()
  socket.setNoDelay(true)
  // Whoever takes a session up is not asked for a name any more; Node gives out only those of servers that it verified.
  socket.on('session', (fresh: Buffer) => sessions.keep(host, fresh))
  await settled(socket, 'secureConnect', signal)
  if (!wire.isTunnel) addresses.noteConnection(hostname, socket.remoteAddress)
  return socket
}

/** The first context of a process takes as long as a round trip: Node parses its own CAs for it, whoever's are asked for. */
function madeMeanwhile(context: LazyContext, wire: Wire): SecureContext {
  try {
    return context()
  } catch (cause) {
    destroyWhenLaid(wire)
    throw cause
  }
}
