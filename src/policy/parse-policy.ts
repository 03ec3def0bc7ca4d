/**
 * Document -> Policy. Every fault is told at its line and column. The bytes are read by `document/json-document.ts` or
 * `document/yaml-document.ts`: only the second loads the YAML library.
 */
import type { DocumentNode } from '../document/document.js'
import { Faults } from '../document/faults.js'
import { DocumentReader, type Fields } from '../document/reader.js'
import { MirrorsReader } from './mirrors.js'
import { parsePattern } from './pattern.js'
import type { Policy, Rule } from './policy.js'
import { ambiguousRules } from './rule-order.js'
import { TERM_NAMES, TermsReader } from './terms.js'

/** Bytes (denial of service: a longer file is not looked at). 1,000 rules with signers take some 300 KB. */
export const MAX_POLICY_BYTES: number = 1024 * 1024

/** Rules (denial of service: those of equal rank are compared with each other). */
const MAX_RULES = 1000

/** The version of the format that is read. */
const POLICY_VERSION = 1

const NAMES: readonly string[] = ['$schema', 'version', 'default', 'rules', 'mirrors', 'knownRegistries']

/** `json` for a name that ends so; every other file is read as YAML, which JSON is too. */
export function policyFormat(file: string): 'json' | 'yaml' {
  return /\.json$/i.test(file) ? 'json' : 'yaml'
}

/**
 * Reads a policy; `document` is undefined when `faults` has faults of its syntax.
 *
 * @throws UsageError ERR_SETTINGS_INVALID with path, line and column of every fault
 */
export function parsePolicy(document: DocumentNode | undefined, faults: Faults): Policy {
  const policy = document === undefined || faults.any ? undefined : new PolicyReader(faults).policy(document)
  if (policy === undefined || faults.any) throw faults.error()
  return policy
}

/** For `policyFaults` and tests: faults of a policy begin with this. */
export function newPolicyFaults(file: string): Faults {
  return new Faults('policy', file)
}

class PolicyReader extends DocumentReader {
  readonly #terms: TermsReader

  constructor(faults: Faults) {
    super(faults)
    this.#terms = new TermsReader(faults)
  }

  policy(node: DocumentNode): Policy | undefined {
    const fields = this.fields(node, NAMES)
    if (fields === undefined) return undefined
    // The rest is read too, so that a check tells all faults at once.
    if (fields.get('version') === undefined) this.refuse(node, 'version is missing', `Write version: ${POLICY_VERSION} here.`)
    if (fields.get('rules') === undefined) this.refuse(node, 'rules is missing', 'Write rules: [] here, or a list of rules.')
    const optional = <Value>(name: string, read: (at: DocumentNode) => Value | undefined): Value | undefined => {
      const at = fields.get(name)
      return at === undefined ? undefined : read(at)
    }
    optional('$schema', (at) => this.text(at, 'the address of the JSON Schema'))
    optional('version', (at) => this.#version(at))
    const rules = optional('rules', (at) => this.#rules(at)) ?? []
    const standard = optional('default', (at) => this.#default(at))
    const mirrors = optional('mirrors', (at) => new MirrorsReader(this.faults).read(at)) ?? []
    const knownRegistries = optional('knownRegistries', (at) => this.boolean(at)) ?? true
    return { rules, ...(standard === undefined ? {} : { default: standard }), mirrors, knownRegistries }
  }

  #version(node: DocumentNode): void {
    const version = this.integer(node, 1)
    if (version !== undefined && version !== POLICY_VERSION)
      this.refuse(
        node,
        `version ${version} of the format is not known`,
        `Use a newer dct, or a policy of version ${POLICY_VERSION}.`,
      )
  }

  #rules(node: DocumentNode): Rule[] | undefined {
    const items = this.items(node, 'a list of rules')
    if (items === undefined) return undefined
    if (items.length > MAX_RULES)
      return this.refuse(
        node,
        `${items.length} rules; at most ${MAX_RULES} are read`,
        'Join rules with the same terms by * and **.',
      )
    const rules = items.flatMap((item) => this.#rule(item) ?? [])
    for (const { rule, other, image } of ambiguousRules(rules)) {
      const path = `rules (${JSON.stringify(rule.pattern.text)})`
      const problem = `as specific as the rule of line ${other.place.line} (${other.pattern.text}), and both match ${image}`
      this.refuse(
        { path, place: rule.place },
        problem,
        'Make one of them more specific: with more segments, more letters, or a tag.',
      )
    }
    return rules
  }

  #rule(node: DocumentNode): Rule | undefined {
    const fields = this.fields(node, ['match', ...TERM_NAMES], ['match'])
    const match = fields?.get('match')
    if (fields === undefined || match === undefined) return undefined
    const terms = this.#terms.read(fields)
    const text = this.text(match, 'a pattern such as docker.io/library/*')
    if (text === undefined) return undefined
    const pattern = parsePattern(text)
    if ('problem' in pattern) return this.refuse(match, `${JSON.stringify(text.slice(0, 100))}: ${pattern.problem}`, pattern.hint)
    return { ...terms, pattern, place: node.place }
  }

  #default(node: DocumentNode): Policy['default'] {
    if (node.kind === 'scalar' && typeof node.value === 'string')
      return this.refuse(node, 'expected an object', `Write { action: ${node.value.slice(0, 20)} } here.`)
    const fields: Fields | undefined = this.fields(node, TERM_NAMES)
    return fields === undefined ? undefined : { ...this.#terms.read(fields), place: node.place }
  }
}
