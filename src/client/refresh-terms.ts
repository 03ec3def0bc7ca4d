/** What a policy asks of one refresh, and where a collection is asked for. */
import type { AskedNames } from '../policy/decide.js'
import type { Decision } from '../policy/decision.js'
import { type Mirror, signedNameOf } from '../policy/mirrors.js'
import type { Policy } from '../policy/policy.js'
import type { TrustPinning } from '../trust/pinning.js'
import type { TrustServer } from '../trust-server/notary-url.js'
import { knownRegistry, type SignedName, signedName } from './settings/known-registries.js'
import type { PolicySettings } from './settings/policy-settings.js'
import type { Choice } from './settings/setting-source.js'
import type { PolicyServer } from './settings/setting-sources.js'
import type { Settings } from './settings/settings.js'

/** A collection: its GUN as typed and its registry. */
export interface Named {
  readonly gun: string
  readonly domain: string
  /** The name is exactly the GUN that was signed: no mirror is replaced. */
  readonly isExact?: boolean
}

/** Calls with the same terms can be answered from one refresh of a collection. */
export interface RefreshTerms {
  /** The same for equal terms of one client. */
  readonly key: string
  readonly server: PolicyServer
  /** Beside those of the client: each must be met. */
  readonly pinnings: readonly TrustPinning[]
  readonly staleFallback: 'warn' | 'refuse'
  /** Milliseconds. */
  readonly maxAge: number
}

/** Pins of no collection that refuse first use. */
export const NO_FIRST_USE: TrustPinning = { certs: new Map(), ca: new Map(), disableTofu: true }

export function refreshTerms(
  { index, pinnings }: PolicySettings,
  { given, staleFallback: standard, maxAge: standardAge }: Pick<Settings, 'given' | 'staleFallback' | 'maxAge'>,
  decision: Decision,
): RefreshTerms {
  const { server, serverMatch, firstUse } = decision
  const known = [...pinnings.keys()]
  const pins = decision.pinnings.map((one) => known.indexOf(one))
  const staleFallback = strictOf('refuse', given.staleFallback, decision.staleFallback) ?? standard
  const maxAge = Math.min(given.maxAge ?? Number.POSITIVE_INFINITY, decision.maxAge ?? standardAge)
  const rule = server === undefined ? {} : { rule: { address: server, match: serverMatch ?? decision.match } }
  return {
    key: JSON.stringify([server, firstUse === 'refuse', staleFallback, maxAge, pins]),
    server: { ...rule, knownRegistries: index?.policy.knownRegistries ?? true },
    pinnings: [...decision.pinnings.flatMap((one) => pinnings.get(one) ?? []), ...(firstUse === 'refuse' ? [NO_FIRST_USE] : [])],
    staleFallback,
    maxAge,
  }
}

/** The strict word when option or rule says it, else what the rule says, else the option. */
export function strictOf<Word extends string>(strict: Word, option: Word | undefined, rule: Word | undefined): Word | undefined {
  return option === strict ? strict : (rule ?? option)
}

/** The first component of a GUN: for an image, its registry. */
export function registryOf(gun: string): string {
  return gun.split('/')[0] ?? gun
}

/** Where a collection is asked for, and its signed name. */
export interface SignedPlace extends SignedName {
  readonly choice: Choice<TrustServer>
}

/** The name under which a mirror of the settings has the collection signed. */
export function mirroredName({ gun, isExact }: Named, { mirrors }: Pick<Settings, 'mirrors'>): string | undefined {
  return isExact === true ? undefined : signedNameOf(mirrors, gun)
}

/** The names that a policy is asked by. A mirror of a known registry is asked under both names, whichever server is asked later. */
export function askedNames(
  named: Named,
  mirrors: readonly Mirror[],
  policy: Pick<Policy, 'knownRegistries'> | undefined,
): AskedNames {
  const { gun, domain } = named
  const known = policy?.knownRegistries === true ? knownRegistry(domain) : undefined
  const signed = mirroredName(named, { mirrors }) ?? (known === undefined ? undefined : known.registry + gun.slice(domain.length))
  return { typed: gun, ...(signed === undefined ? {} : { signed }) }
}

/** The name that is signed (by a mirror of the settings, else by the table of known registries), and its server. */
export function signedPlace(
  collection: Named,
  settings: Pick<Settings, 'mirrors' | 'serverFor'>,
  terms: Pick<RefreshTerms, 'server'> | undefined,
): SignedPlace {
  const { gun, domain, isExact } = collection
  const signed = mirroredName(collection, settings)
  const choice = settings.serverFor(registryOf(signed ?? gun), terms?.server, domain)
  if (signed !== undefined) return { gun: signed, mirror: domain, choice }
  if (isExact === true || terms?.server.knownRegistries === false) return { gun, mirror: undefined, choice }
  return { ...signedName(collection, choice.value), choice }
}
