/** `dct pull` with a real Docker Engine, a real registry, and images that the real docker signed. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type EngineLab, REGISTRY, startEngineLab, type User } from './lab/engine-lab.js'

let lab: EngineLab
let publisher: User
beforeAll(async () => {
  lab = await startEngineLab()
  console.log(lab.versions)
  publisher = await lab.createUser('publisher')
})
afterAll(async () => lab[Symbol.asyncDispose]())

test('x', async () => {
  const d = await lab.sign(publisher, `${REGISTRY}/team/app:1.0`)
  console.log(d)
  await lab.removeImages()
  const user = await lab.createUser('u1')
  console.log(await user.dct(['pull', `${REGISTRY}/team/app:1.0`], { env: user.trust }))
  console.log(await user.docker(['run', '--rm', '--network', 'none', `${REGISTRY}/team/app:1.0`]))
  await lab.removeImages()
  console.log(await user.docker(['pull', `${REGISTRY}/team/app:1.0`], { env: user.trust }))
  console.log(await user.dct(['tree', `${REGISTRY}/team/app`], { env: user.trust }))
})
