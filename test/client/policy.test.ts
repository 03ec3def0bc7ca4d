/** Policies and required signers through the public door: what a client answers, refuses and asks under them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTrustClient, type TrustClientOptions, type VerifyResult, verifyTag } from '../../src/index.js'
import { createSigningKey, createTrustCollection, TAMPERINGS } from '../../src/testing/index.js'
import { canonicalId, refusalOf, SERVER, Story } from './story.js'

const [alice, bob, mallory] = ['alice', 'bob', 'mallory'].map((seed) => createSigningKey({ type: 'ecdsa', seed }))
if (alice === undefined || bob === undefined || mallory === undefined) throw new Error('no keys')

const policy = (rules: Readonly<Record<string, object>>, more: object = {}) => ({
  policy: { version: 1, rules: Object.entries(rules).map(([match, terms]) => ({ match, ...terms })), ...more },
})

/** `3.19` is signed by alice and bob, `3.20` by bob alone, `3.21` by nobody but the publisher. */
function signedStory(): Story {
  const story = new Story()
  const { collection } = story
  collection.sign('3.20', 'alpine 3.20')
  collection.sign('3.21', 'alpine 3.21')
  collection.delegate('targets/alice', { keys: [alice as never] }).sign('3.19', 'alpine 3.19', { role: 'targets/alice' })
  collection.delegate('targets/bob', { keys: [bob as never] }).sign('3.19', 'alpine 3.19', { role: 'targets/bob' })
  collection.sign('3.20', 'alpine 3.20', { role: 'targets/bob' })
  collection.publish()
  return story
}

const ask = (story: Story, reference: string, more: TrustClientOptions): Promise<VerifyResult> =>
  verifyTag(reference, { ...story.options, ...more })

