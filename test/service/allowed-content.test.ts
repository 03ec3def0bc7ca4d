/** What was let through counts for a time that starts with the decision on the signature. */
import { beforeEach, expect, test } from 'vitest'
import { AllowedContent } from '../../src/service/allowed-content.js'
import { sha256 } from './laboratory.js'

const HOUR = 60 * 60 * 1000
const NAME = 'r.example/team/app'

let time = 0
beforeEach(() => {
  time = 0
})

const manifestOf = (member: object) => {
  const bytes = Buffer.from(JSON.stringify(member))
  return { digest: sha256(bytes), mediaType: 'application/json', bytes, size: bytes.length }
}
const layer = { digest: `sha256:${'a'.repeat(64)}`, size: 1 }
const child = manifestOf({ layers: [layer] })
const index = manifestOf({ manifests: [{ digest: child.digest, size: child.size }] })

test('the parts of a part count no longer than it does', () => {
  const content = new AllowedContent(() => time)
  content.allow(NAME, index, content.decide())
  time = 5 * HOUR
  const found = content.find(NAME, child.digest)
  expect(found).toMatchObject({ kind: 'manifest', size: child.size })
  if (found !== undefined) content.allow(NAME, child, found.decision)
  expect(content.find(NAME, layer.digest)).toMatchObject({ kind: 'blob', size: 1 })
  time = 7 * HOUR
  expect([child, layer].map(({ digest }) => content.find(NAME, digest))).toEqual([undefined, undefined])
})

test('an older decision does not shorten the time of a newer one', () => {
  const content = new AllowedContent(() => time)
  const older = content.decide()
  time = 5 * HOUR
  content.allow(NAME, child, content.decide())
  content.allow(NAME, child, older)
  time = 7 * HOUR
  expect(content.find(NAME, layer.digest)).toBeDefined()
})

test('a decision from before all was forgotten lets nothing through', () => {
  const content = new AllowedContent(() => time)
  const before = content.decide()
  content.clear()
  content.allow(NAME, child, before)
  expect(content.find(NAME, layer.digest)).toBeUndefined()
  content.allow(NAME, child, content.decide())
  expect(content.find(NAME, layer.digest)).toBeDefined()
})
