import { describe, expect, test } from 'vitest'
import { createSigningKey, type Envelope } from '../../../src/testing/index.js'
import { codeAndRole, Story } from '../story.js'

const ROLES = ['timestamp', 'snapshot', 'targets'] as const

/** A role with two keys, both needed; `change` does something to the signatures of its next file. */
function twoOfTwo(role: (typeof ROLES)[number], change: (envelope: Envelope<unknown>) => void): Story {
  const story = new Story({ roles: { [role]: { keys: 2, threshold: 2 } } })
  const tampering = { after: change }
  if (role === 'timestamp') story.collection.tamper(role, tampering)
  else if (role === 'snapshot') story.collection.tamper(role, tampering)
  else story.collection.tamper(role, tampering)
  story.collection.publish()
  return story
}

describe.each(ROLES)('a threshold of two for %s', (role) => {
  const short = { code: 'ERR_SIGNATURE_THRESHOLD', role }

  test('is met by two keys', async () => {
    expect((await twoOfTwo(role, () => undefined).verify()).status).toBe('trusted')
  })

  test.each<[string, (envelope: Envelope<unknown>) => void]>([
    ['no signature (SIG-01)', (envelope) => void Object.assign(envelope, { signatures: [] })],
    ['null for signatures (SIG-01)', (envelope) => void Object.assign(envelope, { signatures: null })],
    ['one signature', ({ signatures }) => void signatures.pop()],
    ['one signature twice (SIG-04, CVE-14)', ({ signatures }) => void signatures.splice(1, 1, ...signatures.slice(0, 1))],
    [
      'one that does not verify (SIG-20)',
      ({ signatures }) => void Object.assign(signatures[1] ?? {}, { sig: Buffer.alloc(64).toString('base64') }),
    ],
    ["one with the other's key ID", ({ signatures }) => void Object.assign(signatures[1] ?? {}, { sig: signatures[0]?.sig })],
    [
      'a key ID in upper case (SIG-09)',
      ({ signatures: [first] }) => void Object.assign(first ?? {}, { keyid: first?.keyid.toUpperCase() }),
    ],
    [
      'an unknown method (SIG-12)',
      ({ signatures: [first] }) => void Object.assign(first ?? {}, { method: 'ecdsa-sha2-nistp256' }),
    ],
    [
      'the method of another kind of key (SIG-14)',
      ({ signatures: [first] }) => void Object.assign(first ?? {}, { method: 'rsapkcs1v15' }),
    ],
    [
      'a Kelvin sign for the k of its method (SIG-11)',
      ({ signatures: [first] }) => void Object.assign(first ?? {}, { method: 'ec\u212asa' }),
    ],
    ['no method (SIG-12)', ({ signatures: [first] }) => void Reflect.deleteProperty(first ?? {}, 'method')],
  ])('is not met with %s', async (_, change) => {
    const refusal = await twoOfTwo(role, change).refused()
    expect(codeAndRole(refusal)).toEqual(short)
    expect(refusal.message).toContain('trust data has insufficient signatures for remote repository')
    expect(refusal.evidence).toMatchObject({ threshold: 2 })
  })

  test.each<[string, (envelope: Envelope<unknown>) => void]>([
    ['a method in upper case (SIG-11)', ({ signatures: [first] }) => void Object.assign(first ?? {}, { method: 'EcDSA' })],
    [
      'a bad signature before the good one of a key (SIG-05)',
      ({ signatures }) => {
        const [first] = signatures
        if (first !== undefined) signatures.unshift({ ...first, sig: Buffer.alloc(64).toString('base64') })
      },
    ],
    [
      'signatures by keys that are not listed (SIG-03, SIG-08)',
      ({ signatures }) => {
        const stranger = createSigningKey()
        for (let n = 0; n < 1000; n++) signatures.unshift({ keyid: stranger.id, method: 'ecdsa', sig: 'AAAA' })
      },
    ],
    ['the signatures in another order (SIG-43)', ({ signatures }) => void signatures.reverse()],
    [
      'a line break in the base64 (SIG-39)',
      ({ signatures: [first] }) =>
        void Object.assign(first ?? {}, { sig: `${first?.sig.slice(0, 40)}\n${first?.sig.slice(40)}` }),
    ],
  ])('is met with %s', async (_, change) => {
    expect((await twoOfTwo(role, change).verify()).status).toBe('trusted')
  })

  test.each<[string, (envelope: Envelope<unknown>) => void]>([
    [
      'base64 without its padding (SIG-40)',
      ({ signatures: [first] }) => void Object.assign(first ?? {}, { sig: first?.sig.replace(/=+$/, '') }),
    ],
    ['signatures that are a text (SIG-02)', (envelope) => void Object.assign(envelope, { signatures: 'x' })],
    ['null among the signatures (SIG-02)', ({ signatures }) => void Object.assign(signatures, { 0: null })],
    ['a number for a method (SIG-13)', ({ signatures: [first] }) => void Object.assign(first ?? {}, { method: 1 })],
  ])('is malformed with %s', async (_, change) => {
    expect(codeAndRole(await twoOfTwo(role, change).refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role })
  })

  test('is not met by the key of another role (SIG-44)', async () => {
    const other = role === 'targets' ? 'snapshot' : 'targets'
    const key = createSigningKey()
    const story = new Story({ roles: { [role]: { keys: [key] }, [other]: { keys: 1 } } })
    story.collection.rotateKey(role)
    const [stranger] = story.collection.keys(other)
    const change = ({ signatures }: Envelope<unknown>) => {
      for (const one of signatures) Object.assign(one, { keyid: stranger?.id })
    }
    if (role === 'timestamp') story.collection.tamper(role, { after: change })
    else if (role === 'snapshot') story.collection.tamper(role, { after: change })
    else story.collection.tamper(role, { after: change })
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual(short)
  })
})

