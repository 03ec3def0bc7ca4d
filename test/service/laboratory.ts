/** A service in this process, with a trust server and a registry, and a clock that a test moves. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogLine } from '../../src/service/decision-log.js'
import { openService, type ServiceConfiguration } from '../../src/service/run-service.js'
import type { Service } from '../../src/service/service.js'
import {
  createClock,
  createTrustCollection,
  startTrustServer,
  type TestTrustServer,
  type TrustCollection,
} from '../../src/testing/index.js'
import { type Handler, type LoopbackServer, startServer, testAuthority } from '../support/loopback-server.js'

export const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** A manifest without content. */
export const IMAGE: Buffer = Buffer.from(
  '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[]}',
)
export const DIGEST: string = sha256(IMAGE)

/** First use is accepted for all. */
export const ACCEPTING = 'version: 1\nrules: []\ndefault: { firstUse: accept }\n'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
  readonly port?: number
}

/** What a test works with; new for each. Closing it stops the service too. */
export interface Laboratory {
  close(): Promise<void>
  readonly folder: string
  readonly trust: TestTrustServer
  readonly registry: LoopbackServer
  readonly collection: TrustCollection
  readonly clock: ReturnType<typeof createClock>
  /** The log of the service. */
  readonly lines: LogLine[]
  /** What the registry answers. At first: IMAGE. */
  serves: Handler
  service: Service | undefined
  /** Starts the service; `client` holds options beside the standard ones. */
  start(policy?: string, more?: Partial<ServiceConfiguration>): Promise<Service>
  ask(path: string, options?: Asked): Promise<Answer>
  /** Asks for a manifest by tag or digest. */
  manifest(reference?: string, options?: Asked): Promise<Answer>
}

/** Starts everything but the service. */
export async function startLaboratory(): Promise<Laboratory> {
  const clock = createClock()
  const registry = await startServer((seen, response) => lab.serves(seen, response))
  const collection = createTrustCollection(`localhost:${registry.port}/team/app`, {
    tags: { '1.0': { digest: DIGEST, size: IMAGE.length } },
  }).publish()
  const trust = await startTrustServer({ collections: [collection] })
  const folder = await mkdtemp(join(tmpdir(), 'dct-service-'))
  const lines: LogLine[] = []
  const lab: Laboratory = {
    folder,
    trust,
    registry,
    collection,
    clock,
    lines,
    serves: (_, response) => void response.end(IMAGE),
    service: undefined,
    async close() {
      await lab.service?.close()
      await trust.close()
      await registry.close()
      await rm(folder, { recursive: true })
    },
    async start(policy = ACCEPTING, { client, ...more } = {}) {
      const file = join(folder, 'policy.yaml')
      await writeFile(file, policy)
      lab.service = await openService({
        listen: { host: '127.0.0.1', port: 0 },
        metricsListen: { host: '127.0.0.1', port: 0 },
        registries: [`localhost:${registry.port}`],
        sharedCredentials: [],
        client: { env: trust.env, now: clock.now, ca: [testAuthority.pem, trust.ca], ...client, policy: file },
        version: '1.2.3',
        log: (line) => lines.push(line),
        ...more,
      })
      return lab.service
    },
    ask(path, { method = 'GET', headers = {}, body, port = lab.service?.port ?? 0 } = {}) {
      return new Promise<Answer>((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks).toString('latin1'),
            }),
          )
        })
        sent.on('error', reject).end(body)
      })
    },
    manifest: (reference = '1.0', options = {}) =>
      lab.ask(`/v2/team/app/manifests/${reference}?ns=localhost%3A${registry.port}`, options),
  }
  return lab
}

/** Status and code of a refusal. */
export function codeOf({ status, body }: Answer): string {
  const [error] = JSON.parse(body).errors
  return `${status} ${error.detail?.code ?? error.code}`
}
