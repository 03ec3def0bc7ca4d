/** Mutations of signatures, and of the keys that may sign. */
import { createHash } from 'node:crypto'
import {
  canonicalBytes,
  type KeyDocument,
  type RoleDocument,
  type SignatureDocument,
  type SigningKey,
} from '../../../src/testing/index.js'
import { BEGUN, ENDED } from './dates.js'
import type { Draft, Signed } from './draft.js'
import { STRANGER } from './honest-steps.js'
import { createSeededKey } from './seeded-keys.js'

export type Mutation = readonly [name: string, apply: (draft: Draft, role: string) => void]

function onSignatures(name: string, change: (signatures: SignatureDocument[], draft: Draft, role: string) => void): Mutation {
  // Another mutation may have changed this before.
  const changeList = (signatures: unknown, draft: Draft, role: string) =>
    Array.isArray(signatures) && change(signatures, draft, role)
  return [name, (draft, role) => draft.spoil(role, { after: ({ signatures }) => void changeList(signatures, draft, role) })]
}

function onFirst(name: string, change: (signature: SignatureDocument, draft: Draft) => void): Mutation {
  return onSignatures(name, ([first], draft) => {
    if (typeof first?.sig === 'string') change(first, draft) // another mutation may have changed this before
  })
}

const onBytes = (name: string, change: (sig: Buffer) => Uint8Array): Mutation =>
  onFirst(
    name,
    (signature) =>
      void Object.assign(signature, { sig: Buffer.from(change(Buffer.from(signature.sig, 'base64'))).toString('base64') }),
  )

/** A real signature of another key. */
function signedBy(name: string, pick: (draft: Draft, role: string) => SigningKey): Mutation {
  return [
    name,
    (draft, role) => {
      const { id, method, sign } = pick(draft, role)
      draft.spoil(role, {
        after: (envelope) => {
          const sig = Buffer.from(sign(canonicalBytes(envelope.signed))).toString('base64')
          Object.assign(envelope, { signatures: [{ keyid: id, method, sig }] })
        },
      })
    },
  ]
}

export const SIGNATURE_MUTATIONS: readonly Mutation[] = [
  onSignatures('signatures: none', (signatures) => void signatures.splice(0)),
  onSignatures('signatures: the last gone', (signatures) => void signatures.pop()),
  onSignatures('signatures: the first gone', (signatures) => void signatures.shift()),
  onSignatures('signatures: the first twice', (signatures) => void signatures.unshift(...signatures.slice(0, 1))),
  onSignatures(
    'signatures: the first for all',
    (signatures) => void signatures.fill(signatures[0] ?? { keyid: '', method: '', sig: '' }),
  ),
  onSignatures("signatures: the first under the others' IDs", (signatures) => {
    const [first] = signatures
    for (const one of signatures) Object.assign(one, { method: first?.method, sig: first?.sig })
  }),
  onSignatures('signatures: one that does not verify before a good one', (signatures) => {
    const [first] = signatures
    if (first !== undefined) signatures.unshift({ ...first, sig: Buffer.alloc(64, 1).toString('base64') })
  }),
  onSignatures('signatures: one that does not verify after a good one', (signatures) => {
    const [first] = signatures
    if (first !== undefined) signatures.push({ ...first, sig: Buffer.alloc(64, 1).toString('base64') })
  }),
  signedBy("signatures: another role's alone", (draft, role) => {
    const others = draft.roles.filter((one) => one !== role)
    return draft.random.pick(others.flatMap((one) => draft.collection.keys(one)))
  }),
  signedBy("signatures: a stranger's alone", () => STRANGER),
  signedBy("signatures: a stranger's under a known ID", (draft, role) => ({
    ...STRANGER,
    id: draft.collection.keys(role)[0]?.id ?? '',
  })),
  onFirst("signatures: a stranger's of another text under a known ID", (signature) => {
    Object.assign(signature, { method: STRANGER.method, sig: Buffer.from(STRANGER.sign(Buffer.from('x'))).toString('base64') })
  }),
  onFirst('signatures: ID in upper case', (signature) => void Object.assign(signature, { keyid: signature.keyid.toUpperCase() })),
  onFirst('signatures: another method', (signature, { random }) => {
    signature.method = random.pick(['ecdsa', 'eddsa', 'rsapss', 'rsapkcs1v15', 'pycrypto-pkcs#1 pss', 'none', ' ecdsa', ''])
  }),
  onFirst(
    'signatures: base64 without padding',
    (signature) => void Object.assign(signature, { sig: signature.sig.replace(/=+$/, '') }),
  ),
  onFirst(
    'signatures: base64 with a line break',
    (signature) => void Object.assign(signature, { sig: signature.sig.replace(/.{20}/, '$&\r\n') }),
  ),
  onFirst(
    'signatures: base64 with a space',
    (signature) => void Object.assign(signature, { sig: signature.sig.replace(/.{20}/, '$& ') }),
  ),
  onFirst(
    'signatures: base64 for URLs',
    (signature) => void Object.assign(signature, { sig: signature.sig.replace(/[+]/g, '-').replace(/[/]/g, '_') }),
  ),
  onFirst('signatures: base64 with other last bits', (signature) => {
    signature.sig = signature.sig.replace(/[AQgw]==$/, 'B==').replace(/[AEIMQUYcgkosw048]=$/, 'B=')
  }),
  onBytes('signatures: a byte short', (sig) => sig.subarray(0, -1)),
  onBytes('signatures: a byte more', (sig) => Buffer.concat([sig, Buffer.of(0)])),
  onBytes('signatures: a zero before each half', (sig) => {
    const half = sig.length / 2
    return Buffer.concat([Buffer.of(0), sig.subarray(0, half), Buffer.of(0), sig.subarray(half)])
  }),
  onBytes('signatures: zeros', (sig) => Buffer.alloc(sig.length)),
  onBytes('signatures: ASN.1', (sig) => derOf(sig)),
  onFirst('signatures: null bytes', (signature) => void Object.assign(signature, { sig: null })),
]

