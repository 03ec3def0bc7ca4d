/**
 * The least that a service between a client and a trust server does: each request is one question to the address that is given, on a
 * connection that stays open, and an empty answer. It prints its port.
 */
import { createServer } from 'node:http'
import { Agent, request } from 'undici'

const [address, ca] = process.argv.slice(2)
const dispatcher = new Agent({ connect: { ca: [ca] } })
const server = createServer(async (_, response) => {
  const { body } = await request(address, { dispatcher })
  await body.arrayBuffer()
  response.end()
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.once('disconnect', () => process.exit())
