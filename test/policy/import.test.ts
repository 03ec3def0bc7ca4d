import { describe, expect, test } from 'vitest'
import { Faults } from '../../src/document/faults.js'
import { readYamlDocuments } from '../../src/document/yaml-document.js'
import { PolicyIndex } from '../../src/policy/decide.js'
import type { Imported } from '../../src/policy/import/draft.js'
import { type ImportKind, importPolicy } from '../../src/policy/import/import-policy.js'
import { createKeys } from '../../src/testing/index.js'
import { jsonPolicy } from './policies.js'

const PEM = String(createKeys().publicKey.export({ type: 'spki', format: 'pem' }))
const indented = (spaces: number) => PEM.trimEnd().replaceAll('\n', `\n${' '.repeat(spaces)}`)

function imported(kind: ImportKind, text: string): Imported {
  const [first, ...more] = readYamlDocuments(new TextEncoder().encode(text), 1_000_000, new Faults(kind, 'file')) ?? []
  if (first === undefined) throw new Error('not YAML')
  return importPolicy(kind, [first, ...more])
}

/** What the policy that came out asks of an image. */
function asked(result: Imported, gun: string, tag = '1') {
  return new PolicyIndex(jsonPolicy(result.text)).decide({ typed: gun }, tag)
}

const words = ({ warnings }: Imported) =>
  warnings.map(({ line, text, isLost }) => `${line}${isLost ? '!' : ''} ${text}`).join('\n')

const CONNAISSEUR = `
application:
  validators:
  - name: allow
    type: static
    approve: true
  - name: deny
    type: static
    approve: false
  - name: team
    type: notaryv1
    host: notary.example
    trustRoots:
    - name: default
      key: |
        ${indented(8)}
    auth: {secretName: team-creds}
  - name: sigstore
    type: cosign
  policy:
  - pattern: "*:*"
    validator: deny
  - pattern: "registry.example/team/*:*"
    validator: team
    with: {delegations: [alice, bob]}
  - pattern: "docker.io/library/alpine:3*"
    validator: allow
  - pattern: "nginx"
    validator: sigstore
`

describe('connaisseur', () => {
  const result = imported('connaisseur', CONNAISSEUR)

  test('rules, signers and pins come over', () => {
    const team = asked(result, 'registry.example/team/app')
    expect(team).toMatchObject({ action: 'enforce', server: 'https://notary.example', firstUse: 'refuse' })
    expect(team.requireSigners).toEqual([{ count: 2, of: [{ name: 'alice' }, { name: 'bob' }] }])
    expect([...(team.pinnings[0]?.certs ?? [])][0]).toEqual([
      'registry.example/team/*',
      [expect.stringMatching(/^[0-9a-f]{64}$/)],
    ])
    expect(asked(result, 'registry.example/team/deeper/app').action).toBe('enforce')
    expect(asked(result, 'docker.io/library/alpine', '3.19').action).toBe('skip')
    expect(asked(result, 'docker.io/library/alpine', '4').action).toBe('deny')
    expect(asked(result, 'quay.io/x').action).toBe('deny')
  })

  test('each meaning that changes is a warning at its line', () => {
    expect(words(result)).toContain('20 credentials of validator team (secret team-creds) are not copied')
    expect(words(result)).toContain('28 Connaisseur looked at the delegations alone')
    expect(words(result)).toContain('never follows a rotation')
  })

  test('what is not Notary v1 is denied, and the import says that it is incomplete', () => {
    expect(asked(result, 'docker.io/library/nginx').action).toBe('deny')
    expect(words(result)).toContain('31! validator sigstore is of type cosign')
    expect(result.isComplete).toBe(false)
  })

  test('no secret is copied', () => {
    const text = CONNAISSEUR.replace('{secretName: team-creds}', '{username: me, password: hunter2}')
    expect(JSON.stringify(imported('connaisseur', text))).not.toContain('hunter2')
  })

  test.each([
    ['an http server', 'host: notary.example', 'host: http://notary.example', 'over https alone'],
    ['all trust roots together', 'with: {delegations: [alice, bob]}', 'with: {trustRoot: other}', 'no trust root other'],
    ['an unreadable key', 'BEGIN PUBLIC KEY', 'BEGIN PRIVATE KEY', 'cannot be read'],
    ['an unknown validator', 'validator: team', 'validator: nobody', 'no validator nobody'],
  ])('%s is denied, not passed over', (_, from, to, told) => {
    const changed = imported('connaisseur', CONNAISSEUR.replace(from, to))
    expect(words(changed)).toContain(told)
    expect(asked(changed, 'registry.example/team/app').action).toBe('deny')
  })
})