/** The keys that may sign: the root's roles or the delegations of a file. */
function onRoles(name: string, change: (role: RoleDocument, draft: Draft, signed: Signed) => void): Mutation {
  return [
    name,
    (draft, role) => {
      const holder = role.startsWith('targets') ? role : 'root'
      draft.aim(holder)
      draft.spoil(holder, {
        before: (signed) => {
          const roles: RoleDocument[] = Object.values(Object(signed['roles'] ?? Object(signed['delegations']).roles))
          if (roles.length === 0) return
          const picked = draft.random.pick(roles)
          picked.keyids ??= [] // a delegation without keys has none
          change(picked, draft, signed)
        },
      })
    },
  ]
}

/** Lists one more key for a role, which signs nothing. */
function listKey(signed: Signed, role: RoleDocument, document: KeyDocument, id = idOf(document)): void {
  const keys = signed['keys'] ?? Object(signed['delegations']).keys
  Object.assign(Object(keys), { [id]: document })
  role.keyids.push(id)
}

function idOf(document: KeyDocument): string {
  return createHash('sha256').update(canonicalBytes(document)).digest('hex')
}

function keyOf(keytype: string, bytes: Uint8Array | string): KeyDocument {
  return { keytype, keyval: { private: null, public: Buffer.from(bytes).toString('base64') } }
}

const spare = (draft: Draft, type: 'ecdsa' | 'ed25519' = 'ecdsa'): SigningKey =>
  createSeededKey({ type, seed: `${draft.gun} spare` })
const spki = (key: SigningKey): Buffer => Buffer.from(key.document.keyval.public, 'base64')

