/** What the webhook of docs/guides/admission-control.md must let pass, and what it pins. */
import { rm } from 'node:fs/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPlace } from '../world.js'
import {
  type Json,
  type JsonObject,
  objectOf,
  PLACES,
  patched,
  patchOf,
  RESOURCES,
  request,
  running,
  update,
} from './requests.js'
import { type Answer, APP, createTrustWorld, loadWebhook, type Path, SIGNED, type TrustWorld, UNSIGNED } from './webhook.js'

const TEMPLATES = [...RESOURCES.keys()].filter((resource) => resource !== 'pods')

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

const ask = (body: unknown, path: Path = '/admit') => review(world.client, body, path)
const pod = (spec: Json) => objectOf('pods', spec)
const expectUnchanged = ({ response }: Answer) =>
  expect(response).toEqual({ uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true })

describe('a signed tag of a Pod is pinned, and the tag stays readable', () => {
  test.each([...PLACES])('at %s', async (where, spec) => {
    const answer = await ask(request('pods', pod(spec(SIGNED, `${SIGNED}@${world.digest}`))))
    expect(answer).toMatchObject({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' })
    expect(answer.response).toMatchObject({ uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true, patchType: 'JSONPatch' })
    expect(patchOf(answer)).toEqual([{ op: 'replace', path: `/spec/${where}`, value: `${SIGNED}@${world.digest}` }])
  })

  test.each([...PLACES])('and what is pinned at %s passes both webhooks as it is', async (_, spec) => {
    const object = pod(spec(SIGNED, SIGNED))
    const result = patched(object, await ask(request('pods', object)))
    expect(result).toEqual(pod(spec(`${SIGNED}@${world.digest}`, `${SIGNED}@${world.digest}`)))
    for (const path of ['/admit', '/validate'] as const) expectUnchanged(await ask(request('pods', result), path))
  })

  test('in the spelling of the Pod, with the tag that it leaves out', async () => {
    const value = async (image: string) => patchOf(await ask(request('pods', pod(running(image)))))[0]?.value
    expect(await value('alpine:3.19')).toBe(`alpine:3.19@${world.alpine}`)
    expect(await value('docker.io/library/alpine:3.19')).toBe(`docker.io/library/alpine:3.19@${world.alpine}`)
    expect(await value(APP)).toBe(`${APP}:latest@${world.latest}`)
  })

  test('in a new ephemeral container, beside a container that stays as it is', async () => {
    const after = { ...running(SIGNED), ephemeralContainers: [{ name: 'debug', image: 'alpine:3.19' }] }
    const answer = await ask(update('pods', pod(running(SIGNED)), pod(after), { subResource: 'ephemeralcontainers' }))
    expect(patchOf(answer).map(({ path }) => path)).toEqual(['/spec/ephemeralContainers/0/image'])
  })

  test('in a dry run as in earnest', async () => {
    const [dry, earnest] = await Promise.all(
      [true, false].map((dryRun) => ask(request('pods', pod(running(SIGNED)), { dryRun }))),
    )
    expect(dry).toEqual(earnest)
  })
})

test.each(TEMPLATES)('signed images in %s pass and stay as they are, in both webhooks', async (resource) => {
  for (const [, spec] of PLACES)
    for (const path of ['/admit', '/validate'] as const)
      expectUnchanged(await ask(request(resource, objectOf(resource, spec(SIGNED, SIGNED))), path))
})

test('a digest that a signed tag has passes without a tag', async () => {
  for (const path of ['/admit', '/validate'] as const)
    expectUnchanged(await ask(request('pods', pod(running(`${APP}@${world.digest}`))), path))
})

describe('an update that changes no image passes, and the trust server is not asked', () => {
  const quiet = async (body: unknown) => {
    for (const path of ['/admit', '/validate'] as const) expectUnchanged(await ask(body, path))
    expect(world.transport.requests).toEqual([])
  }

  test.each([...RESOURCES.keys()])('of %s', async (resource) => {
    for (const [, spec] of PLACES) {
      const before = objectOf(resource, spec(UNSIGNED, SIGNED))
      await quiet(update(resource, before, { ...Object(before), metadata: { labels: { tier: 'front' } } }))
    }
  })

  test('of a running Pod whose tag was signed again', async () => {
    const image = `${SIGNED}@${world.digest}`
    expect(world.resign()).not.toBe(world.digest)
    await quiet(update('pods', pod(running(image)), { metadata: { labels: { tier: 'front' } }, spec: running(image) }))
  })

  test('that takes the last finalizer from a Pod that is being deleted', async () => {
    const object = (finalizers: Json) => ({
      metadata: { deletionTimestamp: '2026-03-01T12:00:00Z', finalizers },
      spec: running(UNSIGNED),
    })
    await quiet(update('pods', object(['example.com/wait']), object([])))
  })

  test('of an object that has an image at a place that is not known', async () => {
    const spec = { ...running(SIGNED), volumes: [{ csi: { volumeAttributes: { image: 'x' } } }] }
    await quiet(update('deployments', objectOf('deployments', spec), objectOf('deployments', spec)))
  })

  test.each(['DELETE', 'CONNECT'])('nor does %s bring in an image', async (operation) => {
    await quiet(request('pods', null, { operation, oldObject: pod(running(UNSIGNED)) }))
  })
})

test('names of labels and resources, and what a Pod reports, are no images', async () => {
  const labels = { image: 'x', 'kubernetes.azure.com/node-image-version': 'x' }
  const resources = { limits: { 'example.com/image-decoder': '1' }, requests: { 'example.com/image-decoder': '1' } }
  const spec = {
    containers: [{ image: `${SIGNED}@${world.digest}`, imagePullPolicy: 'Always', resources }],
    imagePullSecrets: [{ name: 'registry' }],
    nodeSelector: labels,
    overhead: { 'example.com/image': '1' },
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: labels } }] } },
    volumes: [{ rbd: { image: 'a-block-device', monitors: ['10.0.0.1'] } }, { configMap: { name: 'images' } }],
  }
  const status = { containerStatuses: [{ image: 'x', imageID: 'y' }] }
  expectUnchanged(await ask(request('pods', { metadata: { labels, annotations: { image: 'x' } }, spec, status })))
  const controller = { spec: { selector: labels, template: { metadata: { labels }, spec } } }
  expectUnchanged(await ask(request('replicationcontrollers', controller)))
})

