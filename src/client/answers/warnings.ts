/** Warnings that belong to an answer. */
import type { CredentialSource } from '../../credentials/credentials.js'
import { RELEASES_ROLE, signerName } from '../../metadata/role-name.js'
import { printable } from '../../printable.js'
import { namesOf } from '../../trust/key-names.js'
import { isLoosePin, nearPins, pinFor, type TrustPinning } from '../../trust/pinning.js'
import { nearPinsText } from '../../trust/refusals.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import type { TrustServer } from '../../trust-server/notary-url.js'
import type { Warning } from '../results.js'
import { RETIRED_HOST, RETIREMENT } from './server-hints.js'

/** Warnings that follow from the verified set alone. `server`: undefined when a bundle takes its place. `now` in ms. */
export function warningsOf(stage: TargetsStage, server: TrustServer | undefined, pinning: TrustPinning, now: number): Warning[] {
  const { gun } = stage.context
  const { chain, trust } = stage.anchor
  const pin = pinFor(gun, pinning)
  const warnings: Warning[] = []
  // The messages hold names that servers and publishers chose.
  const warn = (code: Warning['code'], message: string) => warnings.push({ code, message: printable(message) })
  if (trust === 'first-use') {
    const { signedBy, keys } = chain.root
    const named = namesOf(signedBy, keys.keys)
    warn(
      'WARN_FIRST_USE',
      `${gun} was never verified here before: its root ${named} ${signedBy.length === 1 ? 'is' : 'are'} trusted on first use; lock it (dct lock ${gun}) or pin it to be sure of it from the start${nearPinsText(gun, nearPins(gun, pinning))}`,
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
  if (server?.url.hostname === RETIRED_HOST) {
    warn(
      'WARN_SERVER_RETIRING',
      `${RETIRED_HOST} is switched off on ${RETIREMENT.slice(0, 10)}: choose how ${gun} will be verified from then on`,
    )
  }
  return warnings
}

/** Problems of Docker's config.json in entries that this answer did not need. */
export function configWarnings({ problems }: CredentialSource): Warning[] {
  return (problems?.() ?? []).map((message) => ({ code: 'WARN_CONFIG', message }))
}

/** Expiry within six months, of everything that a person must sign again. Source: notary 0.7.0 client/tufclient.go warnRolesNearExpiry. */
function nearExpiry(stage: TargetsStage, now: number): { what: string; expires: number }[] {
  const horizon = new Date(now)
  horizon.setUTCMonth(horizon.getUTCMonth() + 6)
  const { anchor, snapshot } = stage
  const roles = [anchor.chain.root, ...[...stage.loaded.values()].map(({ trusted }) => trusted), snapshot]
  return [
    ...roles.map(({ role, metadata }) => ({ what: `the ${role} metadata`, expires: metadata.expires })),
    { what: 'the root certificate', expires: anchor.certificateExpires },
  ].filter(({ expires }) => expires <= horizon.getTime())
}
