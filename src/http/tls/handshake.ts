/** Makes the TLS handshake on a TCP connection. */
import type { Socket } from 'node:net'
import { type SecureContext, connect as tlsConnect } from 'node:tls'
import { systemCode } from '../../errors.js'
import { settled } from '../connection/socket-events.js'
import { type ConnectionMemory, type Destination, type Dial, destroyWhenConnected } from '../connection/tcp.js'
import { hostAndPort } from '../server-address.js'
import { isTlsFault } from './certificate-faults.js'
import { checkServerIdentity } from './server-identity.js'
import { type LazyContext, serverName } from './tls.js'
import { noteCertificate, type ShownCertificate, TlsFailure } from './tls-failure.js'

/** Makes a verified TLS connection. @throws TlsFailure, or the error of the TCP connection */
export async function handshake(
  { addresses, sessions }: ConnectionMemory,
  { hostname, port, signal, onHandshake }: Destination,
  context: LazyContext,
  tcp: Dial,
): Promise<Socket> {
  const secureContext = createContext(context, tcp)
  const host = hostAndPort(hostname, port)
  const session = sessions.find(host)
  const socket = tlsConnect({
    socket: await tcp.connected,
    ...(session === undefined ? {} : { session }),
    secureContext,
    host: hostname,
    servername: serverName(hostname),
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 has no effect.
    rejectUnauthorized: true,
    checkServerIdentity,
    // Not h2: undici 7 accepts a body that RST_STREAM cut off as complete, and has no limit for h2 headers.
    ALPNProtocols: ['http/1.1'],
  })
  onHandshake()
  socket.setNoDelay(true)
  // Node checks no name when a session is resumed, but emits a session only after it verified certificate and name.
  socket.on('session', (fresh: Buffer) => sessions.keep(host, fresh))
  const shown = noteCertificate(socket)
  try {
    await settled(socket, 'secureConnect', signal)
  } catch (cause) {
    throw signal.aborted ? cause : failureOf(cause, host, shown())
  }
  if (!tcp.isTunnel) addresses.noteConnection(hostname, socket.remoteAddress)
  return socket
}

/**
 * Makes the context while TCP connects: the first one of a process takes as long as a round trip, since Node then parses its
 * default CAs, even for a context with other CAs.
 */
function createContext(context: LazyContext, tcp: Dial): SecureContext {
  try {
    return context()
  } catch (cause) {
    destroyWhenConnected(tcp)
    throw cause
  }
}

/** A connection that was reset or cut off did not fail because of TLS. */
function failureOf(cause: unknown, peer: string, shown: ShownCertificate | undefined): unknown {
  return isTlsFault(systemCode(cause) ?? '') ? new TlsFailure(cause, peer, shown) : cause
}
