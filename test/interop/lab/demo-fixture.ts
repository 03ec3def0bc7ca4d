/** The demo's collection, published with the real programs and kept byte for byte as the real server served it. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { makeSignerKey } from './certificates.js'
import { getMetadata } from './http.js'
import { createReader } from './notary-cli.js'
import { type NotaryServer, startNotaryServer } from './notary-server.js'
import { createPublisher } from './publisher.js'

const gun = 'registry.example/demo/app'
const served = ['1.root', 'root', 'timestamp', 'snapshot', 'targets', 'targets/releases', 'targets/alice']
const hourMilliseconds = 3_600_000

const demoDigest = (tag: string): string => createHash('sha256').update(`docker-content-trust demo ${tag}`).digest('hex')

/** Writes `folder` anew: `served/`, and `case.json` with what a verifier must answer. */
export async function makeDemoFixture(folder: string): Promise<void> {
  await using server = await startNotaryServer({ signer: true })
  await publish(server)
  const now = new Date(Date.now() + hourMilliseconds)
  await checkWithRealClient(server)
  const files = await Promise.all(served.map(async (name) => ({ name, bytes: await fetchBytes(server, name) })))
  await rm(folder, { recursive: true, force: true })
  for (const { name, bytes } of files) {
    const file = join(folder, 'served', `${name}.json`)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, bytes)
  }
  await writeFile(join(folder, 'case.json'), `${JSON.stringify(describeCase(now), undefined, 2)}\n`)
}

/** 0.9 in targets; 1.0 in targets/releases and targets/alice, by alice. Every private key goes with the temporary folders. */
async function publish(server: NotaryServer): Promise<void> {
  const keys = await mkdtemp(join(tmpdir(), 'notary-lab-demo-'))
  try {
    await using publisher = await createPublisher({ server })
    const alice = await makeSignerKey(keys, 'alice')
    await publisher.importKey(alice.key, alice.name)
    await publisher.init(gun)
    await publisher.addDelegation(gun, 'targets/releases', [alice.cert])
    await publisher.addDelegation(gun, 'targets/alice', [alice.cert])
    await publisher.addHash(gun, '0.9', demoDigest('0.9'), 1190)
    await publisher.addHash(gun, '1.0', demoDigest('1.0'), 1234, { roles: ['targets/releases', 'targets/alice'] })
    await publisher.publish(gun)
  } finally {
    await rm(keys, { recursive: true, force: true })
  }
}

async function checkWithRealClient(server: NotaryServer): Promise<void> {
  await using reader = await createReader({ server })
  const { digest, size } = await reader.lookup(gun, '1.0')
  if (digest !== `sha256:${demoDigest('1.0')}` || size !== 1234) throw new Error(`the real client reads ${digest} ${size}`)
}

async function fetchBytes(server: NotaryServer, name: string): Promise<Buffer> {
  const { status, body } = await getMetadata(server, gun, name)
  if (status !== 200) throw new Error(`the server answers ${status} for ${name}`)
  return body
}

function describeCase(now: Date): object {
  return {
    about:
      'A collection with one signer, alice, whose tag 1.0 stands in targets/releases and targets/alice, 0.9 only in targets; ' +
      'made by npm run fixtures with notary 0.7.0.',
    gun,
    now: now.toISOString(),
    server: 'https://trust.registry.example',
    reference: `${gun}:1.0`,
    expect: {
      status: 'trusted',
      digest: `sha256:${demoDigest('1.0')}`,
      size: 1234,
      role: 'targets/releases',
      signers: ['alice'],
    },
  }
}
