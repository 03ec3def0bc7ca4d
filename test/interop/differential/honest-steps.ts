/** The steps of honest publishers: a first collection and its changes. No step may change a verdict. */
import { createHash } from 'node:crypto'
import { createSigningKey } from '../../../src/testing/index.js'
import { LASTING } from './dates.js'
import { type Draft, RELEASES, type Signed } from './draft.js'
import { createSeededKey } from './seeded-keys.js'

export const NAMES = ['latest', 'v1.0', 'v1.0-RC', 'stable/x', 'with space', 'ü \u{1f433}', '__proto__', 'a"b\\c'] as const
const PATHS: readonly (readonly string[])[] = [[''], [''], [''], ['v'], ['stable/', 'v1'], ['stable/x'], ['latest', 'nothing']]

/** Signs some names in targets and in some delegations, each with its own digest in each role. */
export function firstCollection(draft: Draft): void {
  const { collection, random } = draft
  collection.sign('latest', 'latest')
  for (const role of random.shuffled([RELEASES, 'targets/alice', 'targets/bob']).slice(0, random.int(4))) {
    addDelegation(draft, role)
    if (random.chance(0.3)) addDelegation(draft, `${role}/${random.pick(['deep', 'releases'])}`)
  }
  signSome(draft)
  if (random.chance(0.2)) collection.setVersion('targets', random.pick([2, 7, 1_000_000]))
  if (random.chance(0.2)) collection.setVersion('timestamp', random.pick([3, 40_000]))
}

function addDelegation(draft: Draft, role: string): void {
  const { collection, random } = draft
  // One key may sign for several roles.
  const keys = random.chance(0.1)
    ? { keys: collection.keys(random.pick(['targets', 'snapshot'])), threshold: 1 }
    : draft.signers(role)
  draft.delegate(role, { ...keys, paths: random.pick(PATHS) })
}

function signSome(draft: Draft): void {
  const { collection, random } = draft
  for (let left = 1 + random.int(5); left > 0; left--) {
    const role = random.pick(['targets', ...draft.delegations.filter((one) => collection.keys(one).length > 0)])
    const name = random.pick(NAMES)
    const sha512 = random.chance(0.2) ? { sha512: createHash('sha512').update(name).digest('base64') } : {}
    const custom = random.chance(0.2) ? { custom: { Text: 'ä \u2028\n', list: [0, -1, null], empty: {} } } : {}
    collection.sign(name, `${role} ${name} ${random.int(3)}`, {
      role,
      size: random.pick([0, 1, 528, 4_000_000_000]),
      ...sha512,
      ...custom,
    })
  }
}

type Step = readonly [name: string, apply: (draft: Draft) => void]

const NEXT_STEPS: readonly Step[] = [
  ['more names', signSome],
  ['a timestamp alone', ({ collection }) => void collection.setVersion('timestamp', collection.version('timestamp') + 1)],
  ['new root keys', (draft) => void draft.collection.rotateRoot(draft.signers('root'))],
  ['two new roots', (draft) => void draft.collection.rotateRoot(draft.signers('root')).rotateRoot(draft.signers('root'))],
  ['a new timestamp key', (draft) => void draft.collection.rotateKey('timestamp', draft.signers('timestamp'))],
  ['a new snapshot key', (draft) => void draft.collection.rotateKey('snapshot', draft.signers('snapshot'))],
  ['new targets keys', (draft) => void draft.collection.rotateKey('targets', draft.signers('targets'))],
  ['one more delegation', (draft) => addDelegation(draft, `targets/new${draft.delegations.length}`)],
  [
    'new keys of a delegation',
    (draft) => {
      const role = draft.random.pick(['', ...draft.delegations])
      if (role !== '') draft.collection.setDelegationKeys(role, draft.signers(role))
    },
  ],
  [
    'one delegation less',
    (draft) => {
      const role = draft.random.pick(['', ...draft.delegations])
      if (role !== '') draft.undelegate(role)
    },
  ],
  ['a name taken away', ({ collection, random }) => void collection.remove(random.pick(NAMES.slice(1)))],
]

/** The changes from one honest state to the next. */
export function nextHonest(draft: Draft): void {
  for (let left = 1 + draft.random.int(2); left > 0; left--) {
    const [name, apply] = draft.random.pick(NEXT_STEPS)
    draft.did(`honest step: ${name}`)
    apply(draft)
  }
}

/** A server may give its timestamp a new date with the same version, if it names the same snapshot. */
export function renewTimestamp(draft: Draft): void {
  const { collection, random } = draft
  draft.did('honest step: a timestamp with another date and the same number')
  const expires = new Date(LASTING.getTime() - 86_400_000 * (1 + random.int(300)))
  collection.setExpiry('timestamp', expires).setVersion('timestamp', collection.version('timestamp'))
}

