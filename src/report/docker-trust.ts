/**
 * What `docker trust inspect` prints, byte for byte where docker defines it.
 * Source: docker/cli 28 cli/command/trust/inspect.go, inspect_pretty.go, common.go, formatter.go.
 *
 * On purpose otherwise: a digest reference shows the tags that carry the digest, where docker shows all; two digests of one tag
 * have an order; names that a delegation lists outside its paths are not shown, as they cannot be pulled; with --pretty, control
 * characters and marks of direction are spaces, since the signer chooses the names.
 */
import stringWidth from 'string-width'
import type { InspectedDelegation, Inspection, ListedTag, TagList } from '../client/results.js'
import { printable } from '../printable.js'
import { compareBytes, compareNaturally } from './natural-order.js'

/** A verified collection, and what of it is asked for. */
export interface InspectedImage {
  /** The reference as typed. */
  readonly name: string
  readonly list: TagList
  readonly inspection: Inspection
  /** One tag alone. */
  readonly tag?: string
  /** Only tags with this digest (`sha256:...`). */
  readonly digest?: string
}

const RELEASES_ROLE = 'targets/releases'
/** Who signed when no delegation did. */
const ADMINISTRATOR = 'Repo Admin'

/** The array of `docker trust inspect`, with the newline behind it. */
export function inspectJson(images: readonly InspectedImage[]): string {
  return `${goJson(images.map(inspected))}\n`
}

function inspected(image: InspectedImage): unknown {
  const { name, inspection } = image
  const key = (id: string) => ({ ID: id })
  return {
    Name: name,
    SignedTags: signedTags(image).map(({ tag, digest, signers }) => ({
      SignedTag: tag,
      Digest: digest,
      Signers: signers.length === 0 ? [ADMINISTRATOR] : signers,
    })),
    Signers: signersOf(inspection)
      .sort((one, other) => compareBytes(other.name, one.name))
      .map(({ name: signer, keys }) => ({ Name: signer, Keys: keys.map(key) })),
    AdministrativeKeys: [
      { Name: 'Root', Keys: keysOf(inspection, 'root').map(key) },
      { Name: 'Repository', Keys: keysOf(inspection, 'targets').map(key) },
    ],
  }
}

/** What `docker trust inspect --pretty` prints for one reference. */
export function inspectPretty(image: InspectedImage): string {
  const { inspection } = image
  const name = printable(image.name)
  const tags = signedTags(image).map(({ tag, digest, signers }) => [
    tag,
    digest,
    signers.length === 0 ? `(${ADMINISTRATOR})` : [...signers].sort(compareBytes).join(', '),
  ])
  const signers = signersOf(inspection)
    .sort((one, other) => compareNaturally(one.name, other.name))
    .map(({ name: signer, keys }) => [
      signer,
      [...keys]
        .sort(compareBytes)
        .map((id) => id.slice(0, SHORT_ID))
        .join(', '),
    ])
  const administrative = (role: string) => [...keysOf(inspection, role)].sort(compareBytes).join(', ')
  return [
    tags.length === 0 ? `\nNo signatures for ${name}\n\n` : `\nSignatures for ${name}\n\n`,
    tags.length === 0 ? '' : goTable(['SIGNED TAG', 'DIGEST', 'SIGNERS'], tags),
    signers.length === 0 ? '' : `\nList of signers and their keys for ${name}\n\n${goTable(['SIGNER', 'KEYS'], signers)}`,
    `\nAdministrative keys for ${name}\n\n`,
    `  Repository Key:\t${administrative('targets')}\n  Root Key:\t${administrative('root')}\n`,
  ].join('')
}

/** Characters of an ID in the list of signers. */
const SHORT_ID = 12

interface SignedTag {
  readonly tag: string
  /** Hexadecimal, without the algorithm; empty when the entry has no SHA-256. */
  readonly digest: string
  readonly signers: readonly string[]
}

/** In docker's order: natural, and the released digest of a tag before one that it shadows. */
function signedTags({ list, inspection, tag, digest }: InspectedImage): SignedTag[] {
  const order = new Map(inspection.delegations.map(({ role }, index) => [signerName(role), index]))
  const row = (name: string, entry: Pick<ListedTag, 'digest' | 'signers'>): SignedTag => ({
    tag: name,
    digest: entry.digest?.replace(/^sha256:/, '') ?? '',
    signers: [...entry.signers].sort((one, other) => (order.get(one) ?? 0) - (order.get(other) ?? 0)),
  })
  const wanted = digest?.replace(/^sha256:/, '')
  return list.tags
    .filter((listed) => tag === undefined || listed.tag === tag)
    .flatMap((listed) =>
      [listed, ...(listed.shadowed === undefined ? [] : [listed.shadowed])].map((entry) => row(listed.tag, entry)),
    )
    .filter((signed) => wanted === undefined || signed.digest === wanted)
    .sort((one, other) => compareNaturally(one.tag, other.tag))
}

/** Every delegation but that of releases, with the canonical IDs of its keys as listed. */
function signersOf({ delegations }: Inspection): { name: string; keys: string[] }[] {
  return delegations
    .filter(({ role }) => role !== RELEASES_ROLE)
    .map((delegation) => ({ name: signerName(delegation.role), keys: canonicalIds(delegation) }))
}

function canonicalIds({ keyDetails }: InspectedDelegation): string[] {
  return keyDetails.map(({ id, canonicalId }) => canonicalId ?? id)
}

function signerName(role: string): string {
  return role.replace(/^targets\//, '')
}

function keysOf({ roles }: Inspection, role: string): readonly string[] {
  return roles.find((one) => one.role === role)?.keysAsListed ?? []
}

/** Go's encoding/json with four spaces: what could end a script element is escaped, and a lone surrogate is U+FFFD. */
function goJson(value: unknown): string {
  const text = JSON.stringify(value, undefined, 4)
  return text
    .replace(/[<>&\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(/(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, '$1\ufffd')
}

const MIN_CELL = 10
const PADDING = 3

/** As docker/cli's fork of Go's text/tabwriter does it: wide letters count twice, combining ones not. The last column is not filled up. */
function goTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map((cell) => printable(cell)))
  const widths = head.map((_, column) => Math.max(MIN_CELL, ...lines.map((cells) => stringWidth(cells[column] ?? '') + PADDING)))
  return lines
    .map((cells) =>
      cells.map((cell, column) =>
        column === head.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - stringWidth(cell)),
      ),
    )
    .map((cells) => `${cells.join('')}\n`)
    .join('')
}
