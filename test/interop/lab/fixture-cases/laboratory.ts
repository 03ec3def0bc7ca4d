/** Shared parts of the functions that make fixtures: two real servers, signers' keys, and writing to a folder. */
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FixtureContent, FixtureFiles } from '../../../../src/testing/index.js'
import { makeSignerKey, type SignerKey } from '../certificates.js'
import { getMetadata } from '../http.js'
import { createReader } from '../notary-cli.js'
import { type NotaryServer, startNotaryServer } from '../notary-server.js'
import { createPublisher, type Publisher } from '../publisher.js'

export const RELEASES = 'targets/releases'
/** The size of every entry, unless a case is about sizes. */
export const SIZE = 1234
export const server = 'https://trust.registry.example'

const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** Makes one case; its folder has the name of the function in `fixtureCases`. */
export type CaseMaker = (lab: Laboratory) => Promise<FixtureContent>

export interface Laboratory extends AsyncDisposable {
  /** A server with a signer behind it, which makes ECDSA keys. */
  readonly signing: NotaryServer
  /** A server that signs itself and makes Ed25519 keys. */
  readonly local: NotaryServer
  readonly alice: SignerKey
  readonly bob: SignerKey
  /** With an RSA certificate. */
  readonly rsa: SignerKey
  /** A publisher with new root and targets keys, and the keys of the signers. */
  publisher(at?: NotaryServer): Promise<Publisher>
}

/** Removes the temporary folders with every private key. */
export async function openLaboratory(): Promise<Laboratory> {
  const folder = await mkdtemp(join(tmpdir(), 'notary-lab-fixtures-'))
  const servers: NotaryServer[] = []
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((running) => running.stop()))
    await rm(folder, { recursive: true, force: true })
  }
  const start = async (signer: boolean): Promise<NotaryServer> => {
    const started = await startNotaryServer({ signer })
    servers.push(started)
    return started
  }
  try {
    const alice = await makeSignerKey(folder, 'alice')
    const bob = await makeSignerKey(folder, 'bob')
    const rsa = await makeSignerKey(folder, 'rsa', 'rsa')
    const signing = await start(true)
    const publisher = async (at: NotaryServer = signing): Promise<Publisher> => {
      const publishing = await createPublisher({ server: at })
      for (const { key, name } of [alice, bob, rsa]) await publishing.importKey(key, name)
      return publishing
    }
    return { signing, local: await start(false), alice, bob, rsa, publisher, [Symbol.asyncDispose]: close }
  } catch (cause) {
    await close()
    throw cause
  }
}

/** The hexadecimal digest of a content. */
export function digits(content: string): string {
  return createHash('sha256').update(`docker-content-trust fixture ${content}`).digest('hex')
}

/** The same, in the form of answers. */
export function digestOf(content: string): string {
  return `sha256:${digits(content)}`
}

/** An hour from now, plus some days. */
export function soon(days = 0): string {
  return new Date(Date.now() + HOUR + days * DAY).toISOString()
}

/** All files of a collection that the server has now: every root, and the other files under plain names, as the snapshot lists them. */
export async function takeServed(from: NotaryServer, gun: string): Promise<FixtureFiles> {
  const files = new Map<string, Uint8Array>()
  const take = async (name: string): Promise<boolean> => {
    const { status, body } = await getMetadata(from, gun, name)
    if (status === 200) files.set(name, body)
    return status === 200
  }
  for (const name of ['root', 'timestamp', 'snapshot', 'targets']) {
    if (!(await take(name))) throw new Error(`the server has no ${name} of ${gun}`)
  }
  for (let version = 1; await take(`${version}.root`); version++);
  const listed = signedPart(files, 'snapshot').meta
  for (const role of Object.keys(listed).filter((name) => name.startsWith('targets/'))) await take(role)
  for (const [role, { hashes }] of Object.entries(listed)) {
    const file = files.get(role)
    if (file === undefined || createHash('sha256').update(file).digest('base64') === hashes.sha256) continue
    throw new Error(`the server has another ${role} than its snapshot lists`)
  }
  return files
}

/** Looks a name up with a fresh real client. @throws unless it answers this content */
export function confirm(from: NotaryServer, gun: string, name: string, content: string): Promise<void> {
  return confirmDigest(from, gun, name, digestOf(content))
}

/** The same, with the digest itself. */
export async function confirmDigest(from: NotaryServer, gun: string, name: string, digest: string): Promise<void> {
  await using reader = await createReader({ server: from })
  const found = await reader.lookup(gun, name)
  if (found.digest !== digest || found.size !== SIZE)
    throw new Error(`the real client reads ${found.digest} ${found.size} for ${name}`)
}

interface Signed {
  readonly version: number
  readonly expires: string
  readonly meta: Readonly<Record<string, { readonly hashes: { readonly sha256: string } }>>
  readonly roles: Readonly<Record<string, { readonly keyids: readonly string[] }>>
}

/** The decoded `signed` of a served file. */
export function signedPart(files: FixtureFiles, name: string): Signed {
  return JSON.parse(Buffer.from(files.get(name) ?? '').toString('utf8')).signed
}

/** The earliest expiry of these roles, in the form of answers. */
export function earliestExpiry(files: FixtureFiles, ...roles: string[]): string {
  const times = ['root', 'timestamp', 'snapshot', 'targets', ...roles].map((role) => Date.parse(signedPart(files, role).expires))
  return new Date(Math.min(...times)).toISOString()
}

/** The files of a collection in a client's trust folder. */
export async function takeCache(folder: string): Promise<FixtureFiles> {
  const names = await readdir(folder, { recursive: true })
  const files = names.filter((name) => name.endsWith('.json'))
  return new Map(await Promise.all(files.map(async (name) => [name.slice(0, -5), await readFile(join(folder, name))] as const)))
}
