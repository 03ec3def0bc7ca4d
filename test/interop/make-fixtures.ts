/** Run by `npm run fixtures` only: writes fixtures/demo anew with the real programs. */
import { fileURLToPath } from 'node:url'
import { test } from 'vitest'
import { makeDemoFixture } from './lab/demo-fixture.js'
import { requirePrograms } from './lab/requirements.js'

test('writes fixtures/demo', async () => {
  requirePrograms()
  await makeDemoFixture(fileURLToPath(new URL('../../fixtures/demo', import.meta.url)))
})
