/** The set-up of tests of transports: a folder for Docker's configuration, servers on loopback, and transports to them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { createHttpTransport, type HttpTransportOptions } from '../../src/trust-server/http-transport.js'
import { parseServer } from '../../src/trust-server/notary-url.js'
import type { Transport } from '../../src/trust-server/transport.js'
import { type Handler, type LoopbackServer, startServer, testAuthority } from './loopback-server.js'

/** The folder, servers and transports of one test. */
export class TransportWorld {
  dockerConfig = ''
  readonly #open: { close(): Promise<void> }[] = []

  /** Closes it after the test. */
  keep<One extends { close(): Promise<void> }>(one: One): One {
    this.#open.push(one)
    return one
  }

  async serve(handler: Handler, options: Parameters<typeof startServer>[1] = {}): Promise<LoopbackServer> {
    return this.keep(await startServer(handler, options))
  }

  /** A transport that trusts the CA of the servers, and reads nothing outside `dockerConfig`. */
  transport(url: string, options: Partial<HttpTransportOptions> = {}): Transport {
    const { dockerConfig } = this
    const defaults = { server: parseServer(url), dockerConfig, env: {}, ca: testAuthority.pem, engineFolders: [] }
    return this.keep(createHttpTransport({ ...defaults, ...options }))
  }

  async begin(): Promise<void> {
    this.dockerConfig = await mkdtemp(join(tmpdir(), 'dct-transport-'))
  }

  async end(): Promise<void> {
    for (const one of this.#open.splice(0).reverse()) await one.close()
    await rm(this.dockerConfig, { recursive: true })
  }
}

/** A world for all tests of a file, empty at the start of each test. */
export function transportWorld(): TransportWorld {
  const world = new TransportWorld()
  beforeEach(() => world.begin())
  afterEach(() => world.end())
  return world
}
