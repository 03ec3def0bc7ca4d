/** Connaisseur's `values.yaml`, version 3: `application.validators` and `application.policy`. */
import { readSignerKey } from '../../crypto/pinned-key.js'
import type { DocumentNode } from '../../document/document.js'
import { child, type Draft, httpsServer, itemsOf, patternsOf, pinPrefix, textOf, truthOf } from './draft.js'

const DEFAULT_HOST = 'https://notary.docker.io'

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
  const features = child(application, 'features')
  if (truthOf(child(features, 'detectionMode')) === true)
    draft.lose(features ?? rules, 'detectionMode admitted everything with a warning: write action: warn where you want that')
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
    const matches = patternsOf(pattern, rule, draft)
    const name = textOf(child(rule, 'validator')) ?? 'default'
    const validator = this.#validators.find((each) => textOf(child(each, 'name')) === name)
    if (validator === undefined) return draft.deny(matches, rule, `no validator ${name}`)
    const type = textOf(child(validator, 'type')) ?? ''
    if (type === 'static')
      return draft.add(matches, { action: truthOf(child(validator, 'approve')) === true ? 'skip' : 'deny' }, rule)
    if (type !== 'notaryv1')
      return draft.deny(matches, rule, `validator ${name} is of type ${type}, which is not Docker Content Trust`)
    this.#notary(matches, name, validator)
  }

  #notary(matches: readonly string[], name: string, validator: DocumentNode): undefined {
    const [rule, draft] = [this.#rule, this.#draft]
    const host = textOf(child(validator, 'host'))
    const server = host === undefined ? DEFAULT_HOST : httpsServer(host)
    if (server === undefined)
      return draft.deny(matches, rule, `validator ${name} asks ${host}, and trust servers are asked over https alone`)
    const keys = this.#rootKeys(name, validator)
    if (typeof keys === 'string') return draft.deny(matches, rule, keys)
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
    draft.add(
      matches,
      { server, firstUse: 'refuse', pinning: { certs: { [pinPrefix(matches[0] ?? '')]: keys } }, ...requireSigners },
      rule,
    )
  }

  /** IDs of the root keys of which one must have signed, or why there are none. */
  #rootKeys(name: string, validator: DocumentNode): string[] | string {
    const wanted = textOf(child(child(this.#rule, 'with'), 'trustRoot')) ?? 'default'
    const roots = itemsOf(child(validator, 'trustRoots'))
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
    const secret = textOf(child(auth, 'secretName'))
    if (auth !== undefined)
      this.#draft.warn(
        auth,
        `credentials of validator ${name}${secret === undefined ? '' : ` (secret ${secret})`} are not copied: log in with docker login, or mount its config.json`,
      )
    const cert = child(validator, 'cert')
    if (cert !== undefined) this.#draft.lose(cert, `the CA of validator ${name} is not copied: give it with --tlscacert`)
  }
}
