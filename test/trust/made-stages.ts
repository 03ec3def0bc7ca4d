/** Stages of a collection, one after the other, and what they refuse. */
import { TrustError } from '../../src/errors.js'
import { Budget } from '../../src/trust/budget.js'
import { RootChain } from '../../src/trust/root-chain.js'
import { TargetsStage } from '../../src/trust/targets-stage.js'
import { RootStage, type SnapshotStage, type TimestampStage } from '../../src/trust/trusted-metadata-set.js'
import type { VersionFloors } from '../../src/trust/version-floors.js'
import {
  type Document,
  fileEntry,
  GUN,
  rootDocument,
  SIGNERS,
  signedFile,
  snapshotDocument,
  spoilt,
  targetsDocument,
  timestampDocument,
} from '../metadata/documents.js'

export const NOW = Date.parse('2029-01-01T00:00:00Z')
export const ROOT_FILE = signedFile(rootDocument(), [SIGNERS.root])
/** It delegates to releases (alice and bob) and to alice, and has neither's file. */
export const TARGETS_FILE = signedFile(targetsDocument(), [SIGNERS.targets])

/** No stage asks about certificates. */
const NONE = { bound: new Map(), problems: [], pathProblem: () => undefined }

export function rootStage(floors: VersionFloors = new Map(), file: Uint8Array = ROOT_FILE, now = NOW): RootStage {
  const budget = new Budget()
  const chain = RootChain.start(GUN, file, budget)
  return new RootStage(
    { gun: GUN, now, floors, budget },
    { chain, trust: 'first-use', certificates: NONE, certificateExpires: NOW },
  )
}

/** A snapshot that lists these files, and a timestamp for it, one stage after the other. */
export function snapshotStage(files: Readonly<Record<string, Document>>, floors: VersionFloors = new Map()): SnapshotStage {
  const snapshot = signedFile(spoilt(snapshotDocument(), ['meta'], files), [SIGNERS.snapshot])
  return timestampStage(snapshot, floors).loadSnapshot(snapshot)
}

export function timestampStage(snapshot: Uint8Array, floors: VersionFloors = new Map()): TimestampStage {
  const timestamp = spoilt(timestampDocument(), ['meta', 'snapshot'], fileEntry(snapshot))
  return rootStage(floors).loadTimestamp(signedFile(timestamp, [SIGNERS.timestamp]))
}

/** What every snapshot of a test lists. */
export const FILES = { root: fileEntry(ROOT_FILE), targets: fileEntry(TARGETS_FILE) }

/** Targets, with more files in the snapshot. */
export function targetsStage(
  more: Readonly<Record<string, Document>> = {},
  floors: VersionFloors = new Map(),
  file: Uint8Array = TARGETS_FILE,
): TargetsStage {
  return TargetsStage.load(snapshotStage({ ...FILES, targets: fileEntry(file), ...more }, floors), file)
}

/** What is thrown. */
export function refused(act: () => unknown): TrustError {
  try {
    act()
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    return error
  }
  throw new Error('nothing was refused')
}