describe('portieris', () => {
  const POLICY = `
apiVersion: portieris.cloud.ibm.com/v1
kind: ClusterImagePolicy
metadata: {name: all}
spec:
  repositories:
  - name: "registry.example/team/*"
    policy: {trust: {enabled: true, trustServer: "https://notary.example:4443", signerSecrets: [{name: alice-secret}]}}
  - name: "registry.example/app*"
    policy: {trust: {enabled: true}}
  - name: "quay.io/*"
    policy: {}
  - name: "us.icr.io/*"
    policy: {vulnerability: {ICCRVA: {enabled: true}}}
`
  const SECRET = `---\nkind: Secret\nmetadata: {name: alice-secret}\nstringData:\n  name: alice\n  publicKey: |\n    ${indented(4)}\n`

  test('signers come over with their Secrets', () => {
    const result = imported('portieris', POLICY + SECRET)
    const { action, server, requireSigners } = asked(result, 'registry.example/team/a/b')
    expect({ action, server }).toEqual({ action: 'enforce', server: 'https://notary.example:4443' })
    expect(requireSigners[0]?.of[0]).toEqual({ name: 'alice', keys: [expect.stringMatching(/^[0-9a-f]{64}$/)] })
    expect(asked(result, 'quay.io/x/y').action).toBe('skip')
    expect(asked(result, 'docker.io/library/alpine').action).toBe('deny')
  })

  test('without its Secret a rule denies', () => {
    const result = imported('portieris', POLICY)
    expect(asked(result, 'registry.example/team/a').action).toBe('deny')
    expect(words(result)).toContain('kubectl get secret alice-secret')
  })

  test('what is not Docker Content Trust is denied; a star that crossed slashes still matches no less', () => {
    const result = imported('portieris', POLICY + SECRET)
    expect(asked(result, 'us.icr.io/x').action).toBe('deny')
    expect(result.isComplete).toBe(false)
    for (const gun of ['registry.example/app', 'registry.example/app1', 'registry.example/app1/x/y'])
      expect(asked(result, gun).action).toBe('enforce')
  })

  test('a policy of one namespace says that namespaces are lost; others are left out', () => {
    const named = POLICY.replace('ClusterImagePolicy', 'ImagePolicy').replace('{name: all}', '{name: all, namespace: prod}')
    expect(words(imported('portieris', named))).toContain('held in namespace prod alone')
    expect(words(imported('portieris', `${POLICY}---${named}`))).toContain('! the policy of namespace prod is left out')
  })
})

describe('opa-notary', () => {
  const KEY = Buffer.from(PEM).toString('base64')
  const text = (extra = '') => `
repositories:
- name: "registry.example/.*"
  priority: 10
  trust: {enabled: true, trustServer: "https://notary.example", auth: {user: u, pass: hunter2}, signers: [{role: targets/jenkins, publicKey: "${KEY}"}]}
- name: "quay\\\\.io/base/.*"
  priority: 5
  trust: {enabled: false}
${extra}`

  test('expressions of the form prefix.* come over, secrets do not', () => {
    const result = imported('opa-notary', text())
    expect(asked(result, 'registry.example/a/b').requireSigners[0]?.of[0]?.name).toBe('jenkins')
    expect(asked(result, 'quay.io/base/x').action).toBe('skip')
    expect(asked(result, 'quay.io/other').action).toBe('deny')
    expect(JSON.stringify(result)).not.toContain('hunter2')
    expect(words(result)).toContain('credentials are not copied')
  })

  test.each(['(a|b)/.*', 'registry.example/[a-z]+', 'a?b', '.+'])('the expression %s is left out and said', (name) => {
    const result = imported('opa-notary', text(`- name: "${name}"\n  trust: {enabled: false}`))
    expect(words(result)).toContain('left out')
    expect(result.isComplete).toBe(false)
  })

  test('priorities that say something else than specificity are told', () => {
    const result = imported('opa-notary', text('- name: "registry.example/team/.*"\n  priority: 1\n  trust: {enabled: false}'))
    expect(words(result)).toContain('registry.example/team/** decides, which is more specific')
  })
})

describe('notary', () => {
  test('pins and server become the default', () => {
    const result = imported(
      'notary',
      `{"trust_dir": "~/.docker/trust", "remote_server": {"url": "https://notary.example", "root_ca": "ca.pem"}, "trust_pinning": {"certs": {"registry.example/a": ["${'a'.repeat(64)}"]}, "ca": {"registry.example/": "ca.pem"}, "disable_tofu": true}}`,
    )
    expect(asked(result, 'registry.example/a')).toMatchObject({
      action: 'enforce',
      match: 'default',
      server: 'https://notary.example',
      pinnings: [{ disableTofu: true }],
    })
    expect(words(result)).toContain('! root_ca is not carried over: give it with --tlscacert')
    expect(words(result)).toContain('trust_dir is not carried over')
  })

  test('skipTLSVerify is never carried over', () => {
    const result = imported('notary', '{"remote_server": {"url": "https://notary.example", "skipTLSVerify": true}}')
    expect(result.isComplete).toBe(false)
    expect(result.text).not.toContain('skipTLSVerify')
  })
})

