/** AdmissionReview requests as an API server sends them, and the patches that it applies from the answers. */
import type { Answer } from './webhook.js'

/** JSON of any shape. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

/** Each resource with a pod spec: its kind, and a function that puts a spec into an object. */
export const RESOURCES: ReadonlyMap<string, { readonly kind: JsonObject; readonly of: (spec: Json) => Json }> = new Map([
  ['pods', entry('', 'Pod', (spec) => ({ metadata: { name: 'app' }, spec }))],
  ['podtemplates', entry('', 'PodTemplate', (spec) => ({ template: { spec } }))],
  ['replicationcontrollers', entry('', 'ReplicationController', inTemplate)],
  ['deployments', entry('apps', 'Deployment', inTemplate)],
  ['replicasets', entry('apps', 'ReplicaSet', inTemplate)],
  ['statefulsets', entry('apps', 'StatefulSet', inTemplate)],
  ['daemonsets', entry('apps', 'DaemonSet', inTemplate)],
  ['jobs', entry('batch', 'Job', inTemplate)],
  ['cronjobs', entry('batch', 'CronJob', (spec) => ({ spec: { schedule: '* * * * *', jobTemplate: inTemplate(spec) } }))],
])

function entry(group: string, kind: string, of: (spec: Json) => Json) {
  return { kind: { group, version: 'v1', kind }, of }
}

function inTemplate(spec: Json): JsonObject {
  return { spec: { template: { metadata: { labels: { image: 'a label' } }, spec } } }
}

/** An object of a resource with this pod spec. */
export function objectOf(resource: string, spec: Json): Json {
  return RESOURCES.get(resource)?.of(spec) ?? spec
}

/** A request to create an object; `changes` replace members of the request. */
export function request(resource: string, object: Json, changes: JsonObject = {}): JsonObject {
  const kind = RESOURCES.get(resource)?.kind ?? { group: 'argoproj.io', version: 'v1alpha1', kind: 'Rollout' }
  const { group = '', version = '' } = kind
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind,
      resource: { group, version, resource },
      requestKind: kind,
      requestResource: { group, version, resource },
      name: 'app',
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: { username: 'alice', groups: ['system:authenticated'] },
      object,
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      ...changes,
    },
  }
}

/** A request to update an object. */
export function update(resource: string, oldObject: Json, object: Json, changes: JsonObject = {}): JsonObject {
  return request(resource, object, { operation: 'UPDATE', oldObject, ...changes })
}

/** A pod spec with one container. */
export function running(image: Json): JsonObject {
  return { containers: [{ name: 'app', image }] }
}

type SpecWith = (image: Json, beside: Json) => JsonObject

/** Makes pod specs with two images: the key is the place of the first one, for each place that Kubernetes has for images. */
export const PLACES: ReadonlyMap<string, SpecWith> = new Map<string, SpecWith>([
  ['containers/1/image', (image, beside) => ({ containers: [{ image: beside }, { image }] })],
  ['initContainers/0/image', (image, beside) => ({ ...running(beside), initContainers: [{ image }] })],
  ['ephemeralContainers/0/image', (image, beside) => ({ ...running(beside), ephemeralContainers: [{ image }] })],
  [
    'volumes/1/image/reference',
    (image, beside) => ({
      ...running(beside),
      volumes: [{ emptyDir: {} }, { image: { reference: image, pullPolicy: 'IfNotPresent' } }],
    }),
  ],
])

/** The patch of an answer; empty if there is none. */
export function patchOf({ response: { patch } }: Answer): { op: string; path: string; value: string }[] {
  return patch === undefined ? [] : JSON.parse(Buffer.from(patch, 'base64').toString())
}

/** Applies the patch of an answer: `replace` of RFC 6902, with paths of RFC 6901. @throws if the path does not exist */
export function patched(object: Json, answer: Answer): Json {
  const copy = structuredClone(object)
  for (const { op, path, value } of patchOf(answer)) {
    const names = path.split('/').slice(1)
    const last = names.pop() ?? ''
    const step = (inner: unknown, name: string): unknown =>
      Reflect.get(Object(inner), name.replaceAll('~1', '/').replaceAll('~0', '~'))
    const holder: unknown = names.reduce<unknown>(step, copy)
    if (op !== 'replace' || !Object.hasOwn(Object(holder), last)) throw new Error(`cannot ${op} ${path}`)
    Reflect.set(Object(holder), last, value)
  }
  return copy
}
