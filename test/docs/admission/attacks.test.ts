/** Attacks on the webhook of docs/guides/admission-control.md. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Json, objectOf, PLACES, RESOURCES, request, running, update } from './requests.js'
import { type Answer, APP, loadWebhook, SIGNED, UNSIGNED } from './webhook.js'
import { pod, useWebhook } from './webhook-under-test.js'

const EVERYWHERE = [...RESOURCES.keys()].flatMap((resource) =>
  [...PLACES].map(([where, spec]) => [resource, where, spec] as const),
)

const { ask, place, world } = useWebhook()
const create = (spec: Json) => ask(request('pods', pod(spec)))

/** Expects a denial without a patch, with these words in the message. */
function expectDenied({ response }: Answer, ...words: string[]): void {
  expect(response).toMatchObject({ allowed: false, status: { code: 403 } })
  for (const word of words) expect(response.status?.message).toContain(word)
  expect(response).not.toHaveProperty('patch')
}

describe('an unsigned image is denied', () => {
  test.each(EVERYWHERE)('in %s at %s', async (resource, where, spec) => {
    const answer = await ask(request(resource, objectOf(resource, spec(UNSIGNED, SIGNED))))
    expectDenied(answer, `/spec/${where} "${UNSIGNED}"`, 'ERR_TAG_NOT_SIGNED')
    expect(answer.response.status?.message).not.toContain(SIGNED)
  })

  test.each(EVERYWHERE)('when an update brings it into %s at %s', async (resource, where, spec) => {
    const [before, after] = [SIGNED, UNSIGNED].map((image) => objectOf(resource, spec(image, SIGNED)))
    expectDenied(await ask(update(resource, before ?? null, after ?? null)), `/spec/${where} "${UNSIGNED}"`)
  })

  test('when it is added to a running Pod as an ephemeral container', async () => {
    const spec = { ...running(SIGNED), ephemeralContainers: [{ name: 'debug', image: UNSIGNED }] }
    const body = update('pods', pod(running(SIGNED)), pod(spec), { subResource: 'ephemeralcontainers' })
    expectDenied(await ask(body), '/spec/ephemeralContainers/0/image')
  })

  test('when a request to create comes with an old object that has it', async () => {
    expectDenied(await ask(request('pods', pod(running(UNSIGNED)), { oldObject: pod(running(UNSIGNED)) })), UNSIGNED)
  })

  test('when the Pod says that it is being deleted', async () => {
    const object = { metadata: { deletionTimestamp: '2026-03-01T12:00:00Z' }, spec: running(UNSIGNED) }
    expectDenied(await ask(request('pods', object)), UNSIGNED)
  })

  test('when the Pod says that its image is signed', async () => {
    const annotations = { 'kubernetes.io/config.mirror': 'x', signed: 'true' }
    expectDenied(await ask(request('pods', { metadata: { annotations }, spec: running(UNSIGNED) })), UNSIGNED)
  })

  test('when it moves from another container of the same object', async () => {
    const containers = [{ image: SIGNED }, { image: UNSIGNED }]
    const answer = await ask(update('deployments', inDeployment(containers), inDeployment(containers.toReversed())))
    expectDenied(answer, `containers/0/image "${UNSIGNED}"`)
  })

  test('also in a dry run', async () => {
    expectDenied(await ask(request('pods', pod(running(UNSIGNED)), { dryRun: true })), UNSIGNED)
  })

  test('with all reasons, in the order of the object', async () => {
    const { response } = await create({ containers: [{ image: 'Not An Image' }, { image: SIGNED }, { image: UNSIGNED }] })
    expect(response.status?.message).toMatch(/^\/spec\/containers\/0\/.*ERR_REFERENCE_INVALID\); \/spec\/containers\/2\/.*2\.0/)
  })

  test.each([
    ['by a digest that no tag has', `${APP}@sha256:${'0'.repeat(64)}`, 'ERR_DIGEST_NOT_SIGNED'],
    ['by a signed tag with another digest', `${SIGNED}@sha256:${'0'.repeat(64)}`, 'ERR_DIGEST_MISMATCH'],
    ['by a collection that does not exist', 'registry.example/other:1', 'ERR_NO_TRUST_DATA'],
    ['by an empty name', '', 'ERR_REFERENCE_INVALID'],
    ['by a name with white space', `${SIGNED}\n`, 'ERR_REFERENCE_INVALID'],
  ])('when it is named %s', async (_, image, code) => expectDenied(await create(running(image)), code))
})

