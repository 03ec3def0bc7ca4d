/** The resolver lets through only what a status allows that it knows. */
import { expect, test } from 'vitest'
import { createRegistryClient } from '../../src/registry/registry-client.js'
import { accessOf } from '../../src/service/access.js'
import { ManifestCache } from '../../src/service/manifest-cache.js'
import { Resolver } from '../../src/service/resolver.js'
import { DIGEST, IMAGE } from './laboratory.js'

const manifest = { digest: DIGEST, mediaType: 'application/json', bytes: IMAGE }

test.each([
  { status: 'disabled', reference: 'r.example/app:1.0', reason: 'option' },
  { status: 'trusted-as-of', reference: 'r.example/app:1.0', judgedAsOf: '2026-01-01T00:00:00.000Z' },
])('a result that no setting of the service leads to lets nothing through: %o', async (result) => {
  const client = createRegistryClient({ dockerConfig: undefined, env: {} })
  const registry = Object.assign(client, { resolveTag: async () => DIGEST, fetchManifest: async () => manifest })
  const resolver = new Resolver({
    verifier: { judge: async (reference) => Object({ reference, result }) },
    registries: new Set(['r.example']),
    anonymous: registry,
    withCredentials: registry,
    cache: new ManifestCache(),
    content: undefined,
  })
  const access = accessOf(undefined, false)
  if (access === undefined) throw new Error('no access')
  const request = { kind: 'manifest', registry: 'r.example', path: 'app', reference: '1.0', isDigest: false } as const
  await expect(resolver.resolve(request, access)).rejects.toThrow(result.status)
})
