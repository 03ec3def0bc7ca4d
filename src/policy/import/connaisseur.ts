/**
 * Connaisseur's `values.yaml`: `application.validators` and `application.policy`. Version 2 had both at the top, and names with
 * underscores.
 */
import { readSignerKey } from '../../crypto/pinned-key.js'
import type { DocumentNode } from '../../document/document.js'
import {
  child,
  type Draft,
  httpsServer,
  itemsOf,
  type OtherOrder,
  type Patterns,
  patternsOf,
  pinPrefix,
  textOf,
  truthOf,
} from './draft.js'

const DEFAULT_HOST = 'https://notary.docker.io'

/** Features of the admission controller that a policy knows nothing of. */
const FEATURES: readonly string[] = [
  'namespacedValidation',
  'automaticChildApproval',
  'automaticUnchangedApproval',
  'resourceValidationMode',
]

/**
 * More components first; then, component by component, the longer common prefix with the image; then the longer component.
 * Source: connaisseur 3 internal/policy/match.go.
 */
export const connaisseurOrder: OtherOrder = (one, other, image) => {
  const [mine, theirs, parts] = [one.name.split('/'), other.name.split('/'), image.split('/')]
  if (mine.length !== theirs.length) return mine.length - theirs.length
  const compare = (measure: (part: string, at: number) => number) =>
    mine.map((part, at) => measure(part, at) - measure(theirs[at] ?? '', at)).find((difference) => difference !== 0)
  return compare((part, at) => commonPrefix(part, parts[at] ?? '')) ?? compare((part) => part.length) ?? 0
}

function commonPrefix(one: string, other: string): number {
  let length = 0
  while (length < one.length && one[length] === other[length]) length++
  return length
}

export function importConnaisseur(document: DocumentNode, draft: Draft): undefined {
  const application = child(document, 'application') ?? document
  const validators = itemsOf(child(application, 'validators'))
  const rules = child(application, 'policy')
  if (rules === undefined || validators.length === 0) {
    draft.lose(document, 'no application.validators and application.policy in this file')
    return
  }
  draft.default = { action: 'deny' }
  draft.warn(rules, 'Connaisseur never follows a rotation of the root key; here a root that the pinned one signs is accepted')
  const features = child(application, 'features') ?? application
  if (truthOf(child(features, 'detectionMode')) === true)
    draft.lose(features, 'detectionMode admitted everything with a warning: write action: warn where you want that')
  const admission = FEATURES.filter((name) => child(features, name) !== undefined)
  if (admission.length > 0)
    draft.warn(features, `${admission.join(', ')}: which objects of a cluster are judged is no matter of the policy`)
  for (const rule of itemsOf(rules)) new RuleImport(rule, validators, draft).run()
}

class RuleImport {
  readonly #rule: DocumentNode
  readonly #validators: readonly DocumentNode[]
  readonly #draft: Draft

  constructor(rule: DocumentNode, validators: readonly DocumentNode[], draft: Draft) {
    this.#rule = rule
    this.#validators = validators
    this.#draft = draft
  }

  run(): undefined {
    const [rule, draft] = [this.#rule, this.#draft]
    const pattern = textOf(child(rule, 'pattern'))
    if (pattern === undefined) return draft.lose(rule, 'a rule without a pattern is left out')
    const patterns = patternsOf(pattern)
    draft.loseOthers(rule, ['pattern', 'validator', 'with'])
    const name = textOf(child(rule, 'validator')) ?? 'default'
    const validator = this.#validators.find((each) => textOf(child(each, 'name')) === name)
    if (validator === undefined) return draft.deny(patterns, rule, `no validator ${name}`)
    const type = textOf(child(validator, 'type')) ?? ''
    if (type === 'static')
      return draft.add(patterns, { action: truthOf(child(validator, 'approve')) === true ? 'skip' : 'deny' }, rule)
    if (type !== 'notaryv1')
      return draft.deny(patterns, rule, `validator ${name} is of type ${type}, which is not Docker Content Trust`)
    this.#notary(patterns, name, validator)
  }

  #notary(patterns: Patterns, name: string, validator: DocumentNode): undefined {
    const [rule, draft] = [this.#rule, this.#draft]
    draft.loseOthers(validator, ['name', 'type', 'host', 'trustRoots', 'trust_roots', 'auth', 'cert', 'isAcr', 'is_acr'])
    draft.loseOthers(child(rule, 'with'), ['trustRoot', 'trust_root', 'key', 'delegations', 'mode'])
    const host = textOf(child(validator, 'host'))
    const server = host === undefined ? DEFAULT_HOST : httpsServer(host)
    if (server === undefined)
      return draft.deny(patterns, rule, `validator ${name} asks ${host}, and trust servers are asked over https alone`)
    const keys = this.#rootKeys(name, validator)
    if (typeof keys === 'string') return draft.deny(patterns, rule, keys)
    this.#warnOfSecrets(name, validator)
    const withOptions = child(rule, 'with')
    const delegations = itemsOf(child(withOptions, 'delegations')).flatMap((item) => textOf(item) ?? [])
    if (delegations.length > 0)
      draft.warn(
        withOptions ?? rule,
        'Connaisseur looked at the delegations alone; here the released digest must be theirs too, which is stricter',
      )
    if (textOf(child(withOptions, 'mode')) === 'insecureValidateOnly')
      draft.warn(
        withOptions ?? rule,
        'mode insecureValidateOnly is left out: whether an image is replaced by its digest is no matter of the policy',
      )
    const requireSigners =
      delegations.length === 0 ? {} : { requireSigners: { all: delegations.map((each) => each.replace(/^targets\//, '')) } }
    const pinning = { certs: { [pinPrefix(patterns.matches[0] ?? '')]: keys } }
    draft.add(patterns, { server, firstUse: 'refuse', pinning, ...requireSigners }, rule)
  }

  /** IDs of the root keys of which one must have signed, or why there are none. */
  #rootKeys(name: string, validator: DocumentNode): string[] | string {
    const withOptions = child(this.#rule, 'with')
    // As version 3, version 2 and the documents of the validator spell it.
    const named = ['trustRoot', 'trust_root', 'key'].map((name) => textOf(child(withOptions, name)))
    const wanted = named.find((name) => name !== undefined) ?? 'default'
    const roots = itemsOf(child(validator, 'trustRoots') ?? child(validator, 'trust_roots'))
    const chosen = wanted === '*' ? roots : roots.filter((root) => textOf(child(root, 'name')) === wanted)
    if (chosen.length === 0) return `validator ${name} has no trust root ${wanted}`
    if (chosen.length > 1) return 'trustRoot "*" asks for all trust roots together, which a pin cannot say'
    const keys: string[] = []
    for (const root of chosen) {
      const key = readSignerKey(textOf(child(root, 'key')) ?? '')
      if (typeof key !== 'string') return `the key of trust root ${wanted} cannot be read: ${key.problem}`
      keys.push(key)
    }
    return keys
  }

  #warnOfSecrets(name: string, validator: DocumentNode): undefined {
    const auth = child(validator, 'auth')
    const secret = textOf(child(auth, 'secretName') ?? child(auth, 'secret_name'))
    if (auth !== undefined)
      this.#draft.warn(
        auth,
        `credentials of validator ${name}${secret === undefined ? '' : ` (secret ${secret})`} are not copied: log in with docker login, or mount its config.json`,
      )
    const cert = child(validator, 'cert')
    if (cert !== undefined) this.#draft.lose(cert, `the CA of validator ${name} is not copied: give it with --tlscacert`)
  }
}
