/** The set-up that the suites of the webhook share: the compiled webhook, and a new trust server for each test. */
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { createPlace } from '../world.js'
import { type Json, objectOf } from './requests.js'
import { type Answer, createTrustWorld, loadWebhook, type Path, type TrustWorld } from './webhook.js'

interface WebhookUnderTest {
  /** The folder of the compiled webhook. */
  readonly place: () => string
  /** The trust server and client of the running test. */
  readonly world: () => TrustWorld
  /** Sends a review to the webhook. */
  readonly ask: (body: unknown, path?: Path) => Promise<Answer>
}

/** Registers the hooks of a suite: call it once, at the top of the file. */
export function useWebhook(): WebhookUnderTest {
  let place: string
  let review: Awaited<ReturnType<typeof loadWebhook>>
  let world: TrustWorld
  beforeAll(async () => {
    place = await createPlace()
    review = await loadWebhook(place)
  })
  afterAll(() => rm(place, { recursive: true }))
  beforeEach(() => {
    world = createTrustWorld()
  })
  return {
    place: () => place,
    world: () => world,
    ask: (body, path = '/admit') => review(world.client, body, path),
  }
}

/** A Pod with this spec. */
export function pod(spec: Json): Json {
  return objectOf('pods', spec)
}
