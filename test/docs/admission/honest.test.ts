/** Requests that the webhook of docs/guides/admission-control.md must admit, and images that it pins. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
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
import { type Answer, APP, SIGNED, UNSIGNED } from './webhook.js'
import { pod, useWebhook } from './webhook-under-test.js'

const TEMPLATES = [...RESOURCES.keys()].filter((resource) => resource !== 'pods')

const { ask, world } = useWebhook()
const expectUnchanged = ({ response }: Answer) =>
  expect(response).toEqual({ uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true })

describe('a signed tag of a Pod is pinned, and the tag stays readable', () => {
  test.each([...PLACES])('at %s', async (where, spec) => {
    const answer = await ask(request('pods', pod(spec(SIGNED, `${SIGNED}@${world().digest}`))))
    expect(answer).toMatchObject({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' })
    expect(answer.response).toMatchObject({ uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true, patchType: 'JSONPatch' })
    expect(patchOf(answer)).toEqual([{ op: 'replace', path: `/spec/${where}`, value: `${SIGNED}@${world().digest}` }])
  })

  test.each([...PLACES])('and a Pod pinned at %s passes both webhooks unchanged', async (_, spec) => {
    const object = pod(spec(SIGNED, SIGNED))
    const result = patched(object, await ask(request('pods', object)))
    expect(result).toEqual(pod(spec(`${SIGNED}@${world().digest}`, `${SIGNED}@${world().digest}`)))
    for (const path of ['/admit', '/validate'] as const) expectUnchanged(await ask(request('pods', result), path))
  })

  test('with the name as the Pod spells it, and the default tag if the Pod has none', async () => {
    const value = async (image: string) => patchOf(await ask(request('pods', pod(running(image)))))[0]?.value
    expect(await value('alpine:3.19')).toBe(`alpine:3.19@${world().alpine}`)
    expect(await value('docker.io/library/alpine:3.19')).toBe(`docker.io/library/alpine:3.19@${world().alpine}`)
    expect(await value(APP)).toBe(`${APP}:latest@${world().latest}`)
  })

  test('in a new ephemeral container, while an old container is unchanged', async () => {
    const after = { ...running(SIGNED), ephemeralContainers: [{ name: 'debug', image: 'alpine:3.19' }] }
    const answer = await ask(update('pods', pod(running(SIGNED)), pod(after), { subResource: 'ephemeralcontainers' }))
    expect(patchOf(answer).map(({ path }) => path)).toEqual(['/spec/ephemeralContainers/0/image'])
  })

  test('in a dry run as in a real request', async () => {
    const [dry, real] = await Promise.all([true, false].map((dryRun) => ask(request('pods', pod(running(SIGNED)), { dryRun }))))
    expect(dry).toEqual(real)
  })
})

test.each(TEMPLATES)('signed images in %s pass both webhooks unchanged', async (resource) => {
  for (const [, spec] of PLACES)
    for (const path of ['/admit', '/validate'] as const)
      expectUnchanged(await ask(request(resource, objectOf(resource, spec(SIGNED, SIGNED))), path))
})

test('a digest of a signed tag passes without a tag', async () => {
  for (const path of ['/admit', '/validate'] as const)
    expectUnchanged(await ask(request('pods', pod(running(`${APP}@${world().digest}`))), path))
})

describe('an update that changes no image passes without asking the trust server', () => {
  const quiet = async (body: unknown) => {
    for (const path of ['/admit', '/validate'] as const) expectUnchanged(await ask(body, path))
    expect(world().transport.requests).toEqual([])
  }

  test.each([...RESOURCES.keys()])('of %s', async (resource) => {
    for (const [, spec] of PLACES) {
      const before = objectOf(resource, spec(UNSIGNED, SIGNED))
      await quiet(update(resource, before, { ...Object(before), metadata: { labels: { tier: 'front' } } }))
    }
  })

  test('of a running Pod whose tag was signed again', async () => {
    const image = `${SIGNED}@${world().digest}`
    expect(world().resign()).not.toBe(world().digest)
    await quiet(update('pods', pod(running(image)), { metadata: { labels: { tier: 'front' } }, spec: running(image) }))
  })

  test('that removes the last finalizer of a Pod that is being deleted', async () => {
    const object = (finalizers: Json) => ({
      metadata: { deletionTimestamp: '2026-03-01T12:00:00Z', finalizers },
      spec: running(UNSIGNED),
    })
    await quiet(update('pods', object(['example.com/wait']), object([])))
  })

  test('of an object with an image at an unknown place', async () => {
    const spec = { ...running(SIGNED), volumes: [{ csi: { volumeAttributes: { image: 'x' } } }] }
    await quiet(update('deployments', objectOf('deployments', spec), objectOf('deployments', spec)))
  })

  test.each(['DELETE', 'CONNECT'])('and %s adds no image', async (operation) => {
    await quiet(request('pods', null, { operation, oldObject: pod(running(UNSIGNED)) }))
  })
})

test('names of labels and resources, and the status of a Pod, are not images', async () => {
  const labels = { image: 'x', 'kubernetes.azure.com/node-image-version': 'x' }
  const resources = { limits: { 'example.com/image-decoder': '1' }, requests: { 'example.com/image-decoder': '1' } }
  const spec = {
    containers: [{ image: `${SIGNED}@${world().digest}`, imagePullPolicy: 'Always', resources }],
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

test('every admitted object has only signed images, and its Pods run the signed digests', async () => {
  const pinned = `${SIGNED}@${world().digest}`
  const good = [SIGNED, pinned, 'alpine:3.19', APP, `${APP}@${world().latest}`]
  const bad = [UNSIGNED, 'busybox', `${SIGNED}@${world().latest}`, '', null, 7]
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