test('whatever is admitted has signed images only, and its Pods run what was signed', async () => {
  const pinned = `${SIGNED}@${world.digest}`
  const good = [SIGNED, pinned, 'alpine:3.19', APP, `${APP}@${world.latest}`]
  const bad = [UNSIGNED, 'busybox', `${SIGNED}@${world.latest}`, '', null, 7]
  const image = fc.oneof(
    fc.constantFrom<Json>(...good).map((value) => ({ value, isGood: true })),
    fc.constantFrom<Json>(...bad).map((value) => ({ value, isGood: false })),
  )
  const use = fc.tuple(fc.constantFrom('containers', 'initContainers', 'ephemeralContainers', 'volumes', 'others'), image)
  const uses = fc.array(use, { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...RESOURCES.keys()), uses, async (resource, chosen) => {
      const spec: Record<string, JsonObject[]> = {}
      for (const [list, { value }] of chosen)
        spec[list] = [...(spec[list] ?? []), list === 'volumes' ? { image: { reference: value } } : { image: value }]
      const isGood = chosen.every(([list, one]) => one.isGood && list !== 'others')
      const object = objectOf(resource, spec)
      const answer = await ask(request(resource, object))
      expect(answer.response.allowed).toBe(isGood)
      if (!isGood) return
      const result = patched(object, answer)
      if (resource !== 'pods') expect(result).toEqual(object)
      else for (const one of JSON.stringify(result).match(/"(image|reference)":"[^"]+/g) ?? []) expect(one).toMatch(/@sha256:/)
      expectUnchanged(await ask(request(resource, result)))
      expectUnchanged(await ask(request(resource, result), '/validate'))
    }),
    { numRuns: 100 },
  )
})
