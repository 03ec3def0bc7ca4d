/** A fault of the program in the transport, such as a bundler that breaks `require`: not reported as a server that is away, and the cache is not used. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { createTrustCollection, startTrustServer } from '../../src/testing/index.js'
import { runProgram } from './program.js'

const broken = vi.hoisted(() => ({ is: false }))

vi.mock('../../src/http/undici.js', async (original) => {
  const real = await original<typeof import('../../src/http/undici.js')>()
  const loadUndici: typeof real.loadUndici = (...given) =>
    broken.is ? Promise.reject(new TypeError('require is not a function')) : real.loadUndici(...given)
  return { ...real, loadUndici }
})

const REFERENCE = 'registry.example/team/app:1.0'

test('exits 70 with facts for a report, though the cache could answer, and repeats nothing of the command line but the command', async () => {
  const collection = createTrustCollection('registry.example/team/app', { now: new Date() })
  collection.sign('1.0', 'the image')
  await using server = await startTrustServer({ collections: [collection.publish()] })
  const folder = await mkdtemp(join(tmpdir(), 'dct-fault-'))
  await writeFile(join(folder, 'ca.crt'), server.ca)
  const verify = () =>
    runProgram(['verify', '--config', folder, '--server', server.url, '--tlscacert', join(folder, 'ca.crt'), REFERENCE])
  expect((await verify()).status).toBe(0)
  broken.is = true
  const { status, out, err } = await verify()
  await rm(folder, { recursive: true })
  expect({ status, out }).toEqual({ status: 70, out: '' })
  expect(err).toContain('dct: internal error: TypeError: require is not a function\n')
  expect(err).toMatch(
    /^dct: hint: .*dct \d+\.\d+\.\d+, Node\.js v\d+.*, command: dct verify\. Where: npm bugs docker-content-trust$/m,
  )
  expect(err).not.toMatch(/UNREACHABLE|registry\.example|--server/)
})
