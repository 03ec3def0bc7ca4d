import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { sha256Hex } from '../../src/crypto/hash.js'
import { Budget } from '../../src/trust/budget.js'
import { raiseFloors } from '../../src/trust/cached-floors.js'
import { RootChain } from '../../src/trust/root-chain.js'
import type { VersionFloor, VersionFloors } from '../../src/trust/version-floors.js'
import { ed25519Signer, type Signer } from '../crypto/made-keys.js'
import {
  canonicalOf,
  type Document,
  delegatingTo,
  fileEntry,
  GUN,
  rootDocument,
  SIGNERS,
  signedFile,
  snapshotDocument,
  spoilt,
  targetsDocument,
  timestampDocument,
} from '../metadata/documents.js'

const { alice, bob } = SIGNERS
const STRANGER = ed25519Signer('nobody')

interface Written {
  readonly role: string
  readonly document: Document
  readonly signers: readonly Signer[]
  readonly keys: readonly Signer[]
}

const written = (role: string, document: Document, keys: readonly Signer[], version: number): Written => ({
  role,
  document: { ...document, version },
  signers: keys,
  keys,
})

const NO_DELEGATIONS: Document = { ...targetsDocument(), delegations: null }
/** alice delegates to a deputy, whose key is bob's. */
const ALICES = delegatingTo([bob], [{ name: 'targets/alice/deputy', keyids: [bob.key.id], paths: [''], threshold: 1 }])

/** A cache with a file of every kind. Each has another version, so that no floor can be taken for another. */
const SET = {
  root: written('root', rootDocument(), [SIGNERS.root], 2),
  timestamp: written('timestamp', timestampDocument(), [SIGNERS.timestamp], 3),
  snapshot: written('snapshot', snapshotDocument(), [SIGNERS.snapshot], 4),
  targets: written('targets', targetsDocument(), [SIGNERS.targets], 5),
  releases: { ...written('targets/releases', NO_DELEGATIONS, [alice, bob], 6), signers: [bob] },
  alice: written('targets/alice', ALICES, [alice], 7),
  deputy: written('targets/alice/deputy', NO_DELEGATIONS, [bob], 8),
}

const fileOf = ({ document, signers }: Written): Uint8Array => signedFile(document, signers)

function files(...all: readonly Written[]): Map<string, Uint8Array> {
  return new Map(all.map((file) => [file.role, fileOf(file)]))
}

/** What the file of a role leaves; for a timestamp what it vouches for counts instead of all that is signed. */
function floor(file: Written): VersionFloor {
  return {
    version: Number(file.document['version']),
    content: sha256Hex(utf8(canonicalOf(file.document))),
    keys: file.keys.map(({ key }) => key.id).sort(),
    threshold: 1,
    signers: file.signers.map(({ key }) => key.id).sort(),
    file: sha256Hex(fileOf(file)),
  }
}

function raised(cached: ReadonlyMap<string, Uint8Array>, known: VersionFloors = new Map(), root: Written = SET.root) {
  return raiseFloors(GUN, RootChain.start(GUN, fileOf(root), new Budget()).root, cached, known)
}

const all = Object.values(SET)
const without = (role: string): Written[] => all.filter((file) => file.role !== role)