/** Files in the form of other honest writers. */
const ODDITIES: readonly (readonly [name: string, apply: (draft: Draft, role: string) => void])[] = [
  [
    'unknown members',
    (draft, role) => draft.spoil(role, { before: (signed) => void Object.assign(signed, { note: { A: 1, a: [null, 'ü'] } }) }),
  ],
  [
    'a date with offset',
    (draft, role) =>
      draft.spoil(role, { before: (signed) => void Object.assign(signed, { expires: offsetDate(draft, signed.expires) }) }),
  ],
  [
    'a date with nanoseconds',
    (draft, role) =>
      draft.spoil(role, {
        before: (signed) => void Object.assign(signed, { expires: `${signed.expires}`.replace(/\.\d+/, '.123456789') }),
      }),
  ],
  [
    'a signature by a stranger',
    (draft, role) =>
      draft.spoil(role, {
        after: ({ signatures }) =>
          void signatures.splice(draft.random.int(2), 0, { keyid: 'f'.repeat(64), method: 'ecdsa', sig: 'AAAA' }),
      }),
  ],
  [
    'a method in upper case',
    (draft, role) =>
      draft.spoil(role, {
        after: ({ signatures }) => {
          for (const one of signatures) one.method = one.method.toUpperCase()
        },
      }),
  ],
  ['signatures in another order', (draft, role) => draft.spoil(role, { after: ({ signatures }) => void signatures.reverse() })],
  ['indented', (draft, role) => draft.spoil(role, { bytes: indented })],
  ['a line break at the end', (draft, role) => draft.spoil(role, { bytes: (file) => utf8(`${text(file)}\n`) })],
  ['an unused key', (draft, role) => draft.spoil(role, { before: (signed) => listUnusedKey(draft, signed) })],
  [
    'a role that nobody knows',
    (draft) =>
      draft.spoil('root', {
        before: ({ roles }) => void Object.assign(Object(roles), { mirrors: { keyids: null, threshold: 0 } }),
      }),
  ],
  ['null for empty', (draft, role) => draft.spoil(role, { before: nullForEmpty })],
  ['a delegation that lost its keys', loseKeys],
]

/** An unusual but honest file. */
export function oddHonest(draft: Draft): void {
  const [name, apply] = draft.random.pick(ODDITIES)
  const role = draft.random.pick(draft.isNew ? ['root', 'timestamp', 'snapshot', 'targets'] : draft.roles)
  draft.did(`honest file: ${name} (${role})`)
  apply(draft, role)
}

/** A delegation in the state that `notary delegation remove` leaves. */
function loseKeys(draft: Draft): void {
  const name = 'targets/emptied'
  if (!draft.delegations.includes(name)) draft.delegate(name, { keys: 0, threshold: 1 })
  draft.spoil('targets', {
    before: ({ delegations }) => {
      for (const role of Object(delegations).roles) if (role.keyids?.length === 0) role.keyids = null
    },
  })
}

function offsetDate(draft: Draft, date: string): string {
  if (Number.isNaN(Date.parse(date))) return date // another mutation changed it
  const [hours, local] = draft.random.pick([
    ['+05:30', 5.5],
    ['-23:59', -(23 + 59 / 60)],
    ['+00:00', 0],
  ] as const)
  return new Date(Date.parse(date) + local * 3_600_000).toISOString().replace('Z', hours)
}

function indented(file: Uint8Array): Uint8Array {
  try {
    return utf8(JSON.stringify(JSON.parse(text(file)), null, 2))
  } catch {
    return file // another mutation changed it
  }
}

function listUnusedKey(draft: Draft, signed: Signed): void {
  const { id, document } = createSeededKey({
    type: draft.random.pick(['ecdsa', 'ed25519'] as const),
    seed: `${draft.gun} unused`,
  })
  const keys = signed['keys'] ?? Object(signed['delegations']).keys
  if (typeof keys === 'object' && keys !== null) Object.assign(keys, { [id]: document })
}

function nullForEmpty(signed: Signed): void {
  const visit = (value: object): void => {
    for (const [name, member] of Object.entries(value)) {
      if (typeof member !== 'object' || member === null) continue
      const empty = Object.keys(member).length === 0
      if (empty && ['keys', 'roles', 'keyids', 'paths', 'targets'].includes(name)) Object.assign(value, { [name]: null })
      else visit(member)
    }
  }
  visit(signed)
}

export function text(file: Uint8Array): string {
  return Buffer.from(file).toString()
}

export function utf8(content: string): Uint8Array {
  return new Uint8Array(Buffer.from(content))
}

/** A key that the collection does not list. */
export const STRANGER = createSigningKey({ type: 'ed25519', seed: 'stranger' })
