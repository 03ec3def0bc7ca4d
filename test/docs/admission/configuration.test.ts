/** The Kubernetes objects in docs/guides/admission-control.md match the webhook, its limits and each other. */
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { RESOURCES } from './requests.js'
import { GUIDE, SOURCES } from './webhook.js'

interface Webhook {
  readonly name: string
  readonly timeoutSeconds: number
  readonly clientConfig: { readonly service: { readonly path: string } }
  readonly rules: readonly Readonly<Record<'apiGroups' | 'apiVersions' | 'operations' | 'resources', readonly string[]>>[]
}

interface KubernetesObject {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly webhooks?: readonly Webhook[]
}

const objects: KubernetesObject[] = GUIDE.blocks
  .filter(({ language }) => language === 'yaml')
  .map(({ code }) => parse(code))
  .flatMap((object) => (object.kind === 'List' ? object.items : [object]))
const webhooks = objects.flatMap((object) => (object.webhooks ?? []).map((webhook): [string, Webhook] => [object.kind, webhook]))
const find = (kind: string) => objects.find((object) => object.kind === kind)
const commands = GUIDE.blocks.filter(({ language }) => language === 'console').flatMap(({ code }) => code.split('\n'))

/** A number of milliseconds from the code of the page. */
function milliseconds(file: keyof typeof SOURCES, name: string): number {
  const [, digits = ''] = new RegExp(`\\b${name}(?: =|:) ([\\d_]+)`).exec(SOURCES[file]) ?? []
  return Number.parseInt(digits.replace('_', ''), 10)
}

test('one webhook pins, and a second one checks the result of all others', () => {
  expect(webhooks.map(([kind, { clientConfig }]) => [kind, clientConfig.service.path])).toEqual([
    ['MutatingWebhookConfiguration', '/admit'],
    ['ValidatingWebhookConfiguration', '/validate'],
  ])
})

describe.each(webhooks)('%s', (kind, webhook) => {
  test('denies if the webhook does not answer, declares no side effects, and cannot be bypassed', () => {
    const { name, timeoutSeconds, clientConfig, rules, ...settings } = webhook
    expect(settings).toEqual({
      admissionReviewVersions: ['v1'],
      failurePolicy: 'Fail',
      sideEffects: 'None',
      matchPolicy: 'Equivalent',
      // The API server sets this label. An objectSelector would use labels that the author of an object chooses.
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'dct'] }],
      },
      ...(kind === 'MutatingWebhookConfiguration' ? { reinvocationPolicy: 'IfNeeded' } : {}),
    })
  })

  test('covers exactly the kinds that the webhook knows, and ephemeral containers', () => {
    const asked = webhook.rules.flatMap(({ apiGroups, apiVersions, operations, resources }) => {
      expect([apiVersions, operations]).toEqual([['v1'], ['CREATE', 'UPDATE']])
      return apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}`))
    })
    const known = [...RESOURCES].map(
      ([
        resource,
        {
          kind: { group },
        },
      ]) => `${group}/${resource}`,
    )
    expect(asked.sort()).toEqual([...known, '/pods/ephemeralcontainers'].sort())
  })

  test('has a longer timeout than the webhook, and the webhook a longer one than its client', () => {
    const [own, client] = [milliseconds('admission', 'DEADLINE'), milliseconds('serve', 'timeout')]
    expect(client).toBeGreaterThan(0)
    expect(own).toBeGreaterThan(client)
    expect(webhook.timeoutSeconds * 1000).toBeGreaterThan(own)
    expect(webhook.timeoutSeconds).toBeLessThanOrEqual(30)
  })

  test('uses the service that the certificate names', () => {
    const { name, namespace } = find('Service')?.metadata ?? {}
    expect(webhook.clientConfig).toMatchObject({ service: { name, namespace, port: 443 } })
    expect(commands.join('\n')).toContain(`subjectAltName=DNS:${name}.${namespace}.svc`)
  })
})

test('the service selects the Pods of the webhook, and all their volumes exist', () => {
  expect(find('Service')).toMatchObject({ spec: { selector: { app: 'dct' }, ports: [{ port: 443, targetPort: 8443 }] } })
  expect(find('StatefulSet')).toMatchObject({
    metadata: { namespace: 'dct' },
    spec: {
      serviceName: 'dct',
      selector: { matchLabels: { app: 'dct' } },
      template: {
        metadata: { labels: { app: 'dct' } },
        spec: {
          containers: [
            {
              command: ['node', 'serve.js', '8443'],
              workingDir: '/app',
              volumeMounts: [
                { name: 'tls', mountPath: '/app/tls' },
                { name: 'config', mountPath: '/app/config' },
                { name: 'state', mountPath: '/state' },
              ],
            },
          ],
          volumes: [
            { name: 'tls', secret: { secretName: 'dct' } },
            { name: 'config', configMap: { name: 'dct' } },
          ],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: 'state' } }],
    },
  })
  expect(commands).toContain('$ kubectl -n dct create secret tls dct --key tls.key --cert tls.crt')
  expect(commands).toContain('$ kubectl -n dct create configmap dct --from-file pins.json')
})
