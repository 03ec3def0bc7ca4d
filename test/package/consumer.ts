/** A program that uses both doors as people do; compiled by packed.test.ts under every resolution, never run. */
import {
  createTrustClient,
  type Transport,
  type TrustClientOptions,
  TrustError,
  type VerifyResult,
  verifyTag,
} from 'docker-content-trust'
import {
  createClock,
  createTrustCollection,
  startTrustServer,
  TAMPERINGS,
  type TrustCollection,
} from 'docker-content-trust/testing'

export async function digestOf(reference: string, options: TrustClientOptions = {}): Promise<string | undefined> {
  try {
    const result: VerifyResult = await verifyTag(reference, options)
    switch (result.status) {
      case 'trusted':
      case 'trusted-digest':
        return result.digest
      case 'by-digest':
        return undefined
      case 'disabled':
        return result.reason
    }
  } catch (error) {
    if (error instanceof TrustError && error.code === 'ERR_TAG_NOT_SIGNED') return error.hint
    throw error
  }
}

export async function all(references: readonly string[], transport: Transport): Promise<number> {
  const client = createTrustClient({ transport, timeout: 10_000, onEvent: ({ type }) => console.log(type) })
  let trusted = 0
  for await (const outcome of client.verifyTags(references)) if ('result' in outcome) trusted += 1
  await client.close()
  return trusted
}

export async function simulated(): Promise<TrustCollection> {
  const clock = createClock()
  const collection = createTrustCollection('registry.example/app', { now: clock.now(), tags: { latest: 'x' } })
  collection
    .tamper('root', TAMPERINGS['bit-flipped'])
    .tamper('targets', { before: (signed) => void Object.assign(signed, { version: signed.version + 1 }) })
  const server = await startTrustServer({
    collections: [collection.publish()],
    auth: { type: 'token' },
    faults: { '2.root': 'missing' },
  })
  await digestOf('registry.example/app', { env: server.env, now: clock.now })
  await server.close()
  return collection
}

// What does not exist must not compile; an error that is missing is an error.
// @ts-expect-error only the trusted variants have a digest
export const wrong = async (): Promise<string> => (await verifyTag('alpine')).digest
// @ts-expect-error no server over https can break TLS for one file
export const wrongFault = () => startTrustServer({ faults: { timestamp: 'tls' } })