describe('actions', () => {
  test('enforce: the answer names the rule', async () => {
    const story = new Story()
    const result = await ask(story, 'alpine:3.19', policy({ 'docker.io/library/*': {} }))
    expect(result).toMatchObject({ status: 'trusted', policy: { match: 'docker.io/library/*', action: 'enforce' } })
  })

  test('without a rule that matches and without a default: as without a policy', async () => {
    const result = await ask(new Story(), 'alpine:3.19', policy({ 'docker.io/other/*': { action: 'deny' } }))
    expect(result).toMatchObject({ status: 'trusted', policy: { match: 'none', action: 'enforce' } })
  })

  test('deny: refused without a request', async () => {
    const story = new Story()
    const error = await story.refused('alpine:3.19', policy({ 'docker.io/library/alpine': { action: 'deny' } }))
    expect(error).toMatchObject({ code: 'ERR_POLICY_DENIED', kind: 'unsigned', gun: 'docker.io/library/alpine' })
    expect(error.message).toContain('the rule docker.io/library/alpine of the policy option policy')
    expect(error.hint).toContain('dct policy explain alpine:3.19')
    expect(story.requests()).toEqual([])
  })

  test('skip: nothing is asked, and there is no digest', async () => {
    const story = new Story()
    const result = await ask(story, 'alpine:3.19', policy({}, { default: { action: 'skip' } }))
    expect(result).toEqual({ status: 'skipped', reference: 'alpine:3.19', policy: { match: 'default', action: 'skip' } })
    expect(story.requests()).toEqual([])
  })

  test('warn: what would be refused is permitted, with the error and without a digest', async () => {
    const story = new Story()
    const warn = policy({ '**': { action: 'warn' } })
    expect(await ask(story, 'alpine:3.19', warn)).toMatchObject({ status: 'trusted', policy: { match: '**', action: 'warn' } })
    const unsigned = await ask(story, 'alpine:9', warn)
    expect(unsigned).toMatchObject({ status: 'permitted', reference: 'alpine:9', error: { code: 'ERR_TAG_NOT_SIGNED' } })
    expect(Object.keys(unsigned).sort()).toEqual(['error', 'gun', 'policy', 'reference', 'status'])
    story.transport.faults.set('*', 'missing')
    expect(await ask(story, 'alpine:3.19', warn)).toMatchObject({ status: 'permitted', error: { code: 'ERR_NO_TRUST_DATA' } })
  })

  test('warn: a tampered collection is permitted and never trusted; a usage error stays an error', async () => {
    const story = new Story()
    story.collection.tamper('targets', TAMPERINGS['bit-flipped']).publish()
    const warn = policy({ '**': { action: 'warn' } })
    expect(await ask(story, 'alpine:3.19', warn)).toMatchObject({ status: 'permitted', error: { kind: 'untrusted' } })
    expect((await story.kept()).files).toEqual({})
    expect((await refusalOf(ask(story, 'Alpine', warn))).code).toBe('ERR_REFERENCE_INVALID')
    const { server: _, ...options } = story.options
    const broken = { ...options, servers: { 'docker.io': 'not a server' }, ...policy({ '**': { action: 'warn' } }) }
    expect((await refusalOf(verifyTag('alpine', broken))).code).toBe('ERR_SETTINGS_INVALID')
  })

  test('an aborted call rejects with its reason under warn too', async () => {
    const story = new Story()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(ask(story, 'alpine:3.19', { ...policy({ '**': { action: 'warn' } }), signal })).rejects.toThrow('enough')
  })

  test('verifyTags answers each reference by its own rule', async () => {
    const story = signedStory()
    const rules = policy({
      'docker.io/library/alpine:3.19': { requireSigners: { all: ['alice', 'bob'] } },
      'docker.io/library/alpine:3.20': { requireSigners: { all: ['alice'] } },
      'docker.io/library/alpine:9': { action: 'warn' },
      'docker.io/library/alpine:8': { action: 'skip' },
      'docker.io/library/alpine:7': { action: 'deny' },
    })
    await using client = createTrustClient({ ...story.options, ...rules })
    const seen: string[] = []
    for await (const outcome of client.verifyTags(['alpine:3.19', 'alpine:3.20', 'alpine:9', 'alpine:8', 'alpine:7']))
      seen.push('result' in outcome ? outcome.result.status : outcome.error.code)
    expect(seen).toEqual(['trusted', 'ERR_SIGNER_MISSING', 'permitted', 'skipped', 'ERR_POLICY_DENIED'])
    expect(story.requests().filter((name) => name === 'timestamp')).toHaveLength(1)
  })

  test('lookup, listTags and inspect obey the rules too', async () => {
    const story = signedStory()
    const denied = createTrustClient({ ...story.options, ...policy({ 'docker.io/**': { action: 'deny' } }) })
    for (const call of [denied.lookup('docker.io/library/alpine', '3.19'), denied.listTags('alpine'), denied.inspect('alpine')])
      expect((await refusalOf(call)).code).toBe('ERR_POLICY_DENIED')
    expect(story.requests()).toEqual([])
    const strict = createTrustClient({ ...story.options, requireSigners: ['alice'] })
    expect((await strict.lookup('docker.io/library/alpine', '3.19')).digest).toBe(story.collection.digest('3.19'))
    expect((await refusalOf(strict.lookup('docker.io/library/alpine', '3.20'))).code).toBe('ERR_SIGNER_MISSING')
  })
})

