/**
 * The last part of the demo, where a Docker Engine answers: an image on a registry of this machine is signed, verified, pulled
 * by its digest and run. Image and tag are removed again.
 */
import { createServer } from 'node:http'
import { createTrustClient } from '../client/trust-client.js'
import { verifyPull } from '../tasks/pull.js'
import { createTrustCollection } from '../testing/trust-collection.js'
import { startTrustServer } from '../testing/trust-server.js'
import { type DemoImage, demoImage } from './demo-image.js'
import { docker, type FoundEngine } from './find-engine.js'
import type { Io } from './io.js'

/** Milliseconds for each of: pull, tag, run. */
const STEP_PATIENCE = 30_000

/** What came of it, in one sentence. `folder` is for temporary files. */
export async function pullAndRun(io: Io, { architecture, version }: FoundEngine, folder: string): Promise<string> {
  const image = demoImage(architecture)
  if (image === undefined) return `Docker Engine ${version} is here; there is no demo image for ${architecture}`
  await using registry = await startRegistry(image)
  const name = `localhost:${registry.port}/demo/app`
  const now = new Date()
  const collection = createTrustCollection(name, { now })
  collection.sign('1.0', Buffer.from(image.manifest).toString())
  collection.publish()
  await using server = await startTrustServer({ collections: [collection], folder })
  const options = { env: {}, server: server.url, ca: server.ca, trustDirectory: `${folder}/engine-trust`, dockerConfig: folder }
  await using client = createTrustClient({ ...options, disableContentTrust: false, signal: io.signal })
  const silent = { out: () => undefined, err: () => undefined, warn: () => undefined, terminal: false }
  const engine = {
    program: 'docker',
    env: { ...io.env, DOCKER_CONTENT_TRUST: '0' },
    signal: AbortSignal.any([io.signal, AbortSignal.timeout(STEP_PATIENCE)]),
  }
  const request = { reference: `${name}:1.0`, allTags: false, quiet: true, engine }
  try {
    const pulled = await (await verifyPull(client, request, silent)).run()
    io.signal.throwIfAborted()
    if (pulled !== 0)
      return `Docker Engine ${version} is here, but it cannot pull from a registry on this machine: docker pull ended with ${pulled}`
    const ran = await docker(io, ['run', '--rm', '--network', 'none', `${name}:1.0`], STEP_PATIENCE)
    if (ran.status !== 0) return `Docker Engine ${version} pulled ${name}@${image.digest}, but does not run it: ${ran.err.trim()}`
    return `Docker Engine ${version} pulled ${name}@${image.digest} and ran it: ${ran.out.trim()}`
  } finally {
    // Also after Ctrl-C.
    await docker({ env: io.env }, ['rmi', '--force', `${name}:1.0`, `${name}@${image.digest}`], STEP_PATIENCE)
  }
}

interface Registry extends AsyncDisposable {
  readonly port: number
}

/** What an engine asks of a registry to pull one image. On loopback an engine takes http. */
async function startRegistry({ digest, manifest, mediaType, blobs }: DemoImage): Promise<Registry> {
  const files = new Map([...blobs].map(([name, bytes]) => [`blobs/${name}`, { bytes, type: 'application/octet-stream', name }]))
  for (const name of ['1.0', digest]) files.set(`manifests/${name}`, { bytes: manifest, type: mediaType, name: digest })
  const server = createServer(({ url = '', method }, answer) => {
    const file = files.get(url.replace('/v2/demo/app/', ''))
    answer.setHeader('Docker-Distribution-Api-Version', 'registry/2.0')
    if (file === undefined) {
      answer.writeHead(url === '/v2/' ? 200 : 404).end()
      return
    }
    answer.writeHead(200, { 'content-type': file.type, 'content-length': file.bytes.length, 'docker-content-digest': file.name })
    answer.end(method === 'HEAD' ? undefined : file.bytes)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  return {
    port: bound !== null && typeof bound === 'object' ? bound.port : 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
