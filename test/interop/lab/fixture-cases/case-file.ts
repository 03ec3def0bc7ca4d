/** What `fixtures/<case>/case.json` may say. Used by those who write one and by the test that runs them; an unknown field is an error. */
import { z } from 'zod'

const text = z.string().min(1)
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const date = z.iso.datetime()

/** How the client is set; paths of CA files are seen from the case's folder. */
const optionsSchema = z.strictObject({
  pinning: z
    .strictObject({
      certs: z.record(text, z.array(text).readonly()).exactOptional(),
      ca: z.record(text, text).exactOptional(),
      disable_tofu: z.boolean().exactOptional(),
    })
    .exactOptional(),
  digestReferences: z.enum(['require-signed', 'accept']).exactOptional(),
  staleFallback: z.enum(['warn', 'refuse']).exactOptional(),
  offline: z.boolean().exactOptional(),
})

/** An answer: what is given must be equal; warnings are the codes, all of them and in order. */
const answerSchema = z.strictObject({
  status: z.enum(['trusted', 'trusted-digest', 'by-digest']).exactOptional(),
  digest,
  size: z.int().exactOptional(),
  role: text.exactOptional(),
  signers: z.array(text).readonly().exactOptional(),
  tags: z.array(text).readonly().exactOptional(),
  rootTrust: z.enum(['pinned-certificate', 'pinned-ca', 'cached-root', 'first-use']).exactOptional(),
  freshness: z.enum(['fresh', 'stale', 'offline']).exactOptional(),
  expires: date.exactOptional(),
  warnings: z.array(text).readonly().exactOptional(),
  custom: z.unknown().exactOptional(),
})

const refusalSchema = z.strictObject({ code: z.string().regex(/^ERR_[A-Z_]+$/), role: text.exactOptional() })

const expectSchema = z.union([refusalSchema, answerSchema])

const shared = {
  now: date.exactOptional(),
  /** An image reference: `verifyTag`. */
  reference: text.exactOptional(),
  /** Any name in the collection: `lookup`; in these roles alone when there are some. */
  target: text.exactOptional(),
  roles: z.array(text).readonly().exactOptional(),
  options: optionsSchema.exactOptional(),
  expect: expectSchema.exactOptional(),
}

const stepSchema = z.strictObject({
  about: text.exactOptional(),
  /** The folder that the server serves in this step: `served` when absent. */
  served: z
    .string()
    .regex(/^served(-[a-z0-9]+)*$/)
    .exactOptional(),
  /** Nobody answers. */
  unreachable: z.literal(true).exactOptional(),
  /** What was kept in the steps before is forgotten first. */
  forget: z.literal(true).exactOptional(),
  /** After the answer the same is asked offline, and answered the same from what is kept; unless this says how it is refused. */
  offline: refusalSchema.exactOptional(),
  ...shared,
})

/** What stands beside `steps` holds for each step that does not say otherwise. Without `steps` the case is one step. */
export const caseSchema = z.strictObject({
  about: text,
  gun: text,
  server: z.url(),
  ...shared,
  steps: z.array(stepSchema).min(1).readonly().exactOptional(),
})

export type FixtureCase = z.infer<typeof caseSchema>
export type FixtureStep = z.infer<typeof stepSchema>
export type ExpectedAnswer = z.infer<typeof answerSchema>
export type ExpectedRefusal = z.infer<typeof refusalSchema>

/** A step with nothing left open: what is asked, when, of which folder, and what must come of it. */
export interface CompleteStep extends FixtureStep {
  readonly served: string
  readonly now: string
  readonly expect: ExpectedAnswer | ExpectedRefusal
}

/** The steps of a case, completed from what holds for all. @throws Error for a step without clock, question or expectation */
export function stepsOf({
  steps,
  now: sameNow,
  expect: sameExpect,
  reference,
  target,
  roles,
  options,
}: FixtureCase): CompleteStep[] {
  if (steps !== undefined && sameExpect !== undefined) throw new Error('a case with steps expects nothing beside them')
  const sameQuestion = { ...(reference && { reference }), ...(target && { target }), ...(roles && { roles }) }
  return (steps ?? [{}]).map((step: FixtureStep, index) => {
    const { now = sameNow, expect = sameExpect, served = 'served' } = step
    const question = step.reference === undefined && step.target === undefined ? sameQuestion : {}
    const complete = { ...(options && { options }), ...question, ...step }
    if ((complete.reference === undefined) === (complete.target === undefined))
      throw new Error(`step ${index + 1}: either reference or target`)
    if (complete.roles !== undefined && complete.target === undefined)
      throw new Error(`step ${index + 1}: roles are for a target`)
    if (now === undefined || expect === undefined) throw new Error(`step ${index + 1}: now and expect are needed`)
    return { ...complete, now, expect, served }
  })
}
