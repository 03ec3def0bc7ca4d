/** The public API. */

export { createMemoryStore } from './cache/memory-store.js'
export type { CacheChanges, CachedCollection, CommitOutcome, MetadataStore } from './cache/metadata-store.js'
export type { CollectionEvent, FileOrigin, TrustEvent } from './client/events.js'
export type {
  AppliedPolicy,
  ByDigestResult,
  DisabledResult,
  Freshness,
  InspectedDelegation,
  InspectedRole,
  Inspection,
  ListedTag,
  LookupResult,
  PermittedResult,
  Provenance,
  ShadowedTag,
  SkippedResult,
  TagList,
  TrustedAsOfResult,
  TrustedDigestResult,
  TrustedResult,
  VerifyResult,
  Warning,
  WarningCode,
} from './client/results.js'
export { contentTrustEnabled } from './client/settings/content-trust.js'
export type { Environment } from './client/settings/environment.js'
export type {
  ContentTrustSwitch,
  RequiredSignerOption,
  RequiredSignersOption,
  TrustClientOptions,
  TrustPinningOption,
  VerifyTagOptions,
} from './client/settings/options.js'
export { createTrustClient, type TrustClient, type VerifyOutcome, verifyTag } from './client/trust-client.js'
export type { Credentials, CredentialsFunction, CredentialsOption } from './credentials/credentials.js'
export {
  type ErrorCode,
  type ErrorDetails,
  type ErrorKind,
  type Evidence,
  type StaleCode,
  StaleError,
  TrustError,
  type TrustErrorJson,
  type UnavailableCode,
  type UnavailableDetails,
  UnavailableError,
  type UnsignedCode,
  UnsignedError,
  type UntrustedCode,
  UntrustedError,
  type UsageCode,
  UsageError,
} from './errors.js'
export type { FileFormat, ImageUse, ImageUseKind, Place, Remark, Slot } from './formats/image-use.js'
export type { Edit, PinFinding, PinMode, PinVerdict } from './formats/pin-text.js'
export type { AuthMethod, TransportEvent } from './http/events.js'
export { type PinDocumentOptions, type PinnedDocument, pinDockerfile, pinYaml } from './tasks/pin-documents.js'
export type { RootTrust } from './trust/anchor.js'
export type { KeyDetails } from './trust/key-names.js'
export type { MetadataRequest, Transport } from './trust-server/transport.js'
