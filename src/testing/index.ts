/** The testing kit: trust collections signed for real, honest or spoiled, without a Notary server. */
export {
  type CertificateOptions,
  createCertificate,
  createKeys,
  type ExtensionParts,
  type Issuer,
  type KeyKind,
  type KeyPair,
  type MadeCertificate,
  type NameParts,
  type NameText,
} from './certificate-maker.js'
export { type CollectionServer, serveCollections } from './collection-server.js'
export type {
  DelegationDocument,
  Envelope,
  FileDocument,
  KeyDocument,
  RoleDocument,
  RootDocument,
  SignatureDocument,
  SnapshotDocument,
  TargetDocument,
  TargetsDocument,
  TimestampDocument,
  WireForm,
} from './documents.js'
export type { Tampering } from './envelope.js'
export { createSimulatedTransport, type Fault, type Faults, type FileHolder, type SimulatedTransport } from './faults.js'
export { type Curve, createSigningKey, type KeyRecipe, type KeyType, type SigningKey } from './keys.js'
export type { BaseRole, CertificateChanges, RoleRecipe } from './roles.js'
export type { RootRotation } from './root-line.js'
export { readServedFolder } from './served-folder.js'
export { createTrustCollection, type SignOptions, type TrustCollection, type TrustCollectionOptions } from './trust-collection.js'
