import { describe, expect, test } from 'vitest'
import { codeAndRole, DAY, GUN, Story } from '../story.js'

describe('expired metadata', () => {
  test.each(['root', 'timestamp', 'snapshot', 'targets'] as const)(
    "of %s is refused on first use, with its date in Docker's words (VER-32..34, ROOT-03)",
    async (role) => {
      const story = new Story()
      story.collection.setExpiry(role, new Date('2026-02-28T23:59:59Z')).publish()
      const refusal = await story.refused()
      expect(codeAndRole(refusal)).toEqual({ code: 'ERR_METADATA_EXPIRED', role })
      expect(refusal).toMatchObject({
        kind: 'stale',
        message: `remote repository ${GUN} out-of-date: ${role} expired at 2026-02-28T23:59:59.000Z`,
      })
    },
  )

  test.each(['timestamp', 'snapshot', 'targets'] as const)(
    'of %s is refused with a good cache too, which stays (VER-36)',
    async (role) => {
      const story = new Story()
      await story.verify()
      story.collection.setExpiry(role, new Date('2026-02-28T23:59:59Z')).publish()
      expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_EXPIRED', role })
      expect((await story.verify('alpine:3.19', { offline: true })).freshness).toBe('offline')
    },
  )

  test('is judged at the moment of expiry: then it is out', async () => {
    const story = new Story()
    story.now = new Date(story.collection.now.getTime() + 14 * DAY - 1)
    expect((await story.verify()).status).toBe('trusted')
    story.now = new Date(story.now.getTime() + 1)
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_EXPIRED', role: 'timestamp' })
  })

  test('of cached targets is refused after years, until they are signed again', async () => {
    const story = new Story()
    await story.verify()
    story.wait(3 * 366).collection.touchTimestamp()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_EXPIRED', role: 'snapshot' })
    const digest = story.collection.sign('3.19', 'again')
    story.collection.publish()
    expect((await story.verify()).digest).toBe(digest)
  })

  test.each([
    ['with nanoseconds', '2026-03-15T12:00:00.123456789Z', '2026-03-15T12:00:00.123Z'],
    ['with an offset', '2026-03-15T14:00:00+02:00', '2026-03-15T12:00:00.000Z'],
    ['in 9999', '9999-12-31T23:59:59Z', '2029-03-01T12:00:00.000Z'],
  ])('dates %s are read (VER-12, VER-15, ATK-25)', async (_, expires, answer) => {
    const story = new Story()
    story.collection.tamper('timestamp', { before: (signed) => void Object.assign(signed, { expires }) }).publish()
    expect((await story.verify()).expires).toBe(answer)
  })

  test.each([
    '2026-03-15',
    '2026-03-15t12:00:00z',
    '2026-03-15 12:00:00Z',
    '2026-03-15T12:00:00',
    '2026-03-15T12:00:00+0200',
    '2026-03-15T12:00:00+24:00',
    '2026-03-15T24:00:00Z',
    '2026-03-15T12:00:60Z',
    '2026-03-15T12:00:05,5Z',
    '2027-02-29T12:00:00Z',
    '+12026-03-15T12:00:00Z',
    'Sun, 15 Mar 2026 12:00:00 GMT',
    'x 2099 (comment)',
    '',
  ])('the date %j is malformed (VER-10, VER-11, VER-13..20, VER-23, VER-26)', async (expires) => {
    const story = new Story()
    story.collection.tamper('timestamp', { before: (signed) => void Object.assign(signed, { expires }) }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'timestamp' })
  })

  test('expires is the earliest among root, timestamp, snapshot, targets and the role that answers', async () => {
    const story = new Story()
    story.collection.delegate('targets/releases').delegate('targets/alice')
    for (const role of ['targets/releases', 'targets/alice']) story.collection.sign('3.20', 'x', { role })
    const at = (day: number) => new Date(`2026-03-0${day}T12:00:00Z`)
    story.collection.setExpiry('targets/releases', at(5)).setExpiry('targets', at(6)).setExpiry('targets/alice', at(3)).publish()
    expect((await story.verify('alpine:3.20')).expires).toBe('2026-03-05T12:00:00.000Z')
    expect((await story.verify('alpine:3.19')).expires).toBe('2026-03-06T12:00:00.000Z')
  })
})