describe('what is signed', () => {
  test.each(ROLES)('of %s may not change after signing, though the hashes above fit (ATK-02)', async (role) => {
    const story = new Story()
    await story.verify()
    const change = {
      bytes: (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString().replace('"version":2', '"version":3')),
    }
    if (role === 'timestamp') story.collection.tamper(role, change)
    else if (role === 'snapshot') story.collection.tamper(role, change)
    else story.collection.tamper(role, change)
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role })
  })

  test('may not be slipped in under a name that is there twice (ATK-03, ATK-04, JSON-04)', async () => {
    const story = new Story()
    story.collection.tamper('targets', {
      bytes: (bytes) =>
        Buffer.from(
          Buffer.from(bytes)
            .toString()
            .replace('"targets":', '"targets":{"evil":{"hashes":{"sha256":"AAAA"},"length":1}},"targets":'),
        ),
    })
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
  })

  test('may not be slipped in under a name in other case (JSON-08..10)', async () => {
    for (const [from, to] of [
      ['"targets":{', '"Targets":{},"targets":{'],
      ['{"signed"', '{"SIGNED":{},"signed"'],
      ['"_type"', '"_TYPE":"x","_type"'],
    ] as const) {
      const story = new Story()
      story.collection.tamper('targets', { bytes: (bytes) => Buffer.from(Buffer.from(bytes).toString().replace(from, to)) })
      story.collection.publish()
      expect(codeAndRole(await story.refused()), to).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
    }
  })

  test('may not be another role, though the same key signs both (JSON-41)', async () => {
    const key = createSigningKey()
    const story = new Story({ roles: { snapshot: { keys: [key] }, timestamp: { keys: [key] } } })
    story.transport.faults.set('timestamp', story.collection.served('snapshot') ?? 'missing')
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'timestamp' })
  })

  test('may be surrounded by white space (JSON-18) and hold unknown members outside (JSON-28)', async () => {
    const story = new Story()
    story.collection.tamper('timestamp', {
      after: (envelope) => void Object.assign(envelope, { extra: { a: 1 } }),
      bytes: (bytes) => Buffer.from(`\r\n\t ${Buffer.from(bytes).toString()} \n`),
    })
    story.collection.publish()
    expect((await story.verify()).status).toBe('trusted')
  })
})
