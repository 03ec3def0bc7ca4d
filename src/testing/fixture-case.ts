/** The format of `case.json` in the folder of a fixture. An unknown field is an error. */
import { z } from 'zod'
import type { Freshness } from '../client/results.js'
import type { RootTrust } from '../trust/anchor.js'

/** Options of the client. Paths of CA files are relative to the fixture's folder. */
export interface FixtureOptions {
  readonly pinning?: {
    readonly certs?: Readonly<Record<string, readonly string[]>>
    readonly ca?: Readonly<Record<string, string>>
    readonly disable_tofu?: boolean
  }
  readonly digestReferences?: 'require-signed' | 'accept'
  readonly staleFallback?: 'warn' | 'refuse'
  readonly offline?: boolean
}

/** An expected answer. Given members must be equal; `warnings` lists all codes in order. */
export interface ExpectedAnswer {
  readonly status?: 'trusted' | 'trusted-digest' | 'by-digest'
  /** `sha256:<hex>` */
  readonly digest: string
  readonly size?: number
  readonly role?: string
  readonly signers?: readonly string[]
  readonly tags?: readonly string[]
  readonly rootTrust?: RootTrust
  readonly freshness?: Freshness
  readonly expires?: string
  readonly warnings?: readonly string[]
  readonly custom?: unknown
}

/** An expected refusal. */
export interface ExpectedRefusal {
  /** `ERR_...` */
  readonly code: string
  readonly role?: string
}

/** A question to the client, its time, and the expected result. */
export interface FixtureQuestion {
  /** RFC 3339. */
  readonly now?: string
  /** An image reference: `verifyTag`. */
  readonly reference?: string
  /** Any name in the collection: `lookup`; only in `roles` when they are given. */
  readonly target?: string
  readonly roles?: readonly string[]
  readonly options?: FixtureOptions
  readonly expect?: ExpectedAnswer | ExpectedRefusal
}

/** One of several questions to the same client, which keeps its cache between them. */
export interface FixtureStep extends FixtureQuestion {
  readonly about?: string
  /** The folder that the server serves in this step: `served` when absent. */
  readonly served?: string
  /** The server does not answer. */
  readonly unreachable?: true
  /** The cache of the earlier steps is forgotten first. */
  readonly forget?: true
  /** The refusal when the same question is asked offline afterwards. Without it, the offline answer must be the same. */
  readonly offline?: ExpectedRefusal
}

/** The whole file. Members beside `steps` are defaults for each step. Without `steps` there is one step. */
export interface FixtureCase extends FixtureQuestion {
  readonly about: string
  readonly gun: string
  readonly server: string
  readonly steps?: readonly FixtureStep[]
}

/** A step with all defaults filled in. */
export interface CompleteStep extends FixtureStep {
  readonly served: string
  readonly now: string
  readonly expect: ExpectedAnswer | ExpectedRefusal
}

const text = z.string().min(1)
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const date = z.iso.datetime()

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

const answerSchema = z.strictObject({
  status: z.enum(['trusted', 'trusted-digest', 'by-digest']).exactOptional(),
  digest,
  size: z.int().exactOptional(),
  role: text.exactOptional(),
  signers: z.array(text).readonly().exactOptional(),
  tags: z.array(text).readonly().exactOptional(),
  rootTrust: z.enum(['lockfile', 'pinned-certificate', 'pinned-key', 'pinned-ca', 'cached-root', 'first-use']).exactOptional(),
  freshness: z.enum(['fresh', 'stale', 'offline']).exactOptional(),
  expires: date.exactOptional(),
  warnings: z.array(text).readonly().exactOptional(),
  custom: z.unknown().exactOptional(),
})

const refusalSchema = z.strictObject({ code: z.string().regex(/^ERR_[A-Z_]+$/), role: text.exactOptional() })

const question = {
  now: date.exactOptional(),
  reference: text.exactOptional(),
  target: text.exactOptional(),
  roles: z.array(text).readonly().exactOptional(),
  options: optionsSchema.exactOptional(),
  expect: z.union([refusalSchema, answerSchema]).exactOptional(),
}

const stepSchema = z.strictObject({
  about: text.exactOptional(),
  served: z
    .string()
    .regex(/^served(-[a-z0-9]+)*$/)
    .exactOptional(),
  unreachable: z.literal(true).exactOptional(),
  forget: z.literal(true).exactOptional(),
  offline: refusalSchema.exactOptional(),
  ...question,
})

const caseSchema = z.strictObject({
  about: text,
  gun: text,
  server: z.url(),
  ...question,
  steps: z.array(stepSchema).min(1).readonly().exactOptional(),
})

/** Parses a case. @throws TypeError that names every invalid field */
export function parseFixtureCase(value: unknown): FixtureCase {
  const parsed = caseSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new TypeError(`not a fixture: ${z.prettifyError({ issues: parsed.error.issues.flatMap(inEachForm) })}`)
}

/** An expectation has two forms. Lists the issues of both, because "neither form" would not say what is wrong. */
function inEachForm(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue]
  return issue.errors.flat().map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
}

/** The steps of a case, with defaults filled in. @throws TypeError for a step without clock, question or expectation */
export function stepsOf(file: FixtureCase): CompleteStep[] {
  const { steps, now: sameNow, expect: sameExpect, reference, target, roles, options } = file
  if (steps !== undefined && sameExpect !== undefined) throw new TypeError('a case with steps expects nothing beside them')
  const sameQuestion = { ...(reference && { reference }), ...(target && { target }), ...(roles && { roles }) }
  return (steps ?? [{}]).map((step: FixtureStep, index) => {
    const { now = sameNow, expect = sameExpect, served = 'served' } = step
    const asked = step.reference === undefined && step.target === undefined ? sameQuestion : {}
    const complete = { ...(options && { options }), ...asked, ...step }
    if ((complete.reference === undefined) === (complete.target === undefined))
      throw new TypeError(`step ${index + 1}: either reference or target`)
    if (complete.roles !== undefined && complete.target === undefined)
      throw new TypeError(`step ${index + 1}: roles are for a target`)
    if (now === undefined || expect === undefined) throw new TypeError(`step ${index + 1}: now and expect are needed`)
    return { ...complete, now, expect, served }
  })
}
