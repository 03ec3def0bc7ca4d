/**
 * Makes the answer to a question from a verified set, in the types of results.ts. No object here begins with a spread: V8 takes some
 * microseconds to add members behind one, and a verification from a warm cache takes twenty.
 */
import { UnsignedError } from '../../errors.js'
import type { ImageReference } from '../../reference/reference.js'
import { keyDetails } from '../../trust/key-names.js'
import { listTargets, lookupTag, lookupTarget, type TrustedTag, tagsWithDigest } from '../../trust/lookup.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import type { TrustServer } from '../../trust-server/notary-url.js'
import type {
  Freshness,
  Inspection,
  LookupResult,
  Provenance,
  ShadowedTag,
  TagList,
  TrustedAsOfResult,
  TrustedDigestResult,
  TrustedResult,
  Warning,
} from '../results.js'
import { inspectDelegations } from './delegations.js'

/** A verified collection, and how it was verified. */
export interface VerifiedCollection {
  readonly stage: TargetsStage
  readonly freshness: Freshness
  readonly server: TrustServer
  readonly warnings: readonly Warning[]
  /** When the server was last asked with success, in milliseconds since 1970, as far as the client knows. */
  readonly checked: number | undefined
  /** The registry in the reference, when the collection is signed in the name of another. */
  readonly mirror: string | undefined
  /** The past moment that a bundle was judged for, in ms since 1970. */
  readonly judgedAsOf?: number | undefined
}

/** `applied`: the policy of the answer. @throws UnsignedError ERR_TAG_NOT_SIGNED, ERR_DIGEST_MISMATCH */
export function answerTag(
  verified: VerifiedCollection,
  reference: ImageReference,
  tag: string,
  applied: Pick<TrustedResult, 'policy'> = {},
): TrustedResult | TrustedAsOfResult {
  const { gun } = verified.stage.context
  const { role, digest, size, signers, custom } = lookupTag(verified.stage, tag)
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw new UnsignedError(
      'ERR_DIGEST_MISMATCH',
      `No valid trust data for ${tag} with digest ${reference.digest}: the signed digest is ${digest}`,
      {
        gun,
        role,
        evidence: { asked: reference.digest, signed: digest },
        hint: `The tag was signed again since, or never had this digest. Signed now is ${reference.domain}/${reference.path}:${tag}@${digest}`,
      },
    )
  }
  return asOf(verified, {
    status: 'trusted',
    reference: reference.reference,
    tag,
    digest,
    size,
    canonicalReference: `${reference.gun}@${digest}`,
    role,
    signers,
    ...provenance(verified, role),
    ...(custom === undefined ? {} : { custom }),
    ...applied,
  })
}

/** `tags`: those that count of the tags that carry the digest. @throws UnsignedError ERR_DIGEST_NOT_SIGNED when there is none */
export function answerDigest(
  verified: VerifiedCollection,
  reference: ImageReference,
  digest: string,
  tags: readonly TrustedTag[] = tagsWithDigest(verified.stage, digest),
): TrustedDigestResult | TrustedAsOfResult {
  const { gun } = verified.stage.context
  const [first] = tags
  if (first === undefined)
    throw new UnsignedError('ERR_DIGEST_NOT_SIGNED', `No valid trust data for ${digest}`, { gun, evidence: { asked: digest } })
  return asOf(verified, {
    status: 'trusted-digest',
    reference: reference.reference,
    digest,
    size: first.size,
    canonicalReference: `${reference.gun}@${digest}`,
    role: first.role,
    signers: [...new Set(tags.flatMap(({ signers }) => signers))].sort(),
    tags: tags.map(({ name }) => name),
    ...provenance(verified, first.role),
    ...(first.custom === undefined ? {} : { custom: first.custom }),
  })
}

/** Without `roles`: targets, then its delegations in their order, as Notary's lookup. @throws UnsignedError ERR_TAG_NOT_SIGNED */
export function answerLookup(verified: VerifiedCollection, target: string, roles: readonly string[] | undefined): LookupResult {
  const { stage } = verified
  const { name, role, digest, size, custom } = lookupTarget(stage, target, roles)
  return { target: name, role, digest, size, ...provenance(verified, role), ...(custom === undefined ? {} : { custom }) }
}

/** Released tags in natural order. */
export function answerTags(verified: VerifiedCollection): TagList {
  const { stage } = verified
  const tags = listTargets(stage).map(({ name: tag, digest, size, role, signers, custom, shadowed, problem }) => ({
    tag,
    ...(digest === undefined ? {} : { digest }),
    size,
    role,
    signers,
    ...(custom === undefined ? {} : { custom }),
    ...(shadowed === undefined ? {} : { shadowed: shadowedTag(shadowed) }),
    ...(problem === undefined ? {} : { problem }),
  }))
  return { tags, ...provenance(verified, 'targets') }
}

function shadowedTag({ role, digest, size, signers }: TrustedTag): ShadowedTag {
  return { role, digest, size, signers }
}

/** Every role of the set. */
export function answerInspection(verified: VerifiedCollection): Inspection {
  const { stage } = verified
  const roles = stage.trusted().map(({ role, metadata, keys: { keys, threshold }, signedBy }) => {
    const details = [...keys.values()].map(keyDetails).sort((one, other) => (one.id < other.id ? -1 : 1))
    return {
      role,
      version: metadata.version,
      expires: new Date(metadata.expires).toISOString(),
      threshold,
      keys: details.map(({ id }) => id),
      keyDetails: details,
      keysAsListed: [...keys.keys()],
      signedBy: [...signedBy],
    }
  })
  return { roles, delegations: inspectDelegations(stage), ...provenance(verified, 'targets') }
}

/** Only what is trusted now may say so. */
function asOf<Answer extends TrustedResult | TrustedDigestResult>(
  { judgedAsOf }: VerifiedCollection,
  answer: Answer,
): Answer | TrustedAsOfResult {
  return judgedAsOf === undefined
    ? answer
    : { ...answer, status: 'trusted-as-of', judgedAsOf: new Date(judgedAsOf).toISOString() }
}

/** A new object for each answer: one refresh may answer several callers, and no caller may change the answer of another. */
function provenance(
  { stage, freshness, checked, server, warnings, mirror, judgedAsOf }: VerifiedCollection,
  role: string,
): Omit<Provenance, 'judgedAsOf'> & { judgedAsOf?: string } {
  const { gun } = stage.context
  return {
    gun,
    rootTrust: stage.anchor.trust,
    freshness,
    ...(checked === undefined ? {} : { checked: new Date(checked).toISOString() }),
    expires: new Date(stage.expires(role)).toISOString(),
    server: server.typed,
    warnings: warnings.map((warning) => ({ ...warning })),
    ...(mirror === undefined ? {} : { mirror }),
    ...(judgedAsOf === undefined ? {} : { judgedAsOf: new Date(judgedAsOf).toISOString() }),
  }
}
