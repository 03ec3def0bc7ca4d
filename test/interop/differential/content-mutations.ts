/** Mutations of versions, dates, declared files, delegations and targets. The holder of the keys signs all of them. */
import type { DelegationDocument, FileDocument } from '../../../src/testing/index.js'
import { ENDED } from './dates.js'
import { type Draft, RELEASES, type Signed } from './draft.js'
import type { Mutation } from './signature-mutations.js'

/** A change before the file is signed. */
export function insider(name: string, change: (signed: Signed, draft: Draft, role: string) => void): Mutation {
  return [name, (draft, role) => draft.spoil(role, { before: (signed) => change(signed, draft, role) })]
}

export const COUNT_BACK: Mutation = [
  'version: the first again, signed at a later state',
  (draft, role) => void (role === 'root' || draft.collection.setVersion(role, 1)),
]

export const VERSION_MUTATIONS: readonly Mutation[] = [
  ...[0, -1, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, 2 ** 53].map((version) =>
    insider(`version: ${version}`, (signed) => void Object.assign(signed, { version })),
  ),
  insider('version: one less', (signed) => void signed.version--),
  insider('version: one more', (signed) => void signed.version++),
  insider('version: two less', (signed) => void Object.assign(signed, { version: signed.version - 2 })),
  COUNT_BACK,
]

export const DATE_MUTATIONS: readonly Mutation[] = [
  insider('date: years ago', (signed) => void Object.assign(signed, { expires: ENDED.toISOString() })),
  ...[
    '9999-12-31T23:59:59Z',
    '10000-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '2056-02-30T00:00:00Z',
    '2056-06-30T23:59:60Z',
    '2056-06-30T24:00:00Z',
    '2056-06-30t00:00:00z',
    '2056-06-30 00:00:00Z',
    '2056-06-30T00:00:00',
    '2056-06-30T00:00:00+0100',
    '2056-06-30T00:00:00+24:00',
    '2056-06-30T00:00:00+23:60',
    '2056-06-30T00:00:00,5Z',
    '2056-06-30T0:00:00Z',
    '2056-06-30T00:00:00.1234567890123Z',
    '2056-06-30T00:00:00.Z',
    '2056-06-30',
    ' 2056-06-30T00:00:00Z',
    '',
  ].map((date) => insider(`date: ${JSON.stringify(date)}`, (signed) => void Object.assign(signed, { expires: date }))),
]

/** The entry of a file in timestamp or snapshot. */
function declared(name: string, change: (file: FileDocument, draft: Draft) => void): Mutation {
  return [
    `declared: ${name}`,
    (draft, role) => {
      const above = role === 'snapshot' || role === 'timestamp' ? 'timestamp' : 'snapshot'
      // A timestamp may be renewed with the same version; this one differs in content.
      if (above === 'timestamp') draft.spoil('snapshot', {})
      draft.aim(above === 'timestamp' ? 'snapshot' : role)
      draft.spoil(above, {
        before: (signed) => {
          const file = Object(signed['meta'])[above === 'timestamp' ? 'snapshot' : role]
          // Another mutation may have made it unreadable.
          if (Object(file) === file && Object(file.hashes) === file.hashes) change(file, draft)
        },
      })
    },
  ]
}

const flip = (hash: unknown): string =>
  Buffer.from(Buffer.from(typeof hash === 'string' ? hash : '', 'base64').map((byte) => byte ^ 1)).toString('base64')

export const DECLARED_MUTATIONS: readonly Mutation[] = [
  declared('a byte more', (file) => void file.length++),
  declared('a byte less', (file) => void file.length--),
  declared('length 0', (file) => void Object.assign(file, { length: 0 })),
  declared('length -1', (file) => void Object.assign(file, { length: -1 })),
  declared('a petabyte', (file) => void Object.assign(file, { length: 1e15 })),
  declared('sha256 alone', ({ hashes }) => void Reflect.deleteProperty(hashes, 'sha512')),
  declared('sha512 alone', ({ hashes }) => void Reflect.deleteProperty(hashes, 'sha256')),
  declared('sha512 alone, and wrong', (file) => void Object.assign(file, { hashes: { sha512: flip(file.hashes['sha512']) } })),
  declared('no hashes', (file) => void Object.assign(file, { hashes: {} })),
  declared('an unknown hash alone', (file) => void Object.assign(file, { hashes: { md5: 'AAAA' } })),
  declared('an unknown hash too', ({ hashes }) => void Object.assign(hashes, { md5: 'AAAA' })),
  declared('another sha256', ({ hashes }) => void Object.assign(hashes, { sha256: flip(hashes['sha256']) })),
  declared('another sha512', ({ hashes }) => void Object.assign(hashes, { sha512: flip(hashes['sha512']) })),
  declared('sha256 cut', ({ hashes }) => void Object.assign(hashes, { sha256: flip(hashes['sha256']).slice(0, 40) })),
  declared('sha512 cut', ({ hashes }) => void Object.assign(hashes, { sha512: flip(hashes['sha512']).slice(0, 40) })),
  declared('sha256 empty', ({ hashes }) => void Object.assign(hashes, { sha256: '' })),
  insider('declared: an entry gone', (signed, draft) => {
    const meta = Object(signed['meta'])
    const names = Object.keys(meta)
    if (names.length > 0) Reflect.deleteProperty(meta, draft.random.pick(names))
  }),
  [
    'declared: a delegation gone',
    (draft) => {
      const role = draft.random.pick(['', ...draft.signedDelegations])
      draft.aim('snapshot')
      draft.spoil('snapshot', { before: ({ meta }) => void Reflect.deleteProperty(Object(meta), role) })
    },
  ],
  insider(
    'declared: an entry for a role that is not there',
    (signed) => void Object.assign(Object(signed['meta']), { 'targets/nobody': { length: 1, hashes: { sha256: '' } } }),
  ),
  insider('declared: a file under the name of another', (signed) => {
    const meta = Object(signed['meta'])
    const [first, second] = Object.keys(meta)
    if (first !== undefined && second !== undefined) meta[first] = meta[second]
  }),
]

