// The trust server of soak.mjs, in a process of its own: what it keeps in memory must not be measured there.
import { startTrustServer } from '../../dist/testing/index.js'
import { die, Publisher } from './lab.mjs'

const [guns, seed] = JSON.parse(process.argv[2] ?? '[]')
const roll = die(seed)
const publishers = new Map(guns.map((gun) => [gun, new Publisher(gun, roll)]))
const server = await startTrustServer({ collections: [...publishers.values()] })
process.on('message', (gun) => {
  publishers.get(gun).advance()
  server.requests.length = 0
  process.send({ gun })
})
process.on('disconnect', () => process.exit(0))
process.send({ url: server.url, ca: server.ca, now: [...publishers.values()][0].collection.now })
