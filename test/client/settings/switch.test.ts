import { describe, expect, test } from 'vitest'
import { contentTrustEnabled, createTrustClient, type TrustClientOptions, verifyTag } from '../../../src/index.js'
import { refusalOf, Story } from '../story.js'

function environment(value: string | undefined): TrustClientOptions {
  const { disableContentTrust: _, ...options } = new Story().options
  return { ...options, env: value === undefined ? {} : { DOCKER_CONTENT_TRUST: value } }
}

describe('DOCKER_CONTENT_TRUST', () => {
  test.each([undefined, '', '0', 'f', 'F', 'false', 'False', 'FALSE'])(
    '%j is off: no digest, no request, nothing written',
    async (value) => {
      const story = new Story()
      const { disableContentTrust: _, ...options } = story.options
      const env = value === undefined ? {} : { DOCKER_CONTENT_TRUST: value }
      expect(await verifyTag('alpine:3.19', { ...options, env })).toStrictEqual({
        status: 'disabled',
        reference: 'alpine:3.19',
        reason: 'environment',
      })
      expect(story.requests()).toEqual([])
      expect(await story.store.list()).toEqual([])
    },
  )

  test.each(['1', 't', 'T', 'true', 'True', 'TRUE', 'yes', 'no', 'off', '2', ' ', 'fAlse'])('%j is on', async (value) => {
    expect((await verifyTag('alpine:3.19', environment(value))).status).toBe('trusted')
  })
})

describe('disableContentTrust', () => {
  test('true wins over the environment', async () => {
    const options = { ...environment('1'), disableContentTrust: true }
    expect(await verifyTag('alpine:3.19', options)).toEqual({ status: 'disabled', reference: 'alpine:3.19', reason: 'option' })
  })

  test('false wins over the environment', async () => {
    const options = { ...environment('0'), disableContentTrust: false }
    expect((await verifyTag('alpine:3.19', options)).status).toBe('trusted')
  })

  test('contentTrustEnabled is the same rule', () => {
    expect(contentTrustEnabled({ env: {} })).toBe(false)
    expect(contentTrustEnabled({ env: { DOCKER_CONTENT_TRUST: 'off' } })).toBe(true)
    expect(contentTrustEnabled({ env: { DOCKER_CONTENT_TRUST: '1' }, disableContentTrust: true })).toBe(false)
  })
})

describe('when it is off', () => {
  test('a malformed reference is an error', async () => {
    const options = { ...environment('0') }
    expect((await refusalOf(verifyTag('Alpine', options))).code).toBe('ERR_REFERENCE_INVALID')
  })

  test('server and pins are not read', async () => {
    const options = { ...environment('0'), server: 'ftp://nowhere', pinning: { certs: { x: [] } } }
    expect((await verifyTag('alpine', options)).status).toBe('disabled')
  })

  test('lookup, listTags and inspect verify and answer', async () => {
    await using client = createTrustClient(environment('0'))
    expect((await client.lookup('docker.io/library/alpine', '3.19')).target).toBe('3.19')
    expect((await client.listTags('alpine')).tags).toHaveLength(1)
    expect((await client.inspect('alpine')).roles).toHaveLength(4)
  })
})
