/** A cache that belongs to another user, as after a run with sudo. The built command is run as somebody else. */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const GUN = 'registry.example/team/app'
const STRANGER = 54_321

let server: TestTrustServer
/** The program and the CA, where every user can read them. */
let place: string

beforeAll(async () => {
  const collection = createTrustCollection(GUN, { now: new Date() })
  collection.sign('1.0', 'the image')
  server = await startTrustServer({ collections: [collection.publish()] })
  place = await mkdtemp(join(tmpdir(), 'dct-owner-'))
  for (const part of ['dist', 'package.json']) await cp(join(ROOT, part), join(place, part), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(place, 'node_modules'))
  await writeFile(join(place, 'ca.crt'), server.ca)
  await chmod(place, 0o755)
})
afterAll(async () => {
  await server.close()
  await rm(place, { recursive: true })
})

function dct(uid: number | undefined, ...argv: string[]): Promise<{ status: number; err: string }> {
  const options = { cwd: place, env: {}, ...(uid === undefined ? {} : { uid, gid: uid }) }
  const line = [join(place, 'dist/cli/bin.cjs'), ...argv]
  return new Promise((done) => {
    execFile(process.execPath, line, options, (error, _out, err) => done({ status: Number(error?.code ?? 0), err }))
  })
}

const verify = (uid: number | undefined, trust: string) =>
  dct(uid, 'verify', '--server', server.url, '--tlscacert', join(place, 'ca.crt'), '--trust-dir', trust, `${GUN}:1.0`)

/** A cache that root filled, with these modes. */
async function cacheOfRoot(name: string, folders: number, files: number): Promise<string> {
  const trust = join(place, name)
  await mkdir(trust)
  expect((await verify(undefined, trust)).status).toBe(0)
  for (const entry of await readdir(trust, { recursive: true, withFileTypes: true }))
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? folders : files)
  await chmod(trust, folders)
  return trust
}

test.each([
  ['its folder', 0o700, 0o600, '0700'],
  ['its files', 0o755, 0o600, '0600'],
])(
  'without permission to read %s: the hint names owner, mode and another folder, never cache forget',
  async (what, folders, files, mode) => {
    const trust = await cacheOfRoot(`unreadable ${what}`, folders, files)
    const { status, err } = await verify(STRANGER, trust)
    expect(status).toBe(5)
    expect(err).toMatch(
      new RegExp(`^dct: error: .*EACCES.* is of user 0, mode ${mode}; this is user ${STRANGER} \\(ERR_CACHE\\)$`, 'm'),
    )
    expect(err).toMatch(/^dct: hint: .*sudo.*chown.*--trust-dir DIR$/m)
    expect(err).not.toContain('forget')
    const checked = await dct(STRANGER, 'cache', 'verify', '--trust-dir', trust, GUN)
    expect(checked.err).toContain('is of user 0')
    expect(checked.err).not.toContain('forget')
  },
)

test('with permission to read only: the warning names owner and mode', async () => {
  const trust = await cacheOfRoot('unwritable', 0o755, 0o644)
  await rm(join(trust, 'dct'), { recursive: true })
  const { status, err } = await verify(STRANGER, trust)
  expect(status).toBe(0)
  expect(err).toMatch(/^dct: warning: .*cannot be written.*is of user 0, mode 0755; this is user 54321.*--trust-dir DIR$/m)
  const forgotten = await dct(STRANGER, 'cache', 'forget', '--trust-dir', trust, GUN)
  expect(forgotten.status).toBe(5)
  expect(forgotten.err).toMatch(/EACCES.*is of user 0/)
})
