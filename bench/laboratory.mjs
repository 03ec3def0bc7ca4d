/** The real notary-server, and collections published to it by the real `notary` program. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
// The interop suite's laboratory, compiled by `npm run bench`.
import { makeSignerKey } from './.lab/certificates.js'
import { startNotaryServer } from './.lab/notary-server.js'
import { createPublisher } from './.lab/publisher.js'

/** Starts the server; `publish` adds collections. `nodeOptions` are for every measured Node process. */
export async function openLaboratory(nodeOptions = []) {
  const folder = mkdtempSync(join(tmpdir(), 'dct-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  process.once('SIGINT', () => process.exit(130))
  const server = await startNotaryServer()
  const publisher = await createPublisher({ server, trustDir: join(folder, 'publisher') })
  const keys = new Map()
  for (const name of ['releases', 'alice', 'bob']) keys.set(name, await makeSignerKey(join(folder, 'keys'), name))
  for (const { name, key } of keys.values()) await publisher.importKey(key, name)
  let folders = 0
  return {
    server,
    nodeOptions,
    /** The name of a folder that does not exist yet. */
    freshFolder: () => join(folder, `reader-${++folders}`),
    /** Creates the delegations, then publishes `tags` names (`tag-0`, ...) into each of `roles`, in the given order. */
    async publish({ gun, tags, roles }) {
      const delegations = roles.filter((role) => role !== 'targets')
      await publisher.init(gun, { serverSnapshot: delegations.length > 0 })
      for (const role of delegations) await publisher.addDelegation(gun, role, [keys.get(role.replace('targets/', '')).cert])
      if (delegations.length > 0) await publisher.publish(gun)
      for (const role of roles) {
        // In parts, because each entry needs an open file.
        const all = entries(tags, role)
        for (let at = 0; at < all.length; at += 500) await publisher.addMany(gun, all.slice(at, at + 500), role)
      }
      await publisher.publish(gun)
    },
    async stop() {
      await publisher.close()
      await server.stop()
    },
  }
}

/** Tags of `targets` and of delegations have different names, so that each lookup has one right answer. */
function entries(count, role) {
  const prefix = role === 'targets' ? 'old' : 'tag'
  return Array.from({ length: count }, (_, index) => {
    const target = `${prefix}-${index}`
    return { target, digestHex: digestOf(target), size: 1000 + index }
  })
}

/** The hexadecimal digest that is published for a tag. */
export function digestOf(tag) {
  return createHash('sha256').update(tag).digest('hex')
}
