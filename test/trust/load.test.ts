import { describe, expect, test } from 'vitest'
import { hex, utf8 } from '../../src/bytes.js'
import { sha256, sha512 } from '../../src/crypto/hash.js'
import { UntrustedError } from '../../src/errors.js'
import type { FileMeta } from '../../src/metadata/model.js'
import { checkFile } from '../../src/trust/load.js'

const SUBJECT = { gun: 'docker.io/library/alpine', role: 'snapshot' }
const FILE = utf8('a file')
const META: FileMeta = { length: FILE.length, hashes: { sha256: sha256(FILE), sha512: sha512(FILE) } }

/** What the file is refused with. */
function refusal(file: Uint8Array, meta: FileMeta | undefined): UntrustedError {
  try {
    checkFile(file, meta, SUBJECT)
  } catch (error) {
    if (!(error instanceof UntrustedError)) throw error
    expect(error).toMatchObject(SUBJECT)
    return error
  }
  throw new Error('the file was taken')
}

describe('a file and what the role above says of it', () => {
  test('the declared file is accepted, with either hash or both', () => {
    for (const hashes of [META.hashes, { sha256: sha256(FILE) }, { sha512: sha512(FILE) }])
      expect(() => checkFile(FILE, { ...META, hashes }, SUBJECT)).not.toThrow()
  })

  test('a byte more is too large, a byte less is another file; both say the lengths', () => {
    const more = refusal(utf8('a file!'), META)
    expect(more).toMatchObject({ code: 'ERR_METADATA_TOO_LARGE', evidence: { declared: 6, found: 7 } })
    expect(more.message).toContain('snapshot: 7 bytes, 6 declared')
    const less = refusal(utf8('a fil'), META)
    expect(less).toMatchObject({ code: 'ERR_HASH_MISMATCH', evidence: { declared: 6, found: 5 } })
    expect(less.message).toContain('snapshot: 5 bytes, 6 declared')
  })

  test.each(['sha256', 'sha512'] as const)('other bytes of that length: the error says the %s that was signed', (algorithm) => {
    const declared = algorithm === 'sha256' ? sha256(FILE) : sha512(FILE)
    const error = refusal(utf8('b file'), { ...META, hashes: { [algorithm]: declared } })
    expect(error).toMatchObject({ code: 'ERR_HASH_MISMATCH', evidence: { algorithm, declared: hex(declared) } })
  })

  test('a file that the role above does not list is refused', () => {
    const error = refusal(FILE, undefined)
    expect(error).toMatchObject({ code: 'ERR_HASH_MISMATCH', evidence: {} })
    expect(error.message).toContain('snapshot: the snapshot names none')
  })
})
