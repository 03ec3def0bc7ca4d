/** Refusals in the form that registries have (OCI distribution-spec, "Error Codes"), which engines show to their users. */
import { type ErrorKind, printable, type TrustError } from '../errors.js'

/** An answer without a manifest. */
export interface Refusal {
  readonly status: number
  readonly body: string
}

/** Not 404, which would send an engine to the next host; not 401, which would make it look for credentials. */
const STATUS: Readonly<Record<ErrorKind, number>> = { untrusted: 403, unsigned: 403, stale: 403, usage: 403, unavailable: 503 }

/** The refusal for an error of the verification. */
export function refusalOf(error: TrustError): Refusal {
  const { kind, code, message, hint } = error
  const name = kind === 'unavailable' ? 'UNAVAILABLE' : 'DENIED'
  return refusal(STATUS[kind], name, `${message} (${code}). ${hint}`, { code, kind, hint })
}

/** Any refusal. */
export function refusal(status: number, code: string, message: string, detail?: object): Refusal {
  const error = { code, message: printable(message, MAX_MESSAGE), ...(detail === undefined ? {} : { detail }) }
  return { status, body: JSON.stringify({ errors: [error] }) }
}

/** Characters of a message: message and hint of an error together. */
const MAX_MESSAGE = 2_000
