/** What a failure means for the rest of a refresh: the cache may stand in, or a newer file may help. */
import {
  describeCause,
  type ErrorDetails,
  printable,
  StaleError,
  TrustError,
  UnavailableError,
  UnsignedError,
} from '../../errors.js'
import type { Warning } from '../results.js'
import type { RefreshRequest } from './request.js'

/** Docker's exact sentence; scripts look for it. Source: notary 0.7.0 client/tufclient.go. */
const STALE =
  'Error while downloading remote metadata, using cached timestamp - this might not be the latest version available remotely'

/** The warning of every answer from a cached timestamp. */
export function staleWarning(cause: UnavailableError): Warning {
  return { code: 'WARN_STALE_TIMESTAMP', message: printable(`${STALE} (${describeCause(cause)})`) }
}

/** The server gave no usable answer where the cache may stand in. */
export class NoAnswer extends Error {
  override readonly cause: UnavailableError
  constructor(cause: UnavailableError) {
    super(cause.message)
    this.cause = cause
  }
}

/** Turns every failure to get an answer into NoAnswer, so that the cache may stand in. A bad answer stays the error that it is. */
export async function orNoAnswer<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (cause) {
    if (cause instanceof UnavailableError && !cause.isBadAnswer) throw new NoAnswer(cause)
    throw cause
  }
}

/** True when a file that a timestamp leads to was not there: a publish may have replaced it meanwhile. */
export function isMissing(cause: unknown): boolean {
  return cause instanceof UnavailableError && cause.code === 'ERR_METADATA_MISSING'
}

/** True when a newer root that the walk did not find may help, or a newer timestamp after a rotation. */
export function asksForNewRoot(cause: unknown): boolean {
  if (!(cause instanceof TrustError)) return false
  if (cause.role === 'root')
    return cause instanceof StaleError || cause.code === 'ERR_HASH_MISMATCH' || cause.code === 'ERR_METADATA_TOO_LARGE'
  return cause.code === 'ERR_SIGNATURE_THRESHOLD' && (cause.role === 'timestamp' || cause.role === 'snapshot')
}

/** The server has no root of the collection. */
export function noTrustData({ gun, familiarName, server }: RefreshRequest): UnsignedError {
  return new UnsignedError(
    'ERR_NO_TRUST_DATA',
    `remote trust data does not exist for ${familiarName}: ${server.host} does not have trust data for ${gun}`,
    { gun },
  )
}

/** The error when the cache cannot stand in: the failure of the server, or offline, where no server was asked, what is wrong with the cache. */
export function noFallback(gun: string, cause: UnavailableError, why: string, hint?: string): UnavailableError {
  if (cause.code !== 'ERR_OFFLINE') return cause
  return new UnavailableError('ERR_OFFLINE', `no usable trust data for ${gun} in the cache, and the client is offline: ${why}`, {
    gun,
    hint,
  })
}

/** The same error, caused by the failure of the server. */
export function causedBy(cause: UnavailableError, { code, message, gun, role, evidence, hint }: StaleError): StaleError {
  const details: ErrorDetails = { gun, role, evidence, hint, cause }
  return new StaleError(code, message, details)
}
