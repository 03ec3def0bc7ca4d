/** The options `policy` and `requireSigners`, read. Loaded only when one of them is given. */
import { createReadStream } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { DocumentNode } from '../../document/document.js'
import { Faults } from '../../document/faults.js'
import { readJsonDocument } from '../../document/json-document.js'
import { describeCause, UsageError } from '../../errors.js'
import { PolicyIndex } from '../../policy/decide.js'
import { MAX_POLICY_BYTES, newPolicyFaults, parsePolicy, policyFormat } from '../../policy/parse-policy.js'
import type { Policy, PolicyPinning, SignerRequirement } from '../../policy/policy.js'
import { TermsReader } from '../../policy/terms.js'
import { shellWord } from '../../shell-word.js'
import type { TrustPinning } from '../../trust/pinning.js'
import type { Environment } from './environment.js'
import { givenDocument } from './given-document.js'
import type { TrustClientOptions } from './options.js'
import { readPinning } from './pinning-settings.js'
import { sourceOf } from './setting-sources.js'

/** What one client is asked to require. It does not change while the client lives. */
export interface PolicySettings {
  /** Undefined when only signers are required. */
  readonly index: PolicyIndex | undefined
  /** The path as given, or the option: for messages. */
  readonly file: string
  /** False for a policy that was given as an object: a command line cannot name it. */
  readonly isFile: boolean
  /** The pins of rules, with the certificates of their CA files. */
  readonly pinnings: ReadonlyMap<PolicyPinning, TrustPinning>
  /** What the option `requireSigners` asks of every image. */
  readonly requireSigners: readonly SignerRequirement[]
}

/**
 * Reads the policy, the CA files that it names, and the required signers. Undefined when neither is given.
 *
 * @throws UsageError ERR_SETTINGS_INVALID: a policy that cannot be read is never left out
 */
export async function readPolicySettings(
  options: Pick<TrustClientOptions, 'policy' | 'requireSigners'>,
  env: Environment,
): Promise<PolicySettings | undefined> {
  const given = givenPolicy(options, env)
  if (given === undefined && options.requireSigners === undefined) return undefined
  const isFile = typeof given === 'string'
  const file = isFile ? given : 'option policy'
  const policy = given === undefined ? undefined : await readPolicy(given)
  const pinnings = policy === undefined ? new Map() : await readPins(policy, isFile ? dirname(given) : '.')
  const requireSigners = options.requireSigners === undefined ? [] : [readRequirement(options.requireSigners)]
  return { index: policy === undefined ? undefined : new PolicyIndex(policy), file, isFile, pinnings, requireSigners }
}

/** The option, else the path in the environment. */
export function givenPolicy(options: Pick<TrustClientOptions, 'policy'>, env: Environment): string | object | undefined {
  const source = sourceOf('policy', options, env)
  return source.kind === 'environment' ? env[source.variable] : options.policy
}

/** A policy that clients can follow: from a file, or as an object. @throws UsageError ERR_SETTINGS_INVALID */
export async function readPolicy(
  given: string | object,
  faults: Faults = newPolicyFaults(typeof given === 'string' ? given : 'option policy'),
): Promise<Policy> {
  const document = typeof given === 'string' ? await readFile(given, faults) : givenDocument(given, 'option policy', faults)
  return parsePolicy(document, faults)
}

async function readFile(path: string, faults: Faults): Promise<DocumentNode | undefined> {
  const bytes = await readPolicyBytes(path)
  if (policyFormat(path) === 'json') return readJsonDocument(bytes, MAX_POLICY_BYTES, faults)
  const { readYamlDocument } = await import('../../document/yaml-document.js')
  return readYamlDocument(bytes, MAX_POLICY_BYTES, faults)
}

/** One byte more than is allowed at most, so that the reader of the document refuses a longer file. @throws UsageError ERR_SETTINGS_INVALID */
export async function readPolicyBytes(path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of createReadStream(resolve(path), { end: MAX_POLICY_BYTES })) chunks.push(chunk)
  } catch (cause) {
    throw new UsageError('ERR_SETTINGS_INVALID', `policy ${path} cannot be read: ${describeCause(cause)}`, {
      hint: `Look whether it is there and may be read: ls -l ${shellWord(path)}`,
      cause,
    })
  }
  return new Uint8Array(Buffer.concat(chunks))
}

async function readPins(policy: Policy, folder: string): Promise<ReadonlyMap<PolicyPinning, TrustPinning>> {
  const all = [...policy.rules, policy.default].flatMap((terms) => terms?.pinning ?? [])
  const read = async (pinning: PolicyPinning): Promise<[PolicyPinning, TrustPinning]> => {
    const ca = [...pinning.ca].map(([prefix, path]) => [prefix, resolve(folder, path)])
    const { certs, disableTofu } = pinning
    const option = { certs: Object.fromEntries(certs), ca: Object.fromEntries(ca), disable_tofu: disableTofu }
    return [pinning, await readPinning(option)]
  }
  return new Map(await Promise.all(all.map(read)))
}

/** A list of signers means all of them. @throws UsageError ERR_SETTINGS_INVALID */
function readRequirement(given: unknown): SignerRequirement {
  const faults = new Faults('required signers', 'option requireSigners')
  const document = givenDocument(Array.isArray(given) ? { all: given } : given, 'option requireSigners', faults)
  const requirement = faults.any ? undefined : new TermsReader(faults).requirement(document)
  if (requirement === undefined || faults.any) throw faults.error()
  return requirement
}
