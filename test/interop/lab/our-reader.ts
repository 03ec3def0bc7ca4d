/** This project as a reader: the library and the program with one trust folder and one server. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TrustError, type TrustedResult, type VerifyTagOptions, verifyTag } from '../../../src/index.js'
import { type DctRun, runDct } from './dct.js'
import { createReader } from './notary-cli.js'
import type { NotaryServer } from './notary-server.js'

type Place = Pick<NotaryServer, 'url' | 'ca' | 'caPem'>

export interface OurReader extends AsyncDisposable {
  readonly trustDir: string
  /** Docker's configuration folder; also HOME. Temporary. */
  readonly config: string
  /** Options for the library. */
  readonly options: VerifyTagOptions
  /** Verifies with the library. Rejects unless the answer is `trusted`. */
  verify(reference: string, options?: VerifyTagOptions): Promise<TrustedResult>
  /** Resolves to the TrustError of a verification; rejects if the verification succeeds. */
  refusal(reference: string, options?: VerifyTagOptions): Promise<TrustError>
  /** Runs the program with the server, its CA, the trust folder and the configuration folder as options. */
  dct(command: 'verify' | 'lookup' | 'lock', ...args: string[]): Promise<DctRun>
  /** The same, with additional environment variables. */
  dctWith(env: Record<string, string>, command: 'verify' | 'lookup', ...args: string[]): Promise<DctRun>
}

/** A fresh reader, unless `trustDir` is given. */
export async function createOurReader(server: Place, trustDir?: string): Promise<OurReader> {
  const config = await mkdtemp(join(tmpdir(), 'notary-lab-ours-'))
  const trustDirectory = trustDir ?? join(config, 'trust')
  const options: VerifyTagOptions = {
    env: {},
    disableContentTrust: false,
    server: server.url,
    ca: server.caPem,
    dockerConfig: config,
    trustDirectory,
  }
  const ask = (reference: string, more: VerifyTagOptions = {}) => verifyTag(reference, { ...options, ...more })
  const always = ['--server', server.url, '--tlscacert', server.ca, '--trust-dir', trustDirectory, '--config', config]
  return {
    trustDir: trustDirectory,
    config,
    options,
    async verify(reference, more) {
      const result = await ask(reference, more)
      if (result.status !== 'trusted') throw new Error(`${reference} is ${result.status}`)
      return result
    },
    async refusal(reference, more) {
      const outcome = await ask(reference, more).catch((error: unknown) => error)
      if (outcome instanceof TrustError) return outcome
      throw new Error(`${reference} was not refused`, { cause: outcome })
    },
    dct: (command, ...args) => runDct([command, ...always, ...args], { HOME: config }),
    dctWith: (env, command, ...args) => runDct([command, ...always, ...args], { HOME: config, ...env }),
    [Symbol.asyncDispose]: () => rm(config, { recursive: true, force: true }),
  }
}

/** The hexadecimal digest that the tests use for a content. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The answer of `notary lookup` for a fresh client. */
export async function lookupAfresh(server: Place, gun: string, target: string) {
  await using reader = await createReader({ server })
  return await reader.lookup(gun, target)
}

/** The codes of an answer's warnings. */
export function warningCodes({ warnings }: Pick<TrustedResult, 'warnings'>): string[] {
  return warnings.map(({ code }) => code)
}

/** The decoded `signed` part of a metadata file in a trust folder. */
export async function cachedMetadata(trustDir: string, gun: string, role: string) {
  return JSON.parse(await readFile(join(trustDir, 'tuf', gun, 'metadata', `${role}.json`), 'utf8')).signed
}