export const KEY_MUTATIONS: readonly Mutation[] = [
  onRoles('keys: threshold 0', (role) => void Object.assign(role, { threshold: 0 })),
  onRoles('keys: threshold one more', (role) => void role.threshold++),
  onRoles('keys: threshold above all keys', (role) => void Object.assign(role, { threshold: 9 })),
  onRoles('keys: threshold negative', (role) => void Object.assign(role, { threshold: -1 })),
  onRoles('keys: a listed ID twice', (role) => void role.keyids.push(...role.keyids.slice(0, 1))),
  onRoles('keys: a listed ID twice, threshold one more', (role) => {
    role.keyids.push(...role.keyids.slice(0, 1))
    role.threshold++
  }),
  onRoles('keys: an ID that is not listed', (role) => void role.keyids.push('f'.repeat(64))),
  onRoles('keys: no IDs', (role) => void Object.assign(role, { keyids: [] })),
  onRoles('keys: one more, unused', (role, draft, signed) => listKey(signed, role, spare(draft).document)),
  onRoles('keys: under another ID', (role, draft, signed) => listKey(signed, role, spare(draft).document, 'e'.repeat(64))),
  onRoles('keys: of an unknown type', (role, _, signed) => listKey(signed, role, keyOf('gpg', 'x'))),
  onRoles('keys: type in upper case', (role, draft, signed) => listKey(signed, role, keyOf('ECDSA', spki(spare(draft))))),
  onRoles('keys: no key at all', (role, draft, signed) =>
    listKey(signed, role, keyOf(draft.random.pick(['ecdsa', 'rsa', 'ed25519', 'ecdsa-x509']), '')),
  ),
  onRoles('keys: garbage', (role, draft, signed) =>
    listKey(signed, role, keyOf(draft.random.pick(['ecdsa', 'rsa', 'ed25519', 'rsa-x509']), 'garbage')),
  ),
  onRoles('keys: of another type than it says', (role, draft, signed) => listKey(signed, role, keyOf('rsa', spki(spare(draft))))),
  onRoles('keys: bytes after the DER', (role, draft, signed) =>
    listKey(signed, role, keyOf('ecdsa', Buffer.concat([spki(spare(draft)), Buffer.of(0)]))),
  ),
  onRoles('keys: a point that is not on the curve', (role, draft, signed) => {
    const bytes = spki(spare(draft))
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
    listKey(signed, role, keyOf('ecdsa', bytes))
  }),
  onRoles('keys: a compressed point', (role, draft, signed) => {
    const bytes = spki(spare(draft))
    const head = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex')
    const mark = Buffer.of(2 + ((bytes[bytes.length - 1] ?? 0) & 1))
    listKey(signed, role, keyOf('ecdsa', Buffer.concat([head, mark, bytes.subarray(-64, -32)])))
  }),
  onRoles('keys: Ed25519 of small order', (role, _, signed) => listKey(signed, role, keyOf('ed25519', Buffer.alloc(32)))),
  onRoles('keys: Ed25519 with 31 bytes', (role, _, signed) => listKey(signed, role, keyOf('ed25519', Buffer.alloc(31, 9)))),
]

/** Replaces the keys of a role with unusual ones. Delegations have separate mutations. */
function withKeys(name: string, make: (draft: Draft, role: string) => { keys: SigningKey[]; threshold: number }): Mutation {
  return [
    name,
    (draft, role) => {
      if (role === 'root') draft.collection.rotateRoot(make(draft, role))
      else if (!draft.isNew || !role.startsWith('targets/')) draft.collection.rotateKey(role, make(draft, role))
    },
  ]
}

export const SIGNER_MUTATIONS: readonly Mutation[] = [
  withKeys('signers: one key in two wrappers, both needed', (draft, role) => {
    const { pair } = createSeededKey({ type: 'ecdsa', seed: `${draft.gun} ${role} wrapped` })
    return { keys: [draft.key(role, { type: 'ecdsa-x509', pair }), draft.key(role, { type: 'ecdsa-x509', pair })], threshold: 2 }
  }),
  withKeys('signers: one key bare and in a certificate, both needed', (draft, role) => {
    const { pair } = createSeededKey({ type: 'ecdsa', seed: `${draft.gun} ${role} bare` })
    return { keys: [draft.key(role, { type: 'ecdsa-x509', pair }), draft.key(role, { type: 'ecdsa', pair })], threshold: 2 }
  }),
  withKeys('signers: a P-224 key', (draft, role) => ({
    keys: [draft.key(role, { type: 'ecdsa-x509', curve: 'P-224' })],
    threshold: 1,
  })),
  withKeys('signers: a bare key', (draft, role) => ({
    keys: [draft.key(role, { type: 'ecdsa', curve: 'P-256' })],
    threshold: 1,
  })),
  withKeys('signers: a certificate that has ended', (draft, role) => ({
    keys: [
      draft.key(role, { type: 'ecdsa-x509', certificate: { subject: { cn: 'somebody' }, notBefore: BEGUN, notAfter: ENDED } }),
    ],
    threshold: 1,
  })),
]

/** r and s as two INTEGERs. */
function derOf(raw: Buffer): Buffer {
  const half = Math.floor(raw.length / 2)
  const integer = (bytes: Buffer): Buffer => {
    const padded = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes
    return Buffer.concat([Buffer.of(2, padded.length), padded])
  }
  const body = Buffer.concat([integer(raw.subarray(0, half)), integer(raw.subarray(half))])
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}
