/** The set-up of tests of TLS: a transport world without a CA, with files in Docker's folders for a host. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'
import type { HttpTransportOptions } from '../../../src/trust-server/http-transport.js'
import type { Transport } from '../../../src/trust-server/transport.js'
import type { LoopbackServer, startServer } from '../../support/loopback-server.js'
import { TransportWorld } from '../../support/transport-world.js'

export const DAY = 86_400_000

/** Dates of a certificate that is valid today. */
export const TODAY = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) }

export class TlsWorld extends TransportWorld {
  /** A server that answers every request with a file of two bytes. */
  serveFile(options: Parameters<typeof startServer>[1] = {}): Promise<LoopbackServer> {
    return this.serve((_, response) => response.end('{}'), options)
  }

  override transport(url: string, options: Partial<HttpTransportOptions> = {}): Transport {
    return super.transport(url, { ca: [], ...options })
  }

  /** Fetches a file, and returns its length. */
  async askOf(transport: Transport): Promise<number | undefined> {
    const request = { gun: 'a/b', name: 'root', maxBytes: 100, signal: new AbortController().signal }
    return (await transport.fetchMetadata(request))?.length
  }

  /** The same with a new transport. */
  ask(url: string, options: Partial<HttpTransportOptions> = {}): Promise<number | undefined> {
    return this.askOf(this.transport(url, options))
  }

  /** Writes a file into the folder for a host. */
  async put(host: string, name: string, content: string | Uint8Array, tree = 'tls'): Promise<string> {
    const folder = join(this.dockerConfig, tree, host)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }

  override async begin(): Promise<void> {
    vi.stubEnv('NODE_EXTRA_CA_CERTS', '') // the value that this process was started with changes the number of contexts
    await super.begin()
  }

  override async end(): Promise<void> {
    vi.unstubAllEnvs()
    await super.end()
  }
}

/** A world for all tests of a file, empty at the start of each test. */
export function tlsWorld(): TlsWorld {
  const world = new TlsWorld()
  beforeEach(() => world.begin())
  afterEach(() => world.end())
  return world
}