describe('required signers', () => {
  test('by name, by number and by key', async () => {
    const story = signedStory()
    const passes = async (requireSigners: NonNullable<TrustClientOptions['requireSigners']>, reference = 'alpine:3.20') => {
      const outcome = await ask(story, reference, { requireSigners }).catch((error: { code: string }) => error)
      return 'status' in outcome ? outcome.status : outcome.code
    }
    expect(await passes(['bob'])).toBe('trusted')
    expect(await passes(['alice', 'bob'], 'alpine:3.19')).toBe('trusted')
    expect(await passes(['alice', 'bob'])).toBe('ERR_SIGNER_MISSING')
    expect(await passes({ any: ['alice', 'bob'] })).toBe('trusted')
    expect(await passes({ atLeast: 2, of: ['alice', 'bob', 'carol'] })).toBe('ERR_SIGNER_MISSING')
    expect(await passes({ atLeast: 2, of: ['alice', 'bob', 'carol'] }, 'alpine:3.19')).toBe('trusted')
    expect(await passes([{ name: 'bob', keys: [canonicalId(bob as never)] }])).toBe('trusted')
    expect(await passes([{ name: 'bob', keys: [canonicalId(mallory as never)] }])).toBe('ERR_SIGNER_MISSING')
    const pem = bob?.pair.publicKey.export({ format: 'pem', type: 'spki' }).toString() ?? ''
    expect(await passes([{ name: 'bob', keys: [pem] }])).toBe('trusted')
  })

  test('the evidence says who signed, who is missing and who signed another digest', async () => {
    const story = signedStory()
    story.collection.sign('3.20', 'alpine 3.20, older', { role: 'targets/alice' })
    story.collection.publish()
    const error = await refusalOf(ask(story, 'alpine:3.20', { requireSigners: ['alice', 'bob', 'carol'] }))
    expect(error.evidence).toMatchObject({
      signed: ['bob'],
      missing: [expect.stringContaining('another digest'), 'carol: did not sign this tag'],
    })
  })

  test('a signer whose delegation was given other keys does not pass for the key that is required', async () => {
    const story = signedStory()
    story.collection.setDelegationKeys('targets/alice', { keys: [mallory as never] })
    story.collection.publish()
    const byKey = { requireSigners: [{ name: 'alice', keys: [canonicalId(alice as never)] }] }
    expect((await refusalOf(ask(story, 'alpine:3.19', byKey))).code).toBe('ERR_SIGNER_MISSING')
  })

  test('a key that the delegation lists without having signed does not count', async () => {
    const story = signedStory()
    story.collection.delegate('targets/carol', { keys: [mallory as never] })
    story.collection.sign('3.19', 'alpine 3.19', { role: 'targets/carol' })
    story.collection.publish()
    const byKey = { requireSigners: [{ name: 'carol', keys: [canonicalId(alice as never)] }] }
    expect((await refusalOf(ask(story, 'alpine:3.19', byKey))).code).toBe('ERR_SIGNER_MISSING')
  })

  test('a nested delegation is another signer', async () => {
    const story = new Story()
    const { collection } = story
    collection.delegate('targets/alice').sign('other', 'another image', { role: 'targets/alice' })
    collection.delegate('targets/alice/ci').sign('3.19', 'alpine 3.19', { role: 'targets/alice/ci' })
    collection.publish()
    expect((await refusalOf(ask(story, 'alpine:3.19', { requireSigners: ['alice'] }))).code).toBe('ERR_SIGNER_MISSING')
    expect((await ask(story, 'alpine:3.19', { requireSigners: ['alice/ci'] })).status).toBe('trusted')
  })

  test('a delegation that may not name the tag does not count', async () => {
    const story = new Story()
    story.collection.delegate('targets/alice', { paths: ['2.'] }).sign('3.19', 'alpine 3.19', { role: 'targets/alice' })
    story.collection.publish()
    expect((await refusalOf(ask(story, 'alpine:3.19', { requireSigners: ['alice'] }))).code).toBe('ERR_SIGNER_MISSING')
  })

  test('releases is no signer, in an option and in a rule', async () => {
    const story = new Story()
    story.collection.delegate('targets/releases').sign('3.19', 'alpine 3.19', { role: 'targets/releases' })
    story.collection.publish()
    const rule = policy({ '**': { requireSigners: { all: ['releases'] } } })
    for (const more of [{ requireSigners: ['releases'] }, rule]) {
      const error = await refusalOf(ask(story, 'alpine:3.19', more))
      expect(error.code).toBe('ERR_SETTINGS_INVALID')
      expect(error.message).toContain('no signer')
    }
  })

  test('what the caller requires holds whatever the policy says', async () => {
    const story = signedStory()
    const mild = [{ action: 'skip' }, { action: 'warn' }, { digestReferences: 'accept' }, { requireSigners: { all: ['bob'] } }]
    for (const terms of mild)
      for (const reference of ['alpine:3.20', `alpine@${story.collection.digest('3.20')}`]) {
        const error = await refusalOf(ask(story, reference, { ...policy({ '**': terms }), requireSigners: ['alice'] }))
        expect(error.code, JSON.stringify(terms)).toBe('ERR_SIGNER_MISSING')
      }
  })
})

