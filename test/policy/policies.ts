/** Policies for tests. */
import { readJsonDocument } from '../../src/document/json-document.js'
import { readYamlDocument } from '../../src/document/yaml-document.js'
import { UsageError } from '../../src/errors.js'
import { PolicyIndex } from '../../src/policy/decide.js'
import { MAX_POLICY_BYTES, newPolicyFaults, parsePolicy } from '../../src/policy/parse-policy.js'
import type { Policy } from '../../src/policy/policy.js'

const encode = (text: string) => new TextEncoder().encode(text)

export function yamlPolicy(text: string | Uint8Array): Policy {
  const faults = newPolicyFaults('policy.yaml')
  return parsePolicy(readYamlDocument(typeof text === 'string' ? encode(text) : text, MAX_POLICY_BYTES, faults), faults)
}

export function jsonPolicy(value: unknown): Policy {
  const faults = newPolicyFaults('policy.json')
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return parsePolicy(readJsonDocument(encode(text), MAX_POLICY_BYTES, faults), faults)
}

/** A policy of these patterns, each with what is said of it. */
export function indexOf(rules: Readonly<Record<string, object>>, more: object = {}): PolicyIndex {
  return new PolicyIndex(
    jsonPolicy({ version: 1, rules: Object.entries(rules).map(([match, terms]) => ({ match, ...terms })), ...more }),
  )
}

export function refusal(act: () => unknown): UsageError {
  try {
    act()
  } catch (cause) {
    if (cause instanceof UsageError) return cause
    throw cause
  }
  throw new Error('accepted')
}
