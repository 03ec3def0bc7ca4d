/**
 * `dct demo`: the real program against a trust server on this machine, with a collection that the real notary signed.
 * The clock is set to an hour after its publication. Everything else is real.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readServedFolder } from '../testing/served-folder.js'
import { startTrustServer, type TestTrustServer } from '../testing/trust-server.js'
import { type FoundEngine, findEngine } from './find-engine.js'
import { EXIT, type Io } from './io.js'
import { run } from './main.js'
import type { CommandLine } from './options.js'
import { temporaryFolder } from './temporary-folder.js'

const FIXTURE = new URL('../../fixtures/demo/', import.meta.url)

/** The members of an object of `dct verify --json` that the demo reads. */
interface Answer {
  readonly status: string
  readonly canonicalReference?: string
  readonly signers?: readonly string[]
  readonly warnings?: readonly { readonly code: string; readonly message: string }[]
  readonly error?: { readonly code: string; readonly message: string }
}

/** The exit status. */
export async function demo(_line: CommandLine, io: Io): Promise<number> {
  const { gun, now } = await readCase()
  const collections = [await readServedFolder(gun, fileURLToPath(new URL('served/', FIXTURE)))]
  const { folder, refused } = await temporaryFolder('dct-demo-')
  try {
    for (const { place, why } of refused) io.err(`dct demo: ${place} cannot be written to (${why})\n`)
    if (refused.length > 0) io.err(`dct demo: using ${dirname(folder)} for a moment instead\n`)
    await using server = await startTrustServer({ collections, folder })
    return await new Demo(io, gun, new Date(now), server, folder).run()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

class Demo {
  readonly #io: Io
  readonly #gun: string
  readonly #now: Date
  readonly #server: TestTrustServer
  readonly #folder: string

  constructor(io: Io, gun: string, now: Date, server: TestTrustServer, folder: string) {
    this.#io = io
    this.#gun = gun
    this.#now = now
    this.#server = server
    this.#folder = folder
  }

  async run(): Promise<number> {
    // Asked beside everything else: an engine that does not answer takes its time.
    const engine = findEngine(this.#io)
    const signed = `${this.#gun}:1.0`
    await writeFile(join(this.#folder, 'ca.crt'), this.#server.ca)
    this.#say(`a trust server on this machine, ${this.#server.url}, and a collection signed with notary 0.7.0`)

    const trusted = await this.#verify('trust', signed)
    this.#say(`1. a signed tag: ${signed} is trusted, signed by ${trusted.signers?.join(', ')}`)
    this.#io.out(`${trusted.canonicalReference}\n`)

    const unsigned = await this.#verify('trust', `${this.#gun}:2.0`)
    this.#say(`2. a tag without a signature: ${unsigned.error?.code}: ${unsigned.error?.message}`)

    this.#server.faults.set('targets/releases', (honest) =>
      Buffer.from(
        Buffer.from(honest ?? '')
          .toString()
          .replace('1234', '4321'),
      ),
    )
    const tampered = await this.#verify('other-trust', signed)
    this.#say(`3. a tampered file: ${tampered.error?.code}: ${tampered.error?.message}`)

    await this.#server.close()
    const stale = await this.#verify('trust', signed)
    this.#say(
      `4. the server is gone, and the cache answers: ${stale.warnings?.map(({ code, message }) => `${code}: ${message}`).join('; ')}`,
    )

    this.#say(`5. ${await this.#engine(engine)}`)

    const dct = this.#io.env['npm_command'] === undefined ? 'dct' : 'npx --no-install dct'
    const asExpected =
      trusted.status === 'trusted' &&
      unsigned.status === 'failed' &&
      tampered.status === 'failed' &&
      stale.canonicalReference === trusted.canonicalReference
    this.#say(
      asExpected
        ? `done. What a verification on your machine would use: ${dct} env container-registry.oracle.com/os/oraclelinux:9`
        : 'something is wrong: the demo did not go as it should',
    )
    return asExpected ? EXIT.ok : EXIT.internal
  }

  /** Runs `dct verify`, as a user would, with another clock. */
  async #verify(trustFolder: string, reference: string): Promise<Answer> {
    let out = ''
    const io: Io = {
      ...this.#io,
      env: {},
      out: (text) => (out += text),
      err: () => undefined,
      terminal: false,
      now: () => this.#now,
    }
    const options = [
      '--server',
      this.#server.url,
      '--tlscacert',
      join(this.#folder, 'ca.crt'),
      '--config',
      this.#folder,
      '--trust-dir',
      join(this.#folder, trustFolder),
    ]
    await run(['verify', '--json', ...options, reference], io)
    this.#io.signal.throwIfAborted()
    return JSON.parse(out)
  }

  async #engine(finding: Promise<FoundEngine | string>): Promise<string> {
    const found = await finding
    this.#io.signal.throwIfAborted()
    if (typeof found === 'string') return `${found}: with one, dct pull hands it the digest that was verified`
    const { pullAndRun } = await import('./demo-engine.js')
    return pullAndRun(this.#io, found, this.#folder)
  }

  #say(text: string): void {
    this.#io.err(`dct demo: ${text}\n`)
  }
}

async function readCase(): Promise<{ gun: string; now: string }> {
  return JSON.parse(await readFile(new URL('case.json', FIXTURE), 'utf8'))
}