describe('digest references', () => {
  test('cannot evade the rule of the tag', async () => {
    const story = signedStory()
    const rules = {
      'docker.io/library/alpine:3.20': { requireSigners: { all: ['alice'] } },
      '**': { digestReferences: 'accept' },
    }
    const error = await refusalOf(ask(story, `alpine@${story.collection.digest('3.20')}`, policy(rules)))
    expect(error.code).toBe('ERR_SIGNER_MISSING')
    const denied = policy({ 'docker.io/library/alpine:3.2*': { action: 'deny' } })
    expect((await refusalOf(ask(story, `alpine@${story.collection.digest('3.20')}`, denied))).code).toBe('ERR_POLICY_DENIED')
    expect(await ask(story, `alpine@${story.collection.digest('3.19')}`, denied)).toMatchObject({
      status: 'trusted-digest',
      tags: ['3.19'],
      policy: { match: 'none', action: 'enforce' },
    })
  })

  test('one tag whose rule is met is enough, and only such tags are named', async () => {
    const story = signedStory()
    story.collection.sign('old', 'alpine 3.19')
    story.collection.publish()
    const rules = policy({
      'docker.io/library/alpine:old': { action: 'deny' },
      'docker.io/library/alpine': { requireSigners: { any: ['alice'] } },
    })
    const digest = story.collection.digest('3.19')
    expect(await ask(story, `alpine@${digest}`, rules)).toMatchObject({ status: 'trusted-digest', tags: ['3.19'] })
    const only = policy({ 'docker.io/library/alpine:*': { action: 'warn', requireSigners: { any: ['carol'] } } })
    expect(await ask(story, `alpine@${digest}`, only)).toMatchObject({
      status: 'permitted',
      error: { code: 'ERR_SIGNER_MISSING' },
    })
  })

  test('accept of a rule checks nothing, unless the caller insists', async () => {
    const story = new Story()
    const digest = `sha256:${'0'.repeat(64)}`
    const accept = policy({ '**': { digestReferences: 'accept' } })
    expect(await ask(story, `alpine@${digest}`, accept)).toMatchObject({
      status: 'by-digest',
      policy: { match: '**', action: 'enforce' },
    })
    expect(story.requests()).toEqual([])
    const insisting = ask(story, `alpine@${digest}`, { ...accept, digestReferences: 'require-signed' })
    expect((await refusalOf(insisting)).code).toBe('ERR_DIGEST_NOT_SIGNED')
    const strict = { ...policy({ '**': { digestReferences: 'require-signed' } }), digestReferences: 'accept' as const }
    expect((await refusalOf(ask(story, `alpine@${digest}`, strict))).code).toBe('ERR_DIGEST_NOT_SIGNED')
  })
})

describe('names', () => {
  const spellings = ['mirror.example/library/alpine:3.19', 'Mirror.Example:443/library/alpine:3.19']

  test('a mirror is asked under the signed name, and cannot evade its rule', async () => {
    const story = new Story()
    const mirrors = { mirrors: { 'mirror.example': 'docker.io' } }
    for (const reference of spellings) {
      const result = await ask(story, reference, policy({}, mirrors))
      expect(result).toMatchObject({ status: 'trusted', gun: 'docker.io/library/alpine' })
      const denied = policy({ 'docker.io/library/*': { action: 'deny' }, 'mirror.example/**': { action: 'skip' } }, mirrors)
      expect((await refusalOf(ask(story, reference, denied))).code).toBe('ERR_POLICY_DENIED')
    }
  })

  test('other spellings of a host do not evade its rule', async () => {
    const story = new Story()
    const denied = policy({ 'registry.example/**': { action: 'deny' }, 'docker.io/**': { action: 'deny' } })
    const names = ['registry.example:443/a', 'Registry.Example/a', 'registry-1.docker.io/a/b', 'docker.io/a']
    for (const name of [...names, 'alpine', 'library/alpine', 'index.docker.io/library/alpine'])
      expect((await refusalOf(ask(story, name, denied))).code, name).toBe('ERR_POLICY_DENIED')
  })

  test('a mirror of a known registry cannot evade the rule of the signed name, unless the table is switched off', async () => {
    const story = new Story()
    const name = 'container-registry-fra.oracle.com/os/oraclelinux:9'
    const rules = { 'container-registry.oracle.com/**': { action: 'deny' } }
    expect((await refusalOf(ask(story, name, policy(rules)))).code).toBe('ERR_POLICY_DENIED')
    const off = await refusalOf(ask(story, name, policy(rules, { knownRegistries: false })))
    expect(off).toMatchObject({ code: 'ERR_NO_TRUST_DATA', gun: 'container-registry-fra.oracle.com/os/oraclelinux' })
  })
})

