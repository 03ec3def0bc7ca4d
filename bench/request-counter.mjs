/** An https server with the laboratory's certificate that forwards and counts requests. A TCP forwarder cannot count them because of TLS. */
import { readFile } from 'node:fs/promises'
import { createServer, request } from 'node:https'

/** Starts the counter in front of the laboratory's `server`. */
export async function startRequestCounter(server) {
  let requests = 0
  const { cert, key } = server.certificates
  const front = createServer({ cert: await readFile(cert), key: await readFile(key) }, (asked, answer) => {
    requests += 1
    const { method, url, headers } = asked
    const passedOn = request({ host: 'localhost', port: server.port, ca: server.caPem, agent: false, method, path: url, headers })
    passedOn.once('response', (response) => {
      answer.writeHead(response.statusCode, response.headers)
      response.pipe(answer)
    })
    passedOn.once('error', () => answer.destroy())
    asked.pipe(passedOn)
  })
  await new Promise((resolve, reject) => front.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    url: `https://localhost:${front.address().port}`,
    /** Requests since the last call. */
    takeCount() {
      const taken = requests
      requests = 0
      return taken
    },
    stop() {
      front.closeAllConnections()
      return new Promise((resolve) => front.close(resolve))
    },
  }
}