describe('where the other program chooses another rule, that is told as lost', () => {
  const connaisseur = (...patterns: string[]) =>
    imported(
      'connaisseur',
      `validators:\n- {name: allow, type: static, approve: true}\n- {name: deny, type: static, approve: false}\npolicy:\n${patterns
        .map((pattern, at) => `- {pattern: "${pattern}", validator: ${at === 0 ? 'allow' : 'deny'}}`)
        .join('\n')}\n`,
    )

  test('connaisseur: the longer common prefix further to the left', () => {
    const changed = connaisseur('registry.example/ab*/x:*', 'registry.example/a*/xlong*:*')
    expect(words(changed)).toMatch(
      /! for registry\.example\/ab.*, registry\.example\/ab\*\/x:\* came before registry\.example\/a\*\/xlong/,
    )
    expect(connaisseur('registry.example/*:*', 'registry.example/team/*:*').isComplete).toBe(true)
  })

  const portieris = (...names: [string, boolean][]) =>
    imported(
      'portieris',
      `kind: ClusterImagePolicy\nspec:\n  repositories:\n${names.map(([name, isOn]) => `  - {name: "${name}", policy: {trust: {enabled: ${isOn}, trustServer: "https://n.example"}}}`).join('\n')}\n`,
    )

  test('portieris: more characters, wherever they are', () => {
    const changed = portieris(['registry.example/long-name-of-team*', true], ['registry.example/*/*/*', false])
    expect(words(changed)).toContain('registry.example/long-name-of-team* came before registry.example/*/*/*')
    expect(portieris(['registry.example/*', false], ['registry.example/team/*', true]).isComplete).toBe(true)
  })

  test('portieris: a pattern that matches less is told; as lost where it asks for something', () => {
    const host = (isOn: boolean) => portieris(['*.example/team/*', isOn])
    expect(host(false).isComplete).toBe(true)
    expect(words(host(false))).toContain('* matched slashes too')
    expect(host(true).isComplete).toBe(false)
  })
})

describe('what is not known is never passed over', () => {
  test.each<[string, ImportKind, string]>([
    ['a misspelled switch of notary', 'notary', '{"trust_pinning": {"disable_tofo": true, "disable_tofu": true}}'],
    ['another part of its file', 'notary', '{"trust_pinning": {"disable_tofu": true}, "delegations": {}}'],
    ['a validator', 'connaisseur', CONNAISSEUR.replace('host: notary.example', 'host: notary.example\n    hosts: x')],
    ['an option of a rule', 'connaisseur', CONNAISSEUR.replace('with: {', 'with: {threshold: 2, ')],
    [
      'an option of trust',
      'portieris',
      'kind: ClusterImagePolicy\nspec: {repositories: [{name: "x.example/*", policy: {trust: {enabled: false, enable: true}}}]}',
    ],
  ])('%s', (_, kind, text) => {
    const result = imported(kind, text)
    expect(words(result)).toContain('is not known here')
    expect(result.isComplete).toBe(false)
  })

  test.each(['"true"', '"1"', '1', '"T"', '"yes"', '[]'])('disable_tofu: %s disables it', (value) => {
    expect(imported('notary', `{"trust_pinning": {"disable_tofu": ${value}}}`).text).toContain('"disable_tofu": true')
  })

  test.each(['"false"', '0', 'false', 'null'])('disable_tofu: %s does not', (value) => {
    const text = `{"remote_server": {"url": "https://n.example"}, "trust_pinning": {"disable_tofu": ${value}}}`
    expect(imported('notary', text).text).not.toContain('disable_tofu')
  })

  test('portieris: another check that is on denies, one that is off does not', () => {
    const policy = (check: string) =>
      imported('portieris', `kind: ClusterImagePolicy\nspec: {repositories: [{name: "x.example/*", policy: {${check}}}]}`)
    for (const check of [
      'va: {enabled: true}',
      'simple: {requirements: [{type: reject}]}',
      'vulnerability: {X: {enabled: true}}',
      'new: 1',
    ])
      expect(asked(policy(check), 'x.example/a').action, check).toBe('deny')
    for (const check of [
      'va: {enabled: false}',
      'simple: {}',
      'vulnerability: {X: {enabled: false, account: a}}',
      'simple: null',
    ])
      expect(asked(policy(check), 'x.example/a').action, check).toBe('skip')
  })
})

test('a file of another kind says so and gives no policy that allows', () => {
  for (const kind of ['connaisseur', 'portieris', 'opa-notary', 'notary'] as const)
    for (const text of ['{}', '[]', 'x', '{"a": {"b": 1}}']) {
      const result = imported(kind, text)
      expect(result.isComplete).toBe(false)
      expect(jsonPolicy(result.text).rules).toEqual([])
    }
})
