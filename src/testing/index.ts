/** The testing kit: trust collections with real signatures, valid or tampered with, without a Notary server. See docs/testing.md. */
export {
  type CertificateOptions,
  createCertificate,
  createKeys,
  type ExtensionParts,
  encodeName,
  type Issuer,
  type KeyKind,
  type KeyPair,
  type MadeCertificate,
  type NameParts,
  type NameText,
  toPem,
} from './certificate-maker.js'
export { type Clock, createClock, type Stretch } from './clock.js'
export type { DelegationOptions, SignedTags, SignOptions, TrustCollectionOptions } from './collection-options.js'
export * as der from './der-writer.js'
export {
  canonicalBytes,
  type DelegationDocument,
  describeFile,
  type Envelope,
  type FileDocument,
  type KeyDocument,
  type RoleDocument,
  type RootDocument,
  type SignatureDocument,
  type SnapshotDocument,
  type TargetDocument,
  type TargetsDocument,
  type TimestampDocument,
  type WireForm,
} from './documents.js'
export { type SignedFile, signFile, type Tampering } from './envelope.js'
export {
  createSimulatedTransport,
  type Fault,
  type FaultName,
  type Faults,
  type FileHolder,
  type SimulatedTransport,
} from './faults.js'
export type {
  CompleteStep,
  ExpectedAnswer,
  ExpectedRefusal,
  FixtureCase,
  FixtureOptions,
  FixtureQuestion,
  FixtureStep,
} from './fixture-case.js'
export {
  type Fixture,
  type FixtureContent,
  type FixtureFiles,
  type LoadedStep,
  loadFixture,
  type RecordableCollection,
  type RecordOptions,
  recordFixture,
  writeFixture,
} from './fixtures.js'
export { type Curve, createSigningKey, type KeyRecipe, type KeyType, type SigningKey } from './keys.js'
export { createLockfile, type LockedCollectionDocument, type LockfileDocument, type LockfileOptions } from './lockfile.js'
export type { ServerCertificate } from './loopback-certificate.js'
export type { BaseRole, CertificateChanges, RoleRecipe } from './roles.js'
export type { RootRotation } from './root-line.js'
export { readServedFolder } from './served-folder.js'
export type { ServerAuth } from './server-auth.js'
export { STORE_CHECKS, type StoreCheck } from './store-checks.js'
export {
  type CommonDocument,
  type NamedTampering,
  TAMPERINGS,
  type TamperedRole,
  type TamperingName,
} from './tamperings.js'
export { createTrustCollection, type TrustCollection } from './trust-collection.js'
export {
  type ServedRequest,
  type ServerFault,
  startTrustServer,
  type TestTrustServer,
  type TrustServerOptions,
} from './trust-server.js'
