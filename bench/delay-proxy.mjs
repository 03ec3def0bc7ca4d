/**
 * A TCP forwarder that simulates distance. It delays every chunk by half a round trip in each direction, and keeps the order. On
 * loopback `connect` succeeds at once, so the client's first bytes are also delayed by the round trip that connecting would take.
 */
import { connect, createServer } from 'node:net'

/** Starts a forwarder to a port of this machine. */
export async function startDelayProxy(targetPort, roundTripMilliseconds) {
  const counts = { connections: 0, bytes: 0 }
  const sockets = new Set()
  const forward = (from, to, connected) => {
    const waiting = []
    /** There is one timer per action. Each timer runs the oldest action, so the order is kept. */
    const later = (act) => {
      if (roundTripMilliseconds === 0) return act()
      waiting.push(act)
      const sent = Math.max(performance.now(), connected)
      setTimeout(() => waiting.shift()(), sent + roundTripMilliseconds / 2 - performance.now())
    }
    sockets.add(from)
    from.on('data', (chunk) => {
      counts.bytes += chunk.length
      later(() => to.write(chunk))
    })
    from.once('end', () => later(() => to.end()))
    from.on('error', () => to.destroy())
    from.once('close', () => sockets.delete(from))
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    counts.connections += 1
    const connected = performance.now() + roundTripMilliseconds
    const upstream = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    forward(client, upstream, connected)
    forward(upstream, client, connected)
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    url: `https://localhost:${server.address().port}`,
    /** Connections and bytes since the last call. */
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
