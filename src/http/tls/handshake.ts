/** The TLS handshake on a TCP connection. */
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

/** A verified TLS connection over a TCP connection. */
export async function shakeHands(
  { addresses, sessions }: ConnectionMemory,
  { hostname, port, signal, onHandshake }: Destination,
  context: LazyContext,
  dialled: Dial,
): Promise<Socket> {
  const secureContext = madeMeanwhile(context, dialled)
  const host = `${hostname}:${port}`
  const session = sessions.find(host)
  const socket = tlsConnect({
    socket: await dialled.connected,
    ...(session === undefined ? {} : { session }),
    secureContext,
    host: hostname,
    servername: serverName(hostname),
    // Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not count.
    rejectUnauthorized: true,
    checkServerIdentity,
    // Not h2: undici 7 takes a body that RST_STREAM cuts off for a whole one, and knows no limit for its headers.
    ALPNProtocols: ['http/1.1'],
  })
  onHandshake()
  socket.setNoDelay(true)
  // On a session that is taken up no name is checked. Node emits sessions only once certificate and name were verified.
  socket.on('session', (fresh: Buffer) => sessions.keep(host, fresh))
  const shown = noteCertificate(socket)
  try {
    await settled(socket, 'secureConnect', signal)
  } catch (cause) {
    throw signal.aborted ? cause : failureOf(cause, hostAndPort(hostname, port), shown())
  }
  if (!dialled.isTunnel) addresses.noteConnection(hostname, socket.remoteAddress)
  return socket
}

/** The first context of a process takes as long as a round trip: Node parses its own CAs for it, whoever's are asked for. */
function madeMeanwhile(context: LazyContext, dialled: Dial): SecureContext {
  try {
    return context()
  } catch (cause) {
    destroyWhenConnected(dialled)
    throw cause
  }
}

/** Connections that were reset or cut off are no matter of TLS. */
function failureOf(cause: unknown, peer: string, shown: ShownCertificate | undefined): unknown {
  return isTlsFault(systemCode(cause) ?? '') ? new TlsFailure(cause, peer, shown) : cause
}
