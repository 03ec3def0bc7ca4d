/** What a rule asks: the members that rules and `default` share. */
import type { KeyId } from '../crypto/keys.js'
import { readPinnedKey, readSignerKey } from '../crypto/pinned-key.js'
import type { DocumentNode } from '../document/document.js'
import { DocumentReader, type Fields } from '../document/reader.js'
import { isDelegationName, RELEASES_ROLE, signerName } from '../metadata/role-name.js'
import { ACTIONS, type PolicyPinning, type RequiredSigner, type SignerRequirement, type Terms } from './policy.js'

/** Names of the members. */
export const TERM_NAMES: readonly string[] = [
  'action',
  'server',
  'firstUse',
  'pinning',
  'requireSigners',
  'digestReferences',
  'staleFallback',
  'maxAge',
]

const FIRST_USE = ['accept', 'refuse'] as const
const DIGEST_REFERENCES = ['require-signed', 'accept'] as const
const STALE_FALLBACK = ['warn', 'refuse'] as const

/** Signers of one requirement, and keys of one signer (denial of service: each key is imported). */
const MAX_SIGNERS = 100

/** Milliseconds: what a timer of Node can hold, 24 days. */
const MAX_MAX_AGE = 2 ** 31 - 1

const KEY_HINT =
  'Give its canonical ID, as docker trust inspect --pretty shows it under "List of signers and their keys", or PEM of the public key.'

export class TermsReader extends DocumentReader {
  read(fields: Fields): Terms {
    const read = <Value>(name: string, reader: (at: DocumentNode) => Value | undefined): Value | undefined => {
      const at = fields.get(name)
      return at === undefined ? undefined : reader(at)
    }
    const action = read('action', (at) => this.word(at, ACTIONS))
    const server = read('server', (at) => this.trustServer(at))
    const firstUse = read('firstUse', (at) => this.word(at, FIRST_USE))
    const pinning = read('pinning', (at) => this.#pinning(at))
    const requireSigners = read('requireSigners', (at) => this.requirement(at))
    const digestReferences = read('digestReferences', (at) => this.word(at, DIGEST_REFERENCES))
    const staleFallback = read('staleFallback', (at) => this.word(at, STALE_FALLBACK))
    const maxAge = read('maxAge', (at) => this.integer(at, 0, MAX_MAX_AGE))
    return {
      action: action ?? 'enforce',
      ...(server === undefined ? {} : { server }),
      ...(firstUse === undefined ? {} : { firstUse }),
      ...(pinning === undefined ? {} : { pinning }),
      ...(requireSigners === undefined ? {} : { requireSigners }),
      ...(digestReferences === undefined ? {} : { digestReferences }),
      ...(staleFallback === undefined ? {} : { staleFallback }),
      ...(maxAge === undefined ? {} : { maxAge }),
    }
  }

  #pinning(node: DocumentNode): PolicyPinning | undefined {
    const fields = this.fields(node, ['certs', 'ca', 'disable_tofu'])
    if (fields === undefined) return undefined
    const [certsNode, caNode, tofuNode] = ['certs', 'ca', 'disable_tofu'].map((name) => fields.get(name))
    const certs = new Map<string, readonly KeyId[]>()
    if (certsNode !== undefined)
      for (const [rule, { value }] of this.members(certsNode, 'an object of key lists by GUN or prefix') ?? []) {
        const keys = this.items(value, 'a list of at least one key ID', 1)?.flatMap(
          (item) => this.#key(item, readPinnedKey) ?? [],
        )
        if (keys !== undefined) certs.set(rule, keys)
      }
    const ca = new Map<string, string>()
    if (caNode !== undefined)
      for (const [prefix, { value }] of this.members(caNode, 'an object of PEM files by prefix') ?? []) {
        const path = this.text(value, 'the path of a PEM file', (text) => text !== '')
        if (path !== undefined) ca.set(prefix, path)
      }
    const disableTofu = tofuNode === undefined ? undefined : this.boolean(tofuNode)
    return { certs, ca, disableTofu: disableTofu ?? false }
  }

