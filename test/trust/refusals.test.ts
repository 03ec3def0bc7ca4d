import { describe, expect, test } from 'vitest'
import { StaleError, type TrustError, UntrustedError } from '../../src/errors.js'
import {
  brokenRotation,
  equivocation,
  expired,
  forgotten,
  hashMismatch,
  insufficientSignatures,
  pinMismatch,
  rollback,
  tooLarge,
  untrustedRoot,
} from '../../src/trust/refusals.js'

const GUN = 'docker.io/library/alpine'
const SUBJECT = { gun: GUN, role: 'targets' }

describe('a refusal says whose metadata it is, and shows the evidence', () => {
  test.each<[string, () => TrustError, string, unknown]>([
    ['ERR_METADATA_EXPIRED', () => expired(SUBJECT, 0), 'targets', { expires: '1970-01-01T00:00:00.000Z' }],
    [
      'ERR_SIGNATURE_THRESHOLD',
      () => insufficientSignatures(SUBJECT, { validSignatures: 1, threshold: 2 }),
      'targets',
      { validSignatures: 1, threshold: 2 },
    ],
    ['ERR_VERSION_ROLLBACK', () => rollback(SUBJECT, 3, 4), 'targets', { version: 3, floor: 4 }],
    ['ERR_VERSION_ROLLBACK', () => forgotten({ gun: GUN, role: 'targets/a' }), 'targets/a', { role: 'targets/a' }],
    ['ERR_EQUIVOCATION', () => equivocation(SUBJECT, 3, 'aa', 'bb'), 'targets', { version: 3, accepted: 'aa', offered: 'bb' }],
    ['ERR_ROOT_UNTRUSTED', () => untrustedRoot(GUN, 'why', { threshold: 1 }), 'root', { threshold: 1 }],
    ['ERR_ROOT_UNTRUSTED', () => untrustedRoot(GUN, 'why'), 'root', undefined],
    ['ERR_ROOT_ROTATION', () => brokenRotation(GUN, 'why', { asked: 2 }), 'root', { asked: 2 }],
    ['ERR_PIN_MISMATCH', () => pinMismatch(GUN, 'why', { pin: '*' }), 'root', { pin: '*' }],
    ['ERR_METADATA_TOO_LARGE', () => tooLarge(SUBJECT, 'what', { found: 7 }), 'targets', { found: 7 }],
    ['ERR_HASH_MISMATCH', () => hashMismatch(SUBJECT, 'what', { found: 5 }), 'targets', { found: 5 }],
  ])('%s', (code, refuse, role, evidence) => {
    const error = refuse()
    expect(error).toBeInstanceOf(code === 'ERR_METADATA_EXPIRED' ? StaleError : UntrustedError)
    expect(error).toMatchObject({ code, gun: GUN, role })
    expect(error.evidence).toEqual(evidence)
    expect(error.message).toContain(GUN)
  })

  test('a root is not the one that was expected', () => {
    for (const error of [untrustedRoot(GUN, 'why'), brokenRotation(GUN, 'why', {}), pinMismatch(GUN, 'why', {})])
      expect(error.message).toMatch(/^potential malicious behavior - trust data mismatch for remote repository .*: why$/)
  })

  test('the message says how many signatures there are, and how many are needed', () => {
    const error = insufficientSignatures(SUBJECT, { validSignatures: 1, threshold: 2 })
    expect(error.message).toContain('valid signatures did not meet threshold for targets (1 of 2)')
  })
})
