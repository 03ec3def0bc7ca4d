/** Every fixture: the name of its folder and the function that makes it. */
import type { FixtureContent } from '../../../../src/testing/index.js'
import { demo } from '../demo-fixture.js'
import { certificatePins, expiredByTheClock } from './clock-and-pin-cases.js'
import { digestReferences, lastDelegationKeyRemoved, releasesAndSigners, rsaX509Delegation } from './delegation-cases.js'
import type { CaseMaker } from './laboratory.js'
import { customData, lookupAnyName, oddTags, plainEcdsaServerKeys, plainEd25519ServerKeys, portInTheGun } from './plain-cases.js'
import {
  cacheWrittenByNotary,
  collectionMadeAnew,
  roots1To4,
  rootsWithoutAChain,
  updatesThenTheFirstStateAgain,
} from './sequence-cases.js'
import {
  caPins,
  everyCurve,
  expiredRoles,
  fastForwardAndRecovery,
  rootUnderItsOwnThreshold,
  rsaRoots,
  sameVersionOtherContent,
  thresholdsAboveOne,
} from './simulated-cases.js'

/** Made by the real notary, notary-server and notary-signer. */
export const realCases: Readonly<Record<string, CaseMaker>> = {
  demo,
  'plain-ecdsa-server-keys': plainEcdsaServerKeys,
  'plain-ed25519-server-keys': plainEd25519ServerKeys,
  'port-in-the-gun': portInTheGun,
  'custom-data': customData,
  'odd-tags': oddTags,
  'lookup-any-name': lookupAnyName,
  'releases-and-signers': releasesAndSigners,
  'rsa-x509-delegation': rsaX509Delegation,
  'last-delegation-key-removed': lastDelegationKeyRemoved,
  'digest-references': digestReferences,
  'roots-1-to-4': roots1To4,
  'roots-without-a-chain': rootsWithoutAChain,
  'updates-then-the-first-state-again': updatesThenTheFirstStateAgain,
  'collection-made-anew': collectionMadeAnew,
  'cache-written-by-notary': cacheWrittenByNotary,
  'expired-by-the-clock': expiredByTheClock,
  'certificate-pins': certificatePins,
}

/** Made by the testing kit, with fixed seeds. */
export const simulatedCases: Readonly<Record<string, () => FixtureContent>> = {
  'simulated-thresholds-above-one': thresholdsAboveOne,
  'simulated-root-under-its-own-threshold': rootUnderItsOwnThreshold,
  'simulated-every-curve': everyCurve,
  'simulated-rsa-roots': rsaRoots,
  'simulated-ca-pins': caPins,
  'simulated-expired-roles': expiredRoles,
  'simulated-fast-forward-and-recovery': fastForwardAndRecovery,
  'simulated-same-version-other-content': sameVersionOtherContent,
}