const inDeployment = (containers: Json) => objectOf('deployments', { containers })

describe('a request that the webhook does not understand is denied without asking the trust server', () => {
  const well = running(SIGNED)
  test.each<[string, Json]>([
    ['an image in a new kind of container', { ...well, sidecars: [{ name: 'x', image: SIGNED }] }],
    ['an image in a new kind of volume', { ...well, volumes: [{ name: 'x', disk: { imageRef: SIGNED } }] }],
    ['an image for a volume driver', { ...well, volumes: [{ csi: { volumeAttributes: { image: SIGNED } } }] }],
    ['an image volume in another form', { ...well, volumes: [{ image: SIGNED }] }],
    ['a list of images', { ...well, images: [SIGNED] }],
    ['an image in another letter case', { ...well, Containers: [{ Image: SIGNED }] }],
    ['an image below __proto__', JSON.parse(`{"containers":[{"image":"${SIGNED}"}],"__proto__":{"image":"${SIGNED}"}}`)],
    ['an image below a name that looks like a place', { ...well, 'containers/0': { image: SIGNED } }],
    ['a container without an image', { containers: [{ image: SIGNED }, { name: 'b' }] }],
    ['an init container without an image', { ...well, initContainers: [{ name: 'b' }] }],
    ['an ephemeral container without an image', { ...well, ephemeralContainers: [{ name: 'b' }] }],
    ['a container that is not an object', { containers: [{ image: SIGNED }, 'b'] }],
    ['an image that is not a string', { containers: [{ image: [SIGNED] }] }],
    ['an image that is null', { containers: [{ image: null }] }],
    ['a Pod without containers', { containers: [] }],
    ['a Pod without a spec', null],
  ])('%s', async (_, spec) => {
    expectDenied(await create(spec))
    expect(world().transport.requests).toEqual([])
  })

  test.each([
    ['argoproj.io', 'v1alpha1', 'Rollout'],
    ['example.com', 'v1', 'Pod'],
    ['', 'v2', 'Pod'],
    ['', 'v1', 'Binding'],
    ['', 'v1 Pod', ''],
  ])('the kind %s/%s %s', async (group, version, kind) => {
    const object = objectOf('deployments', well)
    expectDenied(await ask(request('pods', object, { kind: { group, version, kind } })), 'not known')
    expect(world().transport.requests).toEqual([])
  })

  test.each(['PATCH', 'create', ''])('the operation "%s"', async (operation) => {
    expectDenied(await ask(request('pods', pod(well), { operation })), 'not known')
  })

  test('an object with more images than the limit', async () => {
    const containers = Array.from({ length: 101 }, (_, index) => ({ image: `registry${index}.example/app` }))
    expectDenied(await create({ containers }), 'more than 100 images')
    expect(world().transport.requests).toEqual([])
  })

  test.each<[string, Json]>([
    ['null', null],
    ['no request', { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }],
    ['another version', { ...request('pods', pod(well)), apiVersion: 'admission.k8s.io/v1beta1' }],
    ['another kind', { ...request('pods', pod(well)), kind: 'Pod' }],
    ['no uid', request('pods', pod(well), { uid: null })],
    ['no kind of the object', request('pods', pod(well), { kind: null })],
  ])('a body that is not an AdmissionReview is rejected: %s', async (_, body) => {
    await expect(ask(body)).rejects.toThrow(TypeError)
  })
})

describe('an image that another webhook changed after it was pinned is denied', () => {
  test.each([...PLACES])('at %s', async (where, spec) => {
    const answer = await ask(request('pods', pod(spec(SIGNED, `${SIGNED}@${world().digest}`))), '/validate')
    expectDenied(answer, `/spec/${where} "${SIGNED}"`, 'changed after it was pinned')
  })

  test('also when it is not signed', async () => {
    expectDenied(await ask(request('pods', pod(running(UNSIGNED))), '/validate'), 'ERR_TAG_NOT_SIGNED')
  })
})

describe('if the trust server does not answer', () => {
  test('a new image is denied', async () => {
    world().transport.faults.set('*', 'unreachable')
    expectDenied(await create(running(SIGNED)), 'ERR_SERVER_UNREACHABLE')
  })

  test('the webhook denies before the API server gives up', async () => {
    const hasty = await loadWebhook(join(place(), 'hasty'), 50)
    world().transport.faults.set('*', 'silent')
    expectDenied(await hasty(world().client, request('pods', pod(running(SIGNED))), '/admit'), 'in time')
    await world().client.close()
  })
})
