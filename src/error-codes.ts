/** The closed list of error codes, and what each means for the caller: whether to try again, and what to do next. */

/** What the caller should do: refuse for good, fix the call, treat the image as unsigned, renew, or try again. */
export type ErrorKind = 'untrusted' | 'usage' | 'unsigned' | 'stale' | 'unavailable'

/** The trusted keys did not sign what the server served. */
export type UntrustedCode =
  | 'ERR_SIGNATURE_THRESHOLD'
  | 'ERR_ROOT_UNTRUSTED'
  | 'ERR_ROOT_ROTATION'
  | 'ERR_PIN_MISMATCH'
  | 'ERR_VERSION_ROLLBACK'
  | 'ERR_HASH_MISMATCH'
  | 'ERR_METADATA_MALFORMED'
  | 'ERR_METADATA_TOO_LARGE'
  | 'ERR_EQUIVOCATION'
  | 'ERR_LOCK_MISMATCH'

/** The call itself is wrong. */
export type UsageCode = 'ERR_REFERENCE_INVALID' | 'ERR_SETTINGS_INVALID'

/** The trust data is valid and does not name what was asked for. */
export type UnsignedCode =
  | 'ERR_NO_TRUST_DATA'
  | 'ERR_TAG_NOT_SIGNED'
  | 'ERR_DIGEST_NOT_SIGNED'
  | 'ERR_DIGEST_MISMATCH'
  | 'ERR_SIGNER_MISSING'
  | 'ERR_POLICY_DENIED'
  | 'ERR_NOT_LOCKED'
  | 'ERR_IMAGE_UNRESOLVED'
  | 'ERR_NOT_PINNED'

/** The trust data was valid, and has expired. */
export type StaleCode = 'ERR_METADATA_EXPIRED' | 'ERR_CERTIFICATE_EXPIRED'

/** There is no verdict: network, server, credentials or cache. */
export type UnavailableCode =
  | 'ERR_SERVER_UNREACHABLE'
  | 'ERR_TLS'
  | 'ERR_SERVER_RESPONSE'
  | 'ERR_UNAUTHORIZED'
  | 'ERR_METADATA_MISSING'
  | 'ERR_SERVER_RETIRED'
  | 'ERR_OFFLINE'
  | 'ERR_CACHE'

/** All codes; part of the API. */
export type ErrorCode = UntrustedCode | UsageCode | UnsignedCode | StaleCode | UnavailableCode

/** Codes after which the same call may succeed later without any change. */
export const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_SERVER_UNREACHABLE',
  'ERR_SERVER_RESPONSE',
  'ERR_METADATA_MISSING',
])

/** The hint of an error that was made without one. Errors about settings have their own hints; this one is for errors of callers. */
export function defaultHint(code: ErrorCode): string {
  return code === 'ERR_SETTINGS_INVALID' ? 'What is used, and why: dct env' : DEFAULT_HINTS[code]
}

const DEFAULT_HINTS: Readonly<Record<Exclude<ErrorCode, 'ERR_SETTINGS_INVALID'>, string>> = {
  ERR_SIGNATURE_THRESHOLD:
    'The trusted keys did not sign this. Do not use the image; tell its publisher and the operator of the trust server. What was accepted before: dct cache verify <GUN>',
  ERR_ROOT_UNTRUSTED:
    'The root of this collection cannot be trusted as it is served. Ask its publisher, or pin the root key you were given.',
  ERR_ROOT_ROTATION:
    'The trusted root did not sign the root that the server offers now: either the publisher created the collection again, or this is an attack. Compare the root key with its publisher; only then start again with: dct cache forget <GUN>',
  ERR_PIN_MISMATCH:
    'Your trust pinning names other keys or another CA for this collection. Check the pin with the publisher before you change it. Which pin applies, with the same --pinning: dct env <GUN>',
  ERR_VERSION_ROLLBACK:
    'The server offers something older than what was accepted before. Do not use it; tell the operator of the trust server. What was accepted before: dct cache verify <GUN>',
  ERR_HASH_MISMATCH:
    'The file is not the one that the signed metadata names. Try again. If the error stays, the server or a proxy is broken. Which server is asked, and why: dct env <GUN>',
  ERR_METADATA_MALFORMED:
    'This is not trust metadata as Notary writes it. Check that the server is a Notary server and that no proxy or login page answers for it. Which server is asked, and why: dct env',
  ERR_METADATA_TOO_LARGE:
    'The server sent more than the signed metadata or the limits allow. Nothing of it was used. Tell the operator of the trust server. Which server is asked, and why: dct env <GUN>',
  ERR_EQUIVOCATION:
    'Two different contents carry the same version number. Do not use the image; tell its publisher and the operator of the trust server. What was accepted before: dct cache verify <GUN>',
  ERR_LOCK_MISMATCH:
    'The lock records another root or server for this collection. Compare the root key with the publisher, over another way than the trust server; only then lock again: dct lock --update <GUN>',
  ERR_REFERENCE_INVALID: 'A reference looks like alpine:3.19, registry.example:5000/team/app:1.0 or name@sha256:<64 hex digits>.',
  ERR_NO_TRUST_DATA:
    'The image is not signed on this trust server, or the server is not the one its publisher signs with: see DOCKER_CONTENT_TRUST_SERVER. Which server is asked, and why: dct env',
  ERR_TAG_NOT_SIGNED:
    'The collection is signed but this tag is not. Ask its publisher to sign it, or use a tag that is. Its tags: dct tags <GUN>',
  ERR_DIGEST_NOT_SIGNED: 'No signed tag of the collection carries this digest. Its tags and their digests: dct tags <GUN>',
  ERR_DIGEST_MISMATCH: 'The tag is signed for another digest: it was signed again since, or never had this one.',
  ERR_SIGNER_MISSING: 'A signer that you require has not signed this tag. Who signed what: dct tags <GUN>',
  ERR_POLICY_DENIED: 'Your policy denies this image. Which rule decides, and why: dct policy explain <GUN>',
  ERR_NOT_LOCKED:
    'The lock has no entry for this collection. Record it, once you have compared its root key with the publisher: dct lock <GUN>',
  ERR_IMAGE_UNRESOLVED:
    'The file does not say which image this is. Write the reference out, give the variable a default, or take the line out with a comment above it: # dct:ignore',
  ERR_NOT_PINNED: 'Write the signed digest into the file: dct pin FILE',
  ERR_METADATA_EXPIRED:
    'The publisher, or the operator of the trust server, must sign this metadata again. What is kept, and until when: dct cache verify <GUN>',
  ERR_CERTIFICATE_EXPIRED:
    'The publisher must rotate the root key to one with a current certificate. What is kept, and until when: dct cache verify <GUN>',
  ERR_SERVER_UNREACHABLE: 'Check the address of the server, the network and the proxy settings.',
  ERR_TLS: 'If the server has a private CA, give it with --tlscacert or put it as ca.crt into <docker config>/tls/<host:port>/.',
  ERR_SERVER_RESPONSE: 'The server answered with an error of its own. Try again later.',
  ERR_UNAUTHORIZED: 'Log in to the registry (docker login), or give credentials that may pull this image.',
  ERR_METADATA_MISSING:
    'The server lacks a file that its own signed metadata names. Try again. If the error stays, tell the operator of the server.',
  ERR_SERVER_RETIRED:
    'notary.docker.io was switched off on 2026-12-08. Docker Official Images have no trust data any more; name the trust server that your images are signed on.',
  ERR_OFFLINE: 'Run once without --offline to fill the cache.',
  ERR_CACHE: 'See what is kept with: dct cache verify <GUN>; start again with: dct cache forget <GUN>',
}
