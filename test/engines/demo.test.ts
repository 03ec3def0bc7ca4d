/** `dct demo` where a Docker Engine answers. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EngineLab, startEngineLab, type User } from './lab/engine-lab.js'

let lab: EngineLab
let user: User
beforeAll(async () => {
  lab = await startEngineLab()
  user = await lab.createUser('user')
})
afterAll(async () => lab?.[Symbol.asyncDispose]())

test('the demo pulls a verified image by its digest, runs it, and removes it again', async () => {
  const { status, stdout, stderr } = await user.dct(['demo'])
  expect(status, stderr).toBe(0)
  expect(stdout).toMatch(/^registry\.example\/demo\/app@sha256:\w{64}\n$/)
  expect(stderr).toMatch(
    /dct demo: 5\. Docker Engine \S+ pulled localhost:\d+\/demo\/app@sha256:\w{64} and ran it: hello from an image that was verified/,
  )
  expect((await user.docker(['images', '--quiet'])).stdout).toBe('')
})

test('the demo goes on where the engine is away', async () => {
  const { status, stderr } = await user.dct(['demo'], { env: { DOCKER_HOST: 'unix:///nowhere.sock' } })
  expect(status, stderr).toBe(0)
  expect(stderr).toContain('5. docker is here, but its engine does not answer')
})

test('the demo does not wait for an engine that accepts and never answers', async () => {
  const server = join(user.home, 'silent.mjs')
  await writeFile(server, "import { createServer } from 'node:net'\ncreateServer(() => undefined).listen(process.argv[2])\n")
  const socket = join(user.home, 'silent.sock')
  const silent = await lab.namespace.start(process.execPath, [server, socket], join(user.home, 'silent.log'))
  try {
    const started = performance.now()
    const { status, stderr } = await user.dct(['demo'], { env: { DOCKER_HOST: `unix://${socket}` } })
    expect(status, stderr).toBe(0)
    expect(stderr).toContain('its engine does not answer')
    expect(performance.now() - started).toBeLessThan(30_000)
  } finally {
    await silent.stop()
  }
})
