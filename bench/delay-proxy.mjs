/**
 * A TCP forwarder that holds every chunk back for half a round trip, in each direction, in order. Connecting to it costs
 * nothing: on loopback `connect` succeeds at once, so a new connection costs the round trips of TLS only.
 */
import { connect, createServer } from 'node:net'

/** Forwards to a port of this machine. Port and counts are read from what it resolves to. */
export async function startDelayProxy(targetPort, roundTripMilliseconds) {
  const delay = roundTripMilliseconds / 2
  const counts = { connections: 0, bytes: 0 }
  const sockets = new Set()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    counts.connections += 1
    const upstream = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(from)
      from.on('data', (chunk) => {
        counts.bytes += chunk.length
        later(delay, () => to.write(chunk))
      })
      from.once('end', () => later(delay, () => to.end()))
      from.on('error', () => to.destroy())
      from.once('close', () => sockets.delete(from))
    }
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  return {
    url: `https://localhost:${port}`,
    /** What went through since the last call. */
    takeCounts() {
      const taken = { ...counts }
      counts.connections = 0
      counts.bytes = 0
      return taken
    },
    stop() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Timers of one length fire in the order they were set, so chunks stay in order. */
function later(milliseconds, act) {
  if (milliseconds === 0) act()
  else setTimeout(act, milliseconds)
}
