/** A refresh from a bundle in place of a server: for which moment it is judged, and what its failures mean. */
import { StaleError, TrustError } from '../../errors.js'
import { shellWord } from '../../shell-word.js'
import type { Warning } from '../results.js'
import type { BundleSettings } from '../settings/bundle-setting.js'
import { refresh } from './refresh.js'
import type { Refreshed, RefreshRequest } from './request.js'
import type { VerifiedSetCache } from './verified-set-cache.js'

/** Judgements of one bundle: each for an earlier moment than the last, one for each role whose expiry refuses. */
const MAX_JUDGEMENTS = 8

/**
 * Refreshes from the bundle. Where metadata expired within the days that are accepted, judges all of it for the last moment at which
 * that metadata was good.
 *
 * @throws TrustError of any kind
 */
export async function refreshFromBundle(
  given: RefreshRequest,
  { bundle, acceptsRoot, acceptExpired, judgeAsOf }: BundleSettings,
  sets: VerifiedSetCache,
): Promise<Refreshed> {
  const { file } = bundle
  const { gun } = given
  const request = { ...given, bundle: { file, acceptsRoot, newestRoot: bundle.newestRoot(gun) } }
  let now = request.now
  for (let judgements = 1; ; judgements++) {
    try {
      const refreshed = await refresh({ ...request, now }, sets)
      const found = judgeAsOf === undefined ? [] : [judgedAsOf(gun, judgeAsOf)]
      if (now < request.now) found.push(expiredBundle(file, gun, now))
      return { ...refreshed, warnings: [...refreshed.warnings, ...found] }
    } catch (cause) {
      const ended = cause instanceof StaleError ? Date.parse(String(cause.evidence?.['expires'])) : Number.NaN
      if (!(request.now - ended < acceptExpired) || judgements === MAX_JUDGEMENTS)
        throw withBundleHint(cause, gun, judgeAsOf !== undefined)
      now = ended - 1
    }
  }
}

function expiredBundle(file: string, gun: string, judged: number): Warning {
  const message = `the bundle ${file} has expired: it was good for ${gun} until ${new Date(judged).toISOString()}, and was judged for that time; nothing that was signed later is known`
  return { code: 'WARN_EXPIRED_BUNDLE', message }
}

function judgedAsOf(gun: string, judged: number): Warning {
  const message = `${gun} was judged as of ${new Date(judged).toISOString()}, not for now; nothing that was signed or withdrawn since is known`
  return { code: 'WARN_JUDGED_AS_OF', message }
}

/** The error, with what to do where a bundle is the reason. */
function withBundleHint(cause: unknown, gun: string, isJudgedAsOf: boolean): unknown {
  if (!(cause instanceof TrustError)) return cause
  const again = `dct export --out FILE ${shellWord(gun)}`
  if (cause.code === 'ERR_METADATA_EXPIRED')
    cause.hint = isJudgedAsOf
      ? 'At the moment of --judge-as-of the bundle had expired already: name an earlier moment, or take a bundle that was good then.'
      : `--accept-expired-bundle DAYS accepts it for some days more. It is better to make it again, where its trust server can be asked: ${again}`
  if (cause.code === 'ERR_VERSION_ROLLBACK')
    cause.hint = `The bundle is older than what was accepted here before, and an old state may hold images that were withdrawn since. Make it again: ${again}`
  if (cause.code === 'ERR_METADATA_MISSING') cause.hint = `The bundle is not complete. Make it again: ${again}`
  return cause
}