describe('server, pins and fallback', () => {
  test('the rule names the server, unless the caller does', async () => {
    const story = new Story()
    const { server: _, ...options } = story.options
    const rules = policy({ 'docker.io/**': { server: 'https://rule.example' } })
    const servers = { 'docker.io': 'https://map.example' }
    const env = { DOCKER_CONTENT_TRUST_SERVER: 'https://env.example' }
    expect(await verifyTag('alpine:3.19', { ...options, ...rules, servers, env })).toMatchObject({
      server: 'https://rule.example',
    })
    expect(await verifyTag('alpine:3.19', { ...options, ...rules, server: SERVER })).toMatchObject({ server: SERVER })
    expect(await verifyTag('alpine:3.19', { ...options, ...policy({}), servers, env })).toMatchObject({
      server: 'https://map.example',
    })
  })

  test('pins of the rule and of the option must both be met, before anything is kept', async () => {
    const [right, wrong] = ['a', 'b'].map((digit) => digit.repeat(64))
    const story = new Story()
    const root = (await createTrustClient(story.options).inspect('alpine')).roles.find(({ role }) => role === 'root')?.keys ?? []
    const pins = (keys: readonly (string | undefined)[]) => ({
      certs: { 'docker.io/library/alpine': keys.map((key) => key ?? '') },
    })
    const fresh = () => new Story()
    const rule = (keys: readonly (string | undefined)[]) => policy({ '**': { pinning: pins(keys) } })
    expect(await fresh().verify('alpine:3.19', { ...rule(root), pinning: pins(root) })).toMatchObject({
      rootTrust: 'pinned-certificate',
    })
    expect((await fresh().refused('alpine:3.19', rule([right]))).code).toBe('ERR_PIN_MISMATCH')
    expect((await fresh().refused('alpine:3.19', { ...rule([wrong]), pinning: pins(root) })).code).toBe('ERR_PIN_MISMATCH')
    expect((await fresh().refused('alpine:3.19', { ...rule(root), pinning: pins([wrong]) })).code).toBe('ERR_PIN_MISMATCH')
  })

  test('two tags of one collection are judged by the pins of their own rules, in one client', async () => {
    const story = signedStory()
    const pinning = { certs: { 'docker.io/library/*': ['a'.repeat(64)] } }
    await using client = createTrustClient({ ...story.options, ...policy({ 'docker.io/library/alpine:3.20': { pinning } }) })
    const codes: string[] = []
    for (const tag of ['3.19', '3.20', '3.19', '3.20'])
      codes.push(
        await client.verifyTag(`alpine:${tag}`).then(
          ({ status }) => status,
          ({ code }) => code,
        ),
      )
    expect(codes).toEqual(['trusted', 'ERR_PIN_MISMATCH', 'trusted', 'ERR_PIN_MISMATCH'])
  })

  test('firstUse: refuse refuses an unknown root before anything is kept, and not a pinned or a known one', async () => {
    const refuse = policy({ '**': { firstUse: 'refuse' } })
    const story = new Story()
    expect((await story.refused('alpine:3.19', refuse)).code).toBe('ERR_ROOT_UNTRUSTED')
    const { keys = [] } =
      (await createTrustClient({ ...story.options }).inspect('alpine')).roles.find(({ role }) => role === 'root') ?? {}
    expect((await story.verify('alpine:3.19', refuse)).rootTrust).toBe('cached-root')
    const pinning = { certs: { 'docker.io/library/alpine': keys } }
    expect((await new Story().verify('alpine:3.19', { ...refuse, pinning })).rootTrust).toBe('pinned-certificate')
  })

  test('staleFallback: the stricter of option and rule', async () => {
    const story = new Story()
    await story.verify()
    const rule = (staleFallback: string) => policy({ '**': { staleFallback } })
    story.transport.faults.set('*', 'server-error')
    expect((await ask(story, 'alpine:3.19', rule('warn'))).status).toBe('trusted')
    expect((await refusalOf(ask(story, 'alpine:3.19', rule('refuse')))).kind).toBe('unavailable')
    expect((await refusalOf(ask(story, 'alpine:3.19', { ...rule('warn'), staleFallback: 'refuse' }))).kind).toBe('unavailable')
  })
})