describe('a cache without floors of its own', () => {
  test('every file leaves one, delegations of delegations too', () => {
    const floors = raised(files(...all))
    expect([...floors.keys()]).toEqual(all.map(({ role }) => role))
    for (const file of without('timestamp')) expect(floors.get(file.role)).toMatchObject([floor(file)])
    const { content, ...rest } = floor(SET.timestamp)
    expect(floors.get('timestamp')).toMatchObject([rest])
    expect(floors.get('timestamp')?.[0]?.content).not.toBe(content)
  })

  test('the file of a delegation that the snapshot does not list is left over: its floor waits', () => {
    const meta = { ...Object(snapshotDocument()['meta']), 'targets/alice': fileEntry(fileOf(SET.alice)) }
    const snapshot = written('snapshot', { ...snapshotDocument(), meta }, [SIGNERS.snapshot], 4)
    const floors = raised(files(...without('snapshot'), snapshot))
    expect(floors.get('targets/alice')).toEqual([floor(SET.alice)])
    expect(floors.get('targets/alice/deputy')).toEqual([{ ...floor(SET.deputy), ended: true }])
  })

  test('a file that was accepted for another role before leaves none', () => {
    const known = new Map([['targets/releases', [floor(SET.alice)]]])
    const floors = raised(files(...all), known)
    expect(floors.has('targets/alice')).toBe(false)
    expect(floors.has('targets/alice/deputy')).toBe(false)
  })

  test('a timestamp leaves what it vouches for, not its date', () => {
    const later = { ...SET.timestamp, document: { ...SET.timestamp.document, expires: '2031-01-01T00:00:00Z' } }
    const contents = [SET.timestamp, later].map((file) => raised(files(file)).get('timestamp')?.[0]?.content)
    expect(contents[0]).toBe(contents[1])
    const other = spoilt(SET.timestamp.document, ['meta', 'snapshot'], fileEntry(utf8('another')))
    expect(raised(files({ ...SET.timestamp, document: other })).get('timestamp')?.[0]?.content).not.toBe(contents[0])
  })

  test('all hashes that it names count', () => {
    const named = (hashes: Document) => {
      const document = spoilt(SET.timestamp.document, ['meta', 'snapshot', 'hashes'], hashes)
      return raised(files({ ...SET.timestamp, document })).get('timestamp')?.[0]?.content
    }
    const [one, other] = ['one', 'other'].map((text) => Object(fileEntry(utf8(text))['hashes']))
    const contents = [one, { ...one, sha256: other.sha256 }, { ...one, sha512: other.sha512 }].map(named)
    for (const name of ['sha256', 'sha512']) for (const { [name]: hash } of [one, other]) contents.push(named({ [name]: hash }))
    expect(new Set(contents).size).toBe(7)
  })

  test('what expired leaves one as well', () => {
    const long = all.map((file) => ({ ...file, document: { ...file.document, expires: '2001-01-01T00:00:00Z' } }))
    expect([...raised(files(...long)).values()].flat().map(({ version }) => version)).toEqual([2, 3, 4, 5, 6, 7, 8])
  })

  test.each(['timestamp', 'snapshot', 'targets/releases', 'targets/alice/deputy'])('without %s the others say theirs', (role) => {
    expect([...raised(files(...without(role))).keys()]).toEqual(without(role).map((file) => file.role))
  })

  test.each(['targets', 'targets/alice'])('files below %s are ignored when its own file is gone', (role) => {
    const left = all.filter((file) => file.role !== role && !file.role.startsWith(`${role}/`))
    expect([...raised(files(...without(role))).keys()]).toEqual(left.map((file) => file.role))
  })

  test.each(all.slice(1).map((file) => [file.role, file] as const))(
    '%s that others signed, or garbage, says nothing',
    (role, file) => {
      for (const bytes of [signedFile(file.document, [STRANGER]), utf8('garbage'), utf8('{}')]) {
        expect(raised(files(...all).set(role, bytes)).has(role)).toBe(false)
      }
    },
  )

  test('a file of a role that is not delegated is ignored', () => {
    expect([...raised(files(SET.root, SET.targets, { ...SET.alice, role: 'targets/carol' })).keys()]).toEqual(['root', 'targets'])
  })

  test('the root alone', () => {
    expect([...raised(new Map())]).toEqual([])
    expect([...raised(files(SET.root))]).toEqual([['root', [floor(SET.root)]]])
  })
})

describe('beside known floors', () => {
  /** Floors that say the same of each role, with changes. */
  const known = (change: (floor: VersionFloor, role: string) => Partial<VersionFloor>): VersionFloors =>
    new Map([...raised(files(...all))].map(([role, floors]) => [role, floors.map((one) => ({ ...one, ...change(one, role) }))]))
  const elsewhere = { content: 'of another file', file: 'another file' }

  test('lower ones are raised', () => {
    const lower = known(({ version }) => ({ ...elsewhere, version: version - 1 }))
    expect(raised(files(...all), lower)).toEqual(raised(files(...all)))
  })

  test('higher ones stay, and equal ones too: what was accepted first counts', () => {
    for (const more of [0, 1]) {
      const higher = known(({ version }) => ({ ...elsewhere, version: version + more }))
      expect(raised(files(...all), higher)).toEqual(higher)
    }
  })

  test('floors of other keys are kept beside those of the files', () => {
    const past = known(({ version }) => ({ ...elsewhere, version: version + 100, keys: [STRANGER.key.id] }))
    const fromFiles = raised(files(...all))
    for (const [role, floors] of raised(files(...all), past))
      expect(floors).toEqual([...(past.get(role) ?? []), ...(fromFiles.get(role) ?? [])])
  })

  test('roles that the cache has no file of keep theirs', () => {
    const gone = [{ version: 9, keys: [STRANGER.key.id], threshold: 1, signers: [], ...elsewhere }]
    expect(raised(files(...all), new Map([['targets/gone', gone]])).get('targets/gone')).toEqual(gone)
  })

  test('what is known is not changed', () => {
    const lower = known(({ version }) => ({ ...elsewhere, version: version - 1 }))
    const before = structuredClone(lower)
    raised(files(...all), lower)
    expect(lower).toEqual(before)
  })

  test('files that were all taken into account already are not read again', () => {
    const same = known(({ version }) => ({ version: version + 1, content: 'anything' }))
    expect(raised(files(...all), same)).toBe(same)
    const one = new Map(same).set('targets', [{ ...elsewhere, version: 1, keys: [], threshold: 1, signers: [] }])
    expect(raised(files(...all), one).get('targets')).toEqual([floor(SET.targets)])
  })
})

test('a root that two keys share: the others are asked with the keys that it names', () => {
  const root = written(
    'root',
    rootDocument({ root: { keys: [alice, bob], threshold: 2 }, targets: { keys: [alice] } }),
    [alice, bob],
    3,
  )
  const targets = written('targets', NO_DELEGATIONS, [alice], 2)
  const floors = raised(files(root, targets, SET.snapshot), new Map(), root)
  expect(Object.fromEntries(floors)).toEqual({
    root: [{ ...floor(root), threshold: 2 }],
    targets: [floor(targets)],
    snapshot: [floor(SET.snapshot)],
  })
})
