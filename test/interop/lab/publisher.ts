/** The real `notary` program as publisher, with its own keys and its own trust folder. */
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import canonicalize from 'canonicalize'
import { type ClientOptions, createReader, type NotaryCli, type Output } from './notary-cli.js'

interface TargetEntry {
  readonly target: string
  readonly digestHex: string
  readonly size: number
  readonly sha512?: string
  /** Any JSON value; it is written in canonical form, as Notary requires. */
  readonly custom?: unknown
}

interface AddOptions extends Pick<TargetEntry, 'sha512' | 'custom'> {
  /** Delegations to use instead of the targets role. */
  readonly roles?: readonly string[]
}

/** `addHash`, `addMany`, `addDelegation` and `removeDelegation` only stage a change: `publish` sends what is staged. */
export interface Publisher extends NotaryCli {
  /** Publishes an empty collection. The snapshot key is at the server by default (signers need it there). */
  init(gun: string, options?: { serverSnapshot?: boolean }): Promise<void>
  addHash(gun: string, target: string, digestHex: string, size: number, options?: AddOptions): Promise<Output>
  /** Writes Notary's changelist files directly, which is fast for thousands; `publish` applies them in this order. */
  addMany(gun: string, entries: readonly TargetEntry[], role?: string): Promise<void>
  /** A refused change stays staged, and the next `publish` tries it again: see `reset`. */
  publish(gun: string): Promise<Output>
  /** Removes all staged changes. */
  reset(gun: string): Promise<Output>
  /** For all paths unless `paths` are given; resolves to the IDs of the added keys. */
  addDelegation(
    gun: string,
    role: string,
    certFiles: readonly string[],
    options?: { paths?: readonly string[] },
  ): Promise<string[]>
  /** Removes these keys, or the whole delegation. */
  removeDelegation(gun: string, role: string, keyIds?: readonly string[]): Promise<Output>
  importKey(file: string, role: string): Promise<Output>
  /** Publishes a new root key at once; also signs with `legacy` older root keys. */
  rotateRoot(gun: string, options?: { legacy?: number }): Promise<Output>
  /** Publishes at once. The timestamp key must be serverManaged, the targets key must not. */
  rotateKey(gun: string, role: string, options?: { serverManaged?: boolean }): Promise<Output>
  /** Removes the collection here and at the server; the keys remain. */
  deleteRemote(gun: string): Promise<Output>
}

export async function createPublisher(options: ClientOptions): Promise<Publisher> {
  const client = await createReader(options)
  const { run, runWithInput, trustDir } = client
  const changelist = (gun: string): string => join(trustDir, 'tuf', gun, 'changelist')
  return {
    ...client,
    async init(gun, { serverSnapshot = true } = {}) {
      await run('init', gun, '-p')
      if (serverSnapshot) await run('key', 'rotate', gun, 'snapshot', '-r')
    },
    async addHash(gun, target, digestHex, size, { roles = [], sha512, custom } = {}) {
      const args = ['addhash', gun, target, String(size), '--sha256', digestHex, ...roles.flatMap((role) => ['-r', role])]
      if (sha512 !== undefined) args.push('--sha512', sha512)
      if (custom !== undefined) args.push('--custom', await writeCustom(trustDir, custom))
      return run(...args)
    },
    async addMany(gun, entries, role = 'targets') {
      const folder = changelist(gun)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const first = takeNumbers(entries.length)
      await Promise.all(
        entries.map((entry, index) => {
          const name = `${String(first + BigInt(index)).padStart(20, '0')}_${randomUUID()}.change`
          return writeFile(join(folder, name), changeOf(entry, role), { mode: 0o600 })
        }),
      )
    },
    publish: (gun) => run('publish', gun),
    reset: (gun) => run('reset', gun, '--all'),
    async addDelegation(gun, role, certFiles, { paths } = {}) {
      const area = paths === undefined ? ['--all-paths'] : paths.flatMap((path) => ['--paths', path])
      const { stdout } = await run('delegation', 'add', gun, role, ...certFiles, ...area)
      return /with keys \[([0-9a-f ]*)\]/.exec(stdout)?.[1]?.split(' ').filter(Boolean) ?? []
    },
    removeDelegation: (gun, role, keyIds = []) => run('delegation', 'remove', gun, role, ...keyIds, '-y'),
    importKey: (file, role) => run('key', 'import', file, '--role', role),
    async rotateRoot(gun, { legacy } = {}) {
      const old = legacy === undefined ? [] : ['--legacy', String(legacy)]
      const output = await runWithInput('yes\n', 'key', 'rotate', gun, 'root', ...old)
      // Without the answer yes it stops with exit status 0.
      if (!output.stdout.includes('Successfully rotated root key')) throw new Error(`root not rotated: ${output.stdout}`)
      return output
    },
    rotateKey: (gun, role, { serverManaged = false } = {}) => run('key', 'rotate', gun, role, ...(serverManaged ? ['-r'] : [])),
    deleteRemote: (gun) => run('delete', gun, '--remote'),
  }
}

let nextNumber = 0n

/** Notary names changes by nanoseconds and applies them in the order of names. Returns numbers from now on that no earlier call got. */
function takeNumbers(count: number): bigint {
  const now = BigInt(Date.now()) * 1_000_000n
  const first = now > nextNumber ? now : nextNumber
  nextNumber = first + BigInt(count)
  return first
}

/** Writes canonical JSON. Notary would publish another form unchanged, and no reader could check the signature. */
function canonicalJson(custom: unknown): string {
  const text = canonicalize(custom)
  if (text === undefined) throw new Error('the custom data is not a JSON value')
  return text
}

async function writeCustom(trustDir: string, custom: unknown): Promise<string> {
  const file = join(trustDir, `custom-${randomUUID()}.json`)
  await writeFile(file, canonicalJson(custom))
  return file
}

/** The text of one changelist file, as `notary addhash` writes it. */
function changeOf({ target, digestHex, size, sha512, custom }: TargetEntry, role: string): string {
  const base64 = (digits: string): string => Buffer.from(digits, 'hex').toString('base64')
  const hashes = { sha256: base64(digestHex), ...(sha512 !== undefined && { sha512: base64(sha512) }) }
  // Joined as text, because an object would reorder integer-like names of the custom data.
  const tail = custom === undefined ? '' : `,"custom":${canonicalJson(custom)}`
  const data = `{"length":${size},"hashes":${JSON.stringify(hashes)}${tail}}`
  const change = { action: 'create', role, type: 'target', path: target, data: Buffer.from(data).toString('base64') }
  return JSON.stringify(change)
}