describe('the file', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dct-policy-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, text)
    return path
  }

  test('JSON and YAML, by option and by environment', async () => {
    const story = new Story()
    const yaml = await write('policy.yaml', 'version: 1\ndefault: { action: skip }\nrules: []\n')
    const json = await write('policy.json', '{"version": 1, "default": {"action": "skip"}, "rules": []}')
    for (const path of [yaml, json]) {
      expect((await ask(story, 'alpine:3.19', { policy: path })).status).toBe('skipped')
      expect((await ask(story, 'alpine:3.19', { env: { DCT_POLICY: path } })).status).toBe('skipped')
    }
    const other = await ask(story, 'alpine:3.19', { env: { DCT_POLICY: yaml }, policy: { version: 1, rules: [] } })
    expect(other.status).toBe('trusted')
  })

  test('what cannot be read refuses every call, with line and column, and asks nothing', async () => {
    const story = new Story()
    const bomb = [
      'version: 1',
      'a: &a [1,1,1,1,1,1,1,1,1]',
      ...[...'bcdefgh'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[i]}`)}]`),
    ]
    const files: [string, string, RegExp][] = [
      ['typo.yaml', 'version: 1\nrules:\n  - match: "**"\n    acton: deny\n', /:4:5: .*acton/],
      ['rank.yaml', 'version: 1\nrules:\n  - match: docker.io/*/ab\n  - match: docker.io/ab/*\n', /:4:\d+: .*both match/],
      ['bomb.yaml', `${bomb.join('\n')}\nrules: []\n`, /values|unknown name/],
      ['age.yaml', 'version: 1\nrules:\n  - match: "**"\n    maxAge: -1\n', /:4:13: .*maxAge/],
      ['empty.json', '', /:1:1: /],
    ]
    for (const [name, text, expected] of files) {
      const error = await story.refused('alpine:3.19', { policy: await write(name, text) })
      expect(error.code, name).toBe('ERR_SETTINGS_INVALID')
      expect(error.message, name).toMatch(expected)
    }
    const missing = await story.refused('alpine:3.19', { policy: join(folder, 'none.yaml') })
    expect(missing.message).toContain('cannot be read')
    expect(story.requests()).toEqual([])
  })

  test('a broken policy refuses the second call too', async () => {
    const client = createTrustClient({ ...new Story().options, policy: join(folder, 'none.yaml') })
    for (const _ of [1, 2]) expect((await refusalOf(client.verifyTag('alpine:3.19'))).code).toBe('ERR_SETTINGS_INVALID')
  })

  test('a file that changes while a client lives does not change the client', async () => {
    const path = await write('policy.yaml', 'version: 1\nrules:\n  - { match: "**", action: deny }\n')
    const client = createTrustClient({ ...new Story().options, policy: path })
    expect((await refusalOf(client.verifyTag('alpine:3.19'))).code).toBe('ERR_POLICY_DENIED')
    await write('policy.yaml', 'version: 1\nrules:\n  - { match: "**", action: skip }\n')
    expect((await refusalOf(client.verifyTag('alpine:3.19'))).code).toBe('ERR_POLICY_DENIED')
  })

  test('paths of CA files are seen from the policy', async () => {
    const path = await write('policy.yaml', 'version: 1\nrules:\n  - { match: "**", pinning: { ca: { docker.io/: ca.pem } } }\n')
    const error = await new Story().refused('alpine:3.19', { policy: path })
    expect(error.message).toContain(join(folder, 'ca.pem'))
  })

  test('an object that is no plain data is refused: a Map of pins would be no pin', async () => {
    const pinning = { certs: new Map([['docker.io/', ['a'.repeat(64)]]]) }
    for (const bad of [policy({ '**': { pinning } }), policy({ '**': { action: 1n } }), policy({ '**': { action: () => 1 } })])
      expect((await new Story().refused('alpine:3.19', bad)).code).toBe('ERR_SETTINGS_INVALID')
    const typo = await new Story().refused('alpine:3.19', policy({ '**': { acton: 'deny' } }))
    expect(typo.message).toMatch(/^policy option policy: rules\[0\]: unknown name "acton"$/)
  })

  test('a switched-off client reads no policy', async () => {
    const result = await verifyTag('alpine', { env: {}, policy: join(folder, 'none.yaml') })
    expect(result.status).toBe('disabled')
  })
})

test('mirrors lead to a collection under its signed name in verifyTags too', async () => {
  const collection = createTrustCollection('docker.io/team/app')
  const digest = collection.sign('1', 'app')
  collection.publish()
  const options = { ...new Story().options, transport: collection.transport(), now: () => collection.now }
  await using client = createTrustClient({ ...options, ...policy({}, { mirrors: { 'hub.example/dock/': 'docker.io/' } }) })
  for await (const outcome of client.verifyTags(['hub.example/dock/team/app:1']))
    expect(outcome).toMatchObject({
      result: { gun: 'docker.io/team/app', canonicalReference: `hub.example/dock/team/app@${digest}`, mirror: 'hub.example' },
    })
})
