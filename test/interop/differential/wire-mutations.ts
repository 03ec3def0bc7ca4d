/** Mutations on the network or the server: changed bytes; missing, old or swapped files; roots that do not follow. */

import { HAS_ENDED } from './certificate-mutations.js'
import { ENDED } from './dates.js'
import type { Draft, Files } from './draft.js'
import { STRANGER } from './honest-steps.js'
import type { Random } from './random.js'
import type { Mutation } from './signature-mutations.js'

type ByteChange = readonly [name: string, change: (file: Buffer, random: Random) => Uint8Array]

const BYTE_CHANGES: readonly ByteChange[] = [
  [
    'a bit flipped',
    (file, random) => {
      const place = random.int(file.length)
      file.writeUInt8(file.readUInt8(place) ^ (1 << random.int(8)), place)
      return file
    },
  ],
  [
    'a byte changed',
    (file, random) => {
      file.writeUInt8(random.int(256), random.int(file.length))
      return file
    },
  ],
  [
    'a byte gone',
    (file, random) => {
      const place = random.int(file.length)
      return Buffer.concat([file.subarray(0, place), file.subarray(place + 1)])
    },
  ],
  [
    'bytes put in',
    (file, random) => {
      const place = random.int(file.length)
      const some = Buffer.from(random.pick(['0', ' ', ',', '"', '{}', '\\', '\u0000', 'null', '\n', '"version":1,']))
      return Buffer.concat([file.subarray(0, place), some, file.subarray(place)])
    },
  ],
  [
    'a part twice',
    (file, random) => {
      const place = random.int(file.length)
      return Buffer.concat([file.subarray(0, place + 20), file.subarray(place)])
    },
  ],
  ['cut off', (file, random) => file.subarray(0, random.int(file.length))],
]

/** Changes a few bytes of one file; the roles above may declare the result. */
export function mutateBytes(draft: Draft, role: string): void {
  const [what, change] = draft.random.pick(BYTE_CHANGES)
  const parents = draft.random.chance(0.6) ? 'forged' : 'honest'
  draft.did(`bytes of ${role}, ${parents}: ${what}`)
  const choices = draft.random.fork(`${role} bytes`)
  draft.spoil(role, { bytes: (file) => new Uint8Array(change(Buffer.from(file), choices)), parents })
}

function onWire(name: string, change: (files: Files, role: string, before: Files, draft: Draft) => void): Mutation {
  return [`wire: ${name}`, (draft, role) => draft.onWire((files, before) => change(files, role, before, draft))]
}

function withoutNumbers(files: Files): void {
  for (const name of [...files.keys()]) if (/^\d+\.root$/.test(name)) files.delete(name)
}

/** The name itself and, with it, every name with a hash. */
function namesOf(files: Files, role: string): string[] {
  return [...files.keys()].filter((name) => name === role || new RegExp(`^${role}\\.[0-9a-f]{64}$`).test(name))
}

export const WIRE_MUTATIONS: readonly Mutation[] = [
  onWire('the file missing', (files, role) => {
    for (const name of namesOf(files, role)) files.delete(name)
  }),
  onWire('the file missing under its plain name', (files, role) => void files.delete(role)),
  onWire('the files of another', (files, role, _, { random, roles }) => {
    const other = files.get(random.pick(roles)) ?? new Uint8Array()
    for (const name of namesOf(files, role)) files.set(name, other)
  }),
  onWire('HTML', (files, role) => {
    for (const name of namesOf(files, role)) files.set(name, Buffer.from('<!doctype html>'))
  }),
  onWire('nothing with status 200', (files, role) => {
    for (const name of namesOf(files, role)) files.set(name, new Uint8Array())
  }),
  onWire('all files as in the state before', (files, _, before) => {
    if (before.size === 0) return
    files.clear()
    for (const [name, file] of before) files.set(name, file)
  }),
  onWire('the file as in the state before', (files, role, before) => {
    const old = before.get(role)
    if (old !== undefined) for (const name of namesOf(files, role)) files.set(name, old)
  }),
  onWire('the timestamp as in the state before', (files, _, before) => {
    const old = before.get('timestamp')
    if (old !== undefined) files.set('timestamp', old)
  }),
  onWire('the newest root withheld', (files, _, before) => {
    const newest = files.get('root') ?? new Uint8Array()
    for (const [name, file] of [...files]) if (file === newest) files.delete(name)
    files.set('root', before.get('root') ?? newest)
  }),
  onWire('no roots by number', withoutNumbers),
  onWire('root.json older than the newest by number', (files, _, before) => {
    const old = before.get('root')
    if (old !== undefined) files.set('root', old)
  }),
  onWire('an old root under the next number', (files, _, before, draft) => {
    const old = before.get('root') ?? files.get('root')
    if (old !== undefined) files.set(`${draft.collection.version('root') + 1}.root`, old)
  }),
  onWire('the newest root under the next number', (files, _, __, draft) => {
    const root = files.get('root')
    if (root !== undefined) files.set(`${draft.collection.version('root') + 1}.root`, root)
  }),
  onWire(
    'garbage under the next number',
    (files, _, __, draft) => void files.set(`${draft.collection.version('root') + 1}.root`, Buffer.from('{}')),
  ),
]

export const ROTATION_MUTATIONS: readonly Mutation[] = [
  [
    'rotation: not signed by the old keys',
    (draft) => void draft.collection.rotateRoot({ ...draft.signers('root'), signedByOld: false }),
  ],
  [
    'rotation: not signed by the old keys, and not there by number',
    (draft) => {
      draft.collection.rotateRoot({ ...draft.signers('root'), signedByOld: false })
      draft.onWire(withoutNumbers)
    },
  ],
  [
    'rotation: through a root that has expired',
    (draft) => {
      draft.collection.rotateRoot(draft.signers('root')).setExpiry('root', ENDED)
      draft.collection.rotateRoot(draft.signers('root'))
    },
  ],
  [
    'rotation: a number left out',
    (draft) => {
      draft.collection.rotateRoot(draft.signers('root'))
      draft.collection.setVersion('root', draft.collection.version('root') + 2)
    },
  ],
  [
    'rotation: its own keys did not sign',
    (draft) => spoilRotation(draft, (id) => !draft.collection.keys('root').some((key) => key.id === id)),
  ],
  [
    'rotation: signed by a stranger too',
    (draft) => void draft.collection.rotateRoot({ ...draft.signers('root'), alsoSignedBy: [STRANGER] }),
  ],
  [
    'rotation: from a certificate that has ended',
    (draft) => {
      draft.collection.rotateRoot({
        keys: [draft.key('root', { certificate: HAS_ENDED })],
        threshold: 1,
      })
      draft.collection.rotateRoot(draft.signers('root'))
    },
  ],
  [
    'rotation: the same keys again',
    (draft) => void draft.collection.rotateRoot({ keys: draft.collection.keys('root'), threshold: 1 }),
  ],
]

function spoilRotation(draft: Draft, keep: (id: string) => boolean): void {
  draft.collection.rotateRoot(draft.signers('root'))
  draft.spoil('root', {
    after: ({ signatures }) => void signatures.splice(0, signatures.length, ...signatures.filter(({ keyid }) => keep(keyid))),
  })
}
