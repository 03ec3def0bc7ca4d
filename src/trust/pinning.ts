/** Finds the pin that binds a collection. Source: notary 0.7.0 trustpinning/trustpin.go. */
import type { KeyId } from '../crypto/keys.js'

/** Notary's `trust_pinning`, read. */
export interface TrustPinning {
  /** GUN, or prefix ending in `*`, to IDs of root keys, as listed or canonical. */
  readonly certs: ReadonlyMap<string, readonly KeyId[]>
  /** GUN prefix to the DER certificates of a CA file. */
  readonly ca: ReadonlyMap<string, readonly Uint8Array[]>
  /** Without a pin, a first root is refused. */
  readonly disableTofu: boolean
}

/** No pins: the first root is taken on trust. */
export const NO_PINNING: TrustPinning = { certs: new Map(), ca: new Map(), disableTofu: false }

/** What binds one collection. `rule` is the GUN or prefix as configured. */
export type Pin =
  | { readonly kind: 'certificates'; readonly rule: string; readonly keyIds: readonly KeyId[] }
  | { readonly kind: 'ca'; readonly rule: string; readonly certificates: readonly Uint8Array[] }
  | { readonly kind: 'none'; readonly firstUse: 'allowed' | 'refused' }

/**
 * The pin for a collection: the certificates of its GUN, else of the longest `prefix*`, else the CA of the longest
 * prefix. The match is binding: no weaker rule is tried after it. Prefixes are plain strings, as in Notary.
 */
export function pinFor(gun: string, { certs, ca, disableTofu }: TrustPinning): Pin {
  const exact = certs.get(gun)
  if (exact !== undefined) return { kind: 'certificates', rule: gun, keyIds: exact }
  const byPrefix = longest(certs, (rule) => rule.endsWith('*') && gun.startsWith(rule.slice(0, -1)))
  if (byPrefix !== undefined) return { kind: 'certificates', rule: byPrefix[0], keyIds: byPrefix[1] }
  const byCa = longest(ca, (prefix) => gun.startsWith(prefix))
  if (byCa !== undefined) return { kind: 'ca', rule: byCa[0], certificates: byCa[1] }
  return { kind: 'none', firstUse: disableTofu ? 'refused' : 'allowed' }
}

/**
 * The pins for a collection that was asked for under the name of a mirror: where no pin names the collection, the pin for the typed
 * name binds it. Otherwise that pin would be ignored in silence.
 */
export function pinnedAs(gun: string, typed: string, pinning: TrustPinning): TrustPinning {
  const pin = pinFor(typed, pinning)
  if (pin.kind === 'none' || pinFor(gun, pinning).kind !== 'none') return pinning
  return pin.kind === 'certificates'
    ? { ...pinning, certs: new Map(pinning.certs).set(gun, pin.keyIds) }
    : { ...pinning, ca: new Map(pinning.ca).set(gun, pin.certificates) }
}

/**
 * Of several sets of pins those that bind the collection: each must be met. Where none does, first use is refused as soon as one of
 * them refuses it.
 */
export function bindingPins(gun: string, all: readonly TrustPinning[]): readonly [TrustPinning, ...TrustPinning[]] {
  const [first, ...more] = all.filter((pinning) => pinFor(gun, pinning).kind !== 'none')
  if (first !== undefined) return [first, ...more]
  return [{ ...(all[0] ?? NO_PINNING), disableTofu: all.some(({ disableTofu }) => disableTofu) }]
}

/** True when the pin matches by a prefix that ends inside a name: `docker.com/not*` is good for docker.com/notary too. */
export function isLoosePin(pin: Pin, gun: string): boolean {
  if (pin.kind === 'none' || pin.rule === gun) return false
  return !pin.rule.endsWith('/') && !pin.rule.endsWith('/*')
}

/**
 * Rules that do not match the collection but were probably meant for it: a familiar name, a prefix without `*`, a `/` too many,
 * another case, a tag. Only for messages when no pin applies: nothing is trusted because of them.
 */
export function nearPins(gun: string, { certs, ca }: TrustPinning): string[] {
  const names = spellings(gun.toLowerCase())
  return [...new Set([...certs.keys(), ...ca.keys()])].filter((rule) => {
    const meant = rule
      .toLowerCase()
      .replace(/^https?:\/\//, '')
      .replace(/@.*$/, '')
      .replace(/[*/]+$/, '')
    const isMeant = (prefix: string) => prefix !== '' && names.some((name) => `${name}/`.startsWith(`${prefix}/`))
    return isMeant(meant) || isMeant(meant.replace(/:[^:/]*$/, ''))
  })
}

/** The name as Docker's users write it, too: `docker.io/library/alpine` is `alpine`, `library/alpine`, ... */
function spellings(gun: string): string[] {
  const path = /^docker\.io\/(.+)$/.exec(gun)?.[1]
  if (path === undefined) return [gun]
  const short = path.replace(/^library\//, '')
  return [gun, path, short, `docker.io/${short}`, `index.docker.io/${path}`]
}

/** The longest rule that matches, with its value. */
function longest<Value>(rules: ReadonlyMap<string, Value>, matches: (rule: string) => boolean): [string, Value] | undefined {
  return [...rules].filter(([rule]) => matches(rule)).sort(([one], [other]) => other.length - one.length)[0]
}
