/** What an answer should not keep to itself. */
import type { CredentialSource } from '../../credentials/credentials.js'
import { describeCause, printable } from '../../errors.js'
import { RELEASES_ROLE, signerName } from '../../metadata/role-name.js'
import { namesOf } from '../../trust/key-names.js'
import { isLoosePin, nearPins, pinFor, type TrustPinning } from '../../trust/pinning.js'
import { nearPinsText } from '../../trust/refusals.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import type { TrustServer } from '../../trust-server/notary-url.js'
import type { Warning } from './results.js'
import { RETIRED_HOST, RETIREMENT } from './server-hints.js'

/** Docker's exact sentence; scripts look for it. Source: notary 0.7.0 client/tufclient.go. */
const STALE =
  'Error while downloading remote metadata, using cached timestamp - this might not be the latest version available remotely'

export function staleWarning(cause: unknown): Warning {
  return { code: 'WARN_STALE_TIMESTAMP', message: printable(`${STALE} (${describeCause(cause)})`) }
}

/** Warnings that follow from the verified set alone. `now` in ms. */
export function warningsOf(stage: TargetsStage, server: TrustServer, pinning: TrustPinning, now: number): Warning[] {
  const { gun } = stage.above.context
  const { chain, trust } = stage.above.above.above.anchor
  const pin = pinFor(gun, pinning)
  const warnings: Warning[] = []
  // Names of servers and publishers are in them.
  const warn = (code: Warning['code'], message: string) => warnings.push({ code, message: printable(message) })
  if (trust === 'first-use') {
    const { signedBy, keys } = chain.root
    const named = namesOf(signedBy, keys.keys)
    warn(
      'WARN_FIRST_USE',
      `${gun} was never verified here before: its root ${named} ${signedBy.length === 1 ? 'is' : 'are'} trusted on first use; pin it to be sure of it from the start${nearPinsText(gun, nearPins(gun, pinning))}`,
    )
  }
  if (chain.bridged) {
    warn(
      'WARN_LEGACY_ROOT',
      `the server keeps no chain of root versions for ${gun}: root version ${chain.version} was taken because the keys of the trusted root signed it`,
    )
  }
  if (isLoosePin(pin, gun)) {
    warn(
      'WARN_PIN_PREFIX',
      `the pin ${JSON.stringify(pin.kind === 'none' ? '' : pin.rule)} does not end at a "/": it also matches collections that only begin alike`,
    )
  }
  for (const { role, reason } of stage.skipped) {
    const what = role === RELEASES_ROLE ? `${role} counts as not delegated` : `the signer ${signerName(role)} is left out`
    warn('WARN_DELEGATION_SKIPPED', `${what}: ${reason}`)
  }
  for (const { what, expires } of nearExpiry(stage, now)) {
    warn('WARN_NEAR_EXPIRY', `${what} of ${gun} expires at ${new Date(expires).toISOString()}`)
  }
  if (server.url.hostname === RETIRED_HOST) {
    warn(
      'WARN_SERVER_RETIRING',
      `${RETIRED_HOST} is switched off on ${RETIREMENT.slice(0, 10)}: choose how ${gun} will be verified from then on`,
    )
  }
  return warnings
}

/** What is wrong with Docker's config.json and was not needed for this answer. */
export function configWarnings({ problems }: CredentialSource): Warning[] {
  return (problems?.() ?? []).map((message) => ({ code: 'WARN_CONFIG', message }))
}

/** Six months ahead, for all that a person must sign again. Source: notary 0.7.0 client/tufclient.go warnRolesNearExpiry. */
function nearExpiry(stage: TargetsStage, now: number): { what: string; expires: number }[] {
  const horizon = new Date(now)
  horizon.setUTCMonth(horizon.getUTCMonth() + 6)
  const { anchor } = stage.above.above.above
  const roles = [anchor.chain.root, ...[...stage.loaded.values()].map(({ trusted }) => trusted), stage.above.snapshot]
  return [
    ...roles.map(({ role, metadata }) => ({ what: `the ${role} metadata`, expires: metadata.expires })),
    { what: 'the root certificate', expires: anchor.certificateExpires },
  ].filter(({ expires }) => expires <= horizon.getTime())
}