/** One of the delegations that a role lists. */
function onDelegation(
  name: string,
  change: (role: DelegationDocument, draft: Draft, all: DelegationDocument[]) => void,
): Mutation {
  return [
    `delegation: ${name}`,
    (draft) => {
      const holder = draft.random.pick(['targets', 'targets', ...draft.signedDelegations])
      draft.aim(holder)
      draft.spoil(holder, {
        before: (signed) => {
          const roles: DelegationDocument[] = Object(signed['delegations']).roles ?? []
          if (roles.length > 0) change(draft.random.pick(roles), draft, roles)
        },
      })
    },
  ]
}

const BAD_NAMES = [
  'targets',
  'targets/',
  'targets/../x',
  'targets//x',
  'targets/a/b/c',
  'targets/BIG',
  'targets/releases',
  'targets/ä',
  'other/x',
  'root',
  'targets/x.y',
  `targets/${'x'.repeat(250)}`,
  '',
]

export const DELEGATION_MUTATIONS: readonly Mutation[] = [
  ...BAD_NAMES.map((name) =>
    onDelegation(`named ${JSON.stringify(name.slice(0, 20))}`, (role) => void Object.assign(role, { name })),
  ),
  onDelegation('listed twice', (role, _, all) => void all.push({ ...role })),
  onDelegation('listed twice with other keys', (role, _, all) => void all.push({ ...role, keyids: [], threshold: 1 })),
  onDelegation('without paths', (role) => void Object.assign(role, { paths: [] })),
  onDelegation(
    'with other paths',
    (role, { random }) =>
      void Object.assign(role, { paths: random.pick([['nothing'], ['/'], ['*'], ['lat', 'lat'], ['latest/'], ['v1', '']]) }),
  ),
  onDelegation('with path hash prefixes', (role) => void Object.assign(role, { path_hash_prefixes: ['00'] })),
  onDelegation('terminating', (role) => void Object.assign(role, { terminating: true })),
  onDelegation('in another order', (_, __, all) => void all.reverse()),
  [
    'delegation: releases lost its keys',
    (draft) => {
      draft.aim(RELEASES)
      if (draft.delegations.includes(RELEASES)) draft.collection.setDelegationKeys(RELEASES, { keys: 0, threshold: 1 })
    },
  ],
  [
    'delegation: other keys, the file not signed anew',
    (draft) => {
      const role = draft.random.pick(['', ...draft.signedDelegations])
      draft.aim(role)
      if (role !== '') draft.collection.setDelegationKeys(role, draft.signers(role), { resign: false })
    },
  ],
]

/** A target without a clear answer. */
export const TARGET_MUTATIONS: readonly Mutation[] = [
  ['no sha256', (hashes: Record<string, string>) => void Reflect.deleteProperty(hashes, 'sha256')],
  ['sha256 cut', (hashes: Record<string, string>) => void Object.assign(hashes, { sha256: flip(hashes['sha256']).slice(0, 40) })],
  [
    'sha256 too long',
    (hashes: Record<string, string>) => void Object.assign(hashes, { sha256: Buffer.alloc(33, 1).toString('base64') }),
  ],
  ['SHA256 in upper case', (hashes: Record<string, string>) => void Object.assign(hashes, { SHA256: flip(hashes['sha256']) })],
].map(([name, change]): Mutation => {
  const spoilAll = (signed: Signed): void => {
    for (const { hashes } of Object.values<FileDocument>(Object(signed['targets'])))
      if (typeof change === 'function') change(hashes)
  }
  const apply = (draft: Draft): void => {
    draft.aim('targets')
    draft.spoil('targets', { before: spoilAll })
  }
  return [`target: ${String(name)}`, apply]
})