  /** What `requireSigners` of a rule holds. */
  requirement(node: DocumentNode): SignerRequirement | undefined {
    const fields = this.fields(node, ['all', 'any', 'atLeast', 'of'])
    if (fields === undefined) return undefined
    const [all, any, atLeast, of] = ['all', 'any', 'atLeast', 'of'].map((name) => fields.get(name))
    const list = all ?? any ?? of
    const isOne = [all, any, of].filter((one) => one !== undefined).length === 1 && (atLeast === undefined) === (of === undefined)
    if (!isOne || list === undefined)
      return this.refuse(
        node,
        'expected exactly one of all, any, or atLeast with of',
        'Write { all: [alice, bob] }, { any: [alice, bob] } or { atLeast: 2, of: [alice, bob, carol] }.',
      )
    const signers = this.#signers(list)
    if (signers === undefined) return undefined
    if (atLeast === undefined) return { count: all === undefined ? 1 : signers.length, of: signers }
    const count = this.integer(atLeast, 1, signers.length)
    return count === undefined ? undefined : { count, of: signers }
  }

  #signers(node: DocumentNode): RequiredSigner[] | undefined {
    const items = this.items(node, 'a list of at least one signer', 1)
    if (items === undefined) return undefined
    if (items.length > MAX_SIGNERS) return this.refuse(node, `more than ${MAX_SIGNERS} signers`, 'Name fewer.')
    const signers = items.map((item) => this.#signer(item))
    const read = signers.flatMap((signer) => signer ?? [])
    if (read.length !== items.length) return undefined
    const names = new Set<string>()
    const keys = new Set<KeyId>()
    for (const [at, signer] of read.entries()) {
      const item = items[at] ?? node
      if (names.has(signer.name))
        return this.refuse(item, `${signer.name} is named twice`, 'Name each signer once: one signature must not count twice.')
      names.add(signer.name)
      const shared = signer.keys?.find((key) => keys.has(key))
      if (shared !== undefined)
        return this.refuse(
          item,
          `key ${shared} is that of another signer too`,
          'Give each signer keys of their own: one key must not count for two.',
        )
      for (const key of signer.keys ?? []) keys.add(key)
    }
    return read
  }

  #signer(node: DocumentNode): RequiredSigner | undefined {
    if (node.kind !== 'object') {
      const name = this.#name(node)
      return name === undefined ? undefined : { name }
    }
    const fields = this.fields(node, ['name', 'keys'], ['name', 'keys'])
    const [nameNode, keysNode] = [fields?.get('name'), fields?.get('keys')]
    if (nameNode === undefined || keysNode === undefined) return undefined
    const name = this.#name(nameNode)
    const items = this.items(keysNode, 'a list of at least one key', 1)
    if (items === undefined || items.length > MAX_SIGNERS)
      return items === undefined ? undefined : this.refuse(keysNode, `more than ${MAX_SIGNERS} keys`, 'Name fewer.')
    const keys = items.flatMap((item) => this.#key(item, readSignerKey) ?? [])
    return name === undefined || keys.length !== items.length ? undefined : { name, keys: [...new Set(keys)] }
  }

  #name(node: DocumentNode): string | undefined {
    const name = this.text(node, 'the name of a signer')
    if (name === undefined) return undefined
    if (name.startsWith('targets/'))
      return this.refuse(
        node,
        `${JSON.stringify(name.slice(0, 100))}: signers are named without targets/`,
        `Write ${signerName(name).slice(0, 100)}`,
      )
    if (`targets/${name}` === RELEASES_ROLE)
      return this.refuse(
        node,
        'releases is the role that publishes tags, and no signer',
        'Name the people or systems that sign: docker trust inspect --pretty shows them.',
      )
    return isDelegationName(`targets/${name}`)
      ? name
      : this.refuse(
          node,
          `${JSON.stringify(name.slice(0, 100))} is no name of a signer`,
          'Lower-case letters, digits, - and _: docker trust inspect --pretty shows the names.',
        )
  }

  #key(node: DocumentNode, read: (text: string) => KeyId | { readonly problem: string }): KeyId | undefined {
    const text = this.text(node, 'a key ID in quotes, or PEM')
    if (text === undefined) return undefined
    const key = read(text)
    return typeof key === 'string' ? key : this.refuse(node, `no key: ${key.problem}`, KEY_HINT)
  }
}
