/** A folder of Docker's configuration, servers on loopback, and transports that ask them; all of it ends with the test. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, vi } from 'vitest'
import { createHttpTransport, type HttpTransportOptions } from '../../../src/trust-server/http-transport.js'
import { parseServer } from '../../../src/trust-server/notary-url.js'
import type { Transport } from '../../../src/trust-server/transport.js'
import { type LoopbackServer, startServer } from '../../support/loopback-server.js'

export const DAY = 86_400_000

/** Valid today. */
export const TODAY = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) }

/** Files of one test. */
export class TlsWorld {
  dockerConfig = ''
  readonly #open: { close(): Promise<void> }[] = []

  /** Closed after the test. */
  keep<One extends { close(): Promise<void> }>(one: One): One {
    this.#open.push(one)
    return one
  }

  async serve(options: Parameters<typeof startServer>[1] = {}): Promise<LoopbackServer> {
    return this.keep(await startServer((_, response) => response.end('{}'), options))
  }

  transport(url: string, options: Partial<HttpTransportOptions> = {}): Transport {
    const { dockerConfig } = this
    return this.keep(createHttpTransport({ server: parseServer(url), dockerConfig, env: {}, engineFolders: [], ...options }))
  }

  /** The length of the file that the server has. */
  async askOf(transport: Transport): Promise<number | undefined> {
    const request = { gun: 'a/b', name: 'root', maxBytes: 100, signal: new AbortController().signal }
    return (await transport.fetchMetadata(request))?.length
  }

  /** The same, of a transport of its own. */
  ask(url: string, options: Partial<HttpTransportOptions> = {}): Promise<number | undefined> {
    return this.askOf(this.transport(url, options))
  }

  /** A file in the folder for a host. */
  async put(host: string, name: string, content: string | Uint8Array, tree = 'tls'): Promise<string> {
    const folder = join(this.dockerConfig, tree, host)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }

  async begin(): Promise<void> {
    vi.stubEnv('NODE_EXTRA_CA_CERTS', '') // what this process was started with decides how many contexts are tried
    this.dockerConfig = await mkdtemp(join(tmpdir(), 'dct-tls-'))
  }

  async end(): Promise<void> {
    vi.unstubAllEnvs()
    for (const one of this.#open.splice(0).reverse()) await one.close()
    await rm(this.dockerConfig, { recursive: true })
  }
}

/** One for all tests of a file, empty at the start of each. */
export function tlsWorld(): TlsWorld {
  const world = new TlsWorld()
  beforeEach(() => world.begin())
  afterEach(() => world.end())
  return world
}
