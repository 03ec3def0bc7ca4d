/** The `trust.yaml` of opa-notary-connector: regular expressions with priorities. */
import { fromBase64, utf8Text } from '../../bytes.js'
import { readSignerKey } from '../../crypto/pinned-key.js'
import type { DocumentNode } from '../../document/document.js'
import { child, type Draft, httpsServer, itemsOf, type OtherOrder, type Patterns, patternsOf, textOf, truthOf } from './draft.js'

/** By their priorities. */
export const opaOrder: OtherOrder = (one, other) => Math.sign((one.priority ?? 0) - (other.priority ?? 0))

export function importOpaNotary(document: DocumentNode, draft: Draft): undefined {
  const repositories = child(document, 'repositories')
  if (repositories === undefined) return draft.lose(document, 'no repositories in this file')
  draft.default = { action: 'deny' }
  draft.warn(repositories, 'expressions matched anywhere in a name; here a pattern is the whole name')
  const strict = child(document, 'strict')
  if (strict !== undefined && truthOf(strict) !== true)
    draft.warn(strict, 'strict: false replaced a digest that is not the signed one; here it is refused')
  for (const repository of itemsOf(repositories)) importRepository(repository, draft)
}

function importRepository(repository: DocumentNode, draft: Draft): undefined {
  const expression = textOf(child(repository, 'name'))
  const priorityNode = child(repository, 'priority')
  const priority = priorityNode?.kind === 'scalar' && typeof priorityNode.value === 'number' ? priorityNode.value : 0
  const patterns = expression === undefined ? undefined : expressionPatterns(expression, priority)
  if (patterns === undefined)
    return draft.lose(repository, `${expression ?? 'a repository without a name'}: no name with .* in it; left out`)
  const trust = child(repository, 'trust')
  draft.loseOthers(repository, ['name', 'priority', 'trust'])
  draft.loseOthers(trust, ['enabled', 'trustServer', 'auth', 'signers'])
  if (truthOf(child(trust, 'enabled')) !== true) return draft.add(patterns, { action: 'skip' }, repository)
  const auth = child(trust, 'auth')
  if (auth !== undefined) draft.warn(auth, 'credentials are not copied: log in with docker login, or mount its config.json')
  const typed = textOf(child(trust, 'trustServer'))
  const server = typed === undefined ? undefined : httpsServer(typed)
  if (typed !== undefined && server === undefined) return draft.deny(patterns, repository, `${typed} is no https address`)
  const signers: { name: string; keys: string[] }[] = []
  for (const signer of itemsOf(child(trust, 'signers'))) {
    const read = signerOf(signer)
    if (typeof read === 'string') return draft.deny(patterns, repository, read)
    signers.push(read)
  }
  if (signers.length > 0)
    draft.warn(
      trust ?? repository,
      'a key that the delegation listed was enough; here that key must have signed, which is stricter',
    )
  const rule = {
    ...(server === undefined ? {} : { server }),
    ...(signers.length === 0 ? {} : { requireSigners: { all: signers } }),
  }
  draft.add(patterns, rule, repository)
}

/** A name with `*` for `.*`; undefined for an expression that says more. */
function expressionPatterns(expression: string, priority: number): Patterns | undefined {
  const inner = expression.replace(/^\^/, '').replace(/\$$/, '')
  const glob = inner.replace(/\.\*/g, '*').replace(/\\([.\-/:])/g, '$1')
  if (!/^[A-Za-z0-9._:/*-]+$/.test(glob)) return undefined
  const patterns = patternsOf(glob, { name: expression, priority })
  return /(?:\.\*|\$)$/.test(expression) ? patterns : { narrowed: 'it matched longer names too', ...patterns }
}

function signerOf(node: DocumentNode): { name: string; keys: string[] } | string {
  const role = textOf(child(node, 'role')) ?? ''
  if (!role.startsWith('targets/') || role === 'targets/releases')
    return `${role === '' ? 'a signer without a role' : role} is no signer`
  const bytes = fromBase64(textOf(child(node, 'publicKey')) ?? '')
  const key = readSignerKey((bytes === undefined ? undefined : utf8Text(bytes)) ?? '')
  return typeof key === 'string'
    ? { name: role.slice('targets/'.length), keys: [key] }
    : `the key of ${role} cannot be read: ${key.problem}`
}