describe('what expires within six months', () => {
  const soon = new Date('2026-08-31T00:00:00Z')
  const later = new Date('2026-09-02T00:00:00Z')

  test.each(['root', 'targets', 'snapshot', 'targets/releases'])('is warned about: %s', async (role) => {
    const story = new Story()
    story.collection.delegate('targets/releases').sign('3.20', 'x', { role: 'targets/releases' })
    story.collection.setExpiry(role, soon).publish()
    const near = (await story.verify()).warnings.filter(({ code }) => code === 'WARN_NEAR_EXPIRY')
    expect(near).toEqual([
      { code: 'WARN_NEAR_EXPIRY', message: `the ${role} metadata of ${GUN} expires at ${soon.toISOString()}` },
    ])
    story.collection.setExpiry(role, later).publish()
    expect((await story.verify()).warnings.filter(({ code }) => code === 'WARN_NEAR_EXPIRY')).toEqual([])
  })

  test('is warned about: the root certificate; never the timestamp (CERT-16)', async () => {
    const story = new Story({ roles: { root: { certificate: { notAfter: soon } } } })
    const near = (await story.verify()).warnings.filter(({ code }) => code === 'WARN_NEAR_EXPIRY')
    expect(near).toEqual([{ code: 'WARN_NEAR_EXPIRY', message: expect.stringContaining('certificate') }])
  })
})

describe('a cached root that has expired', () => {
  test('still vouches for its successor (ROOT-32)', async () => {
    const story = new Story()
    story.collection.setExpiry('root', new Date('2026-04-01T00:00:00Z')).publish()
    await story.verify()
    story.wait(60).collection.rotateRoot().publish()
    expect((await story.verify()).rootTrust).toBe('cached-root')
  })

  test('still vouches for its successor over several versions (ROOT-33)', async () => {
    const story = new Story()
    story.collection.setExpiry('root', new Date('2026-04-01T00:00:00Z')).publish()
    await story.verify()
    story.wait(60).collection.rotateRoot().rotateRoot().rotateRoot().publish()
    expect((await story.verify()).status).toBe('trusted')
    expect((await story.floors())['root']).toBe(5)
  })

  test('does not let in a root that it did not sign (ROOT-34)', async () => {
    const story = new Story()
    story.collection.setExpiry('root', new Date('2026-04-01T00:00:00Z')).publish()
    await story.verify()
    story.wait(60).collection.rotateRoot({ signedByOld: false }).publish()
    expect((await story.refused()).code).toBe('ERR_ROOT_ROTATION')
  })

  test('without a successor is refused', async () => {
    const story = new Story()
    story.collection.setExpiry('root', new Date('2026-04-01T00:00:00Z')).publish()
    await story.verify()
    story.wait(60).collection.touchTimestamp()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_EXPIRED', role: 'root' })
  })

  test('is renewed by root.json alone, when the server has no numbered roots', async () => {
    const story = new Story()
    story.collection.setExpiry('root', new Date('2026-04-01T00:00:00Z')).publish()
    await story.verify()
    story.wait(60).collection.rotateRoot().publish()
    story.transport.faults.set('3.root', 'missing')
    expect((await story.verify()).warnings.map(({ code }) => code)).toContain('WARN_LEGACY_ROOT')
  })
})

describe('a cached root whose certificate has ended', () => {
  const short = { roles: { root: { certificate: { notAfter: new Date('2026-04-01T00:00:00Z') } } } }

  test('still vouches for its successor, with one request more and no stop (ROOT-35)', async () => {
    const story = new Story(short)
    await story.verify()
    story
      .wait(60)
      .collection.rotateRoot({ certificate: { notAfter: new Date('2036-01-01T00:00:00Z') } })
      .publish()
    expect((await story.verify()).rootTrust).toBe('cached-root')
  })

  test('without a successor is refused: which key, since when, what can be done (CVE-34)', async () => {
    const story = new Story(short)
    await story.verify()
    story.wait(60).collection.touchTimestamp()
    const refusal = await story.refused()
    expect(codeAndRole(refusal)).toEqual({ code: 'ERR_CERTIFICATE_EXPIRED', role: 'root' })
    expect(refusal.message).toContain('2026-04-01T00:00:00.000Z')
    expect(refusal.message).toContain(story.collection.keys('root')[0]?.id)
    expect(refusal.hint).toContain('rotate the root key')
  })

  test('is refused offline too', async () => {
    const story = new Story(short)
    await story.verify()
    story.wait(60).collection.touchTimestamp()
    expect((await story.refused('alpine:3.19', { offline: true })).code).toBe('ERR_CERTIFICATE_EXPIRED')
  })

  test('followed by one whose certificate has ended too is refused', async () => {
    const story = new Story(short)
    await story.verify()
    const ended = { notBefore: new Date('2026-03-01T00:00:00Z'), notAfter: new Date('2026-04-15T00:00:00Z') }
    story.wait(60).collection.rotateRoot({ certificate: ended }).publish()
    expect((await story.refused()).code).toBe('ERR_CERTIFICATE_EXPIRED')
  })

  test("is no matter for keys other than root's (CERT-45)", async () => {
    const ended = {
      type: 'ecdsa-x509',
      certificate: {
        subject: { cn: 'somebody' },
        notAfter: new Date('2026-02-01T00:00:00Z'),
        notBefore: new Date('2025-02-01T00:00:00Z'),
      },
    } as const
    expect((await new Story({ roles: { targets: ended, snapshot: ended, timestamp: ended } }).verify()).status).toBe('trusted')
  })
})
