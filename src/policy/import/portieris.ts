/** Portieris' ClusterImagePolicy and ImagePolicy, and the Secrets of their signers when they are in the same file. */
import { fromBase64, utf8Text } from '../../bytes.js'
import { readSignerKey } from '../../crypto/pinned-key.js'
import type { DocumentNode } from '../../document/document.js'
import { child, type Draft, httpsServer, isOff, itemsOf, type OtherOrder, patternsOf, textOf, truthOf } from './draft.js'

/** The name with more characters that are no `*`; a name without `*` before all others. Source: portieris v1 types.go FindImagePolicy. */
export const portierisOrder: OtherOrder = (one, other) => {
  const rank = ({ name }: { readonly name: string }) => (name.includes('*') ? name.replaceAll('*', '').length : Number.MAX_VALUE)
  return Math.sign(rank(one) - rank(other))
}

type Signer = { readonly name: string; readonly keys: readonly string[] }

export function importPortieris(documents: readonly DocumentNode[], draft: Draft): undefined {
  const ofKind = (kind: string) =>
    documents.flatMap((each) => [each, ...itemsOf(child(each, 'items'))]).filter((each) => textOf(child(each, 'kind')) === kind)
  const secrets = ofKind('Secret')
  const cluster = ofKind('ClusterImagePolicy')
  const named = ofKind('ImagePolicy')
  const used = cluster.length > 0 ? cluster : named.slice(0, 1)
  if (used.length === 0) {
    const [first] = documents
    if (first !== undefined) draft.lose(first, 'no ClusterImagePolicy or ImagePolicy in this file')
    return
  }
  draft.default = { action: 'deny' }
  for (const policy of named) {
    const namespace = textOf(child(child(policy, 'metadata'), 'namespace')) ?? 'default'
    if (used.includes(policy))
      draft.warn(policy, `this policy held in namespace ${namespace} alone; a policy here knows no namespaces`)
    else
      draft.lose(
        policy,
        `the policy of namespace ${namespace} is left out: a policy here knows no namespaces; import it by itself`,
      )
  }
  for (const policy of used)
    for (const repository of itemsOf(child(child(policy, 'spec'), 'repositories'))) importRepository(repository, secrets, draft)
}

function importRepository(repository: DocumentNode, secrets: readonly DocumentNode[], draft: Draft): undefined {
  const name = textOf(child(repository, 'name'))
  if (name === undefined) return draft.lose(repository, 'a repository without a name is left out')
  const patterns = patternsOf(name)
  const policy = child(repository, 'policy')
  const trust = child(policy, 'trust')
  draft.loseOthers(repository, ['name', 'policy'])
  if (truthOf(child(policy, 'mutateImage')) === false)
    draft.warn(
      policy ?? repository,
      'mutateImage is left out: whether an image is replaced by its digest is no matter of the policy',
    )
  const others =
    policy?.kind === 'object' ? [...policy.members].filter(([each]) => each !== 'trust' && each !== 'mutateImage') : []
  const other = others.find(([, { value }]) => !isOff(value))
  if (other !== undefined) return draft.deny(patterns, repository, `${other[0].slice(0, 100)} is not Docker Content Trust`)
  draft.loseOthers(trust, ['enabled', 'trustServer', 'signerSecrets'])
  if (truthOf(child(trust, 'enabled')) !== true) return draft.add(patterns, { action: 'skip' }, repository)
  const typed = textOf(child(trust, 'trustServer'))
  const server = typed === undefined ? undefined : httpsServer(typed)
  if (typed !== undefined && server === undefined) return draft.deny(patterns, repository, `${typed} is no https address`)
  if (server === undefined) draft.warn(repository, `${name}: no trustServer; the server follows from the registry, see dct env`)
  const signers: Signer[] = []
  for (const item of itemsOf(child(trust, 'signerSecrets'))) {
    const signer = signerOf(textOf(child(item, 'name')) ?? '', secrets)
    if (typeof signer === 'string') return draft.deny(patterns, repository, signer)
    signers.push(signer)
  }
  if (signers.length > 0)
    draft.warn(
      trust ?? repository,
      'Portieris takes a key that the delegation lists; here that key must have signed, which is stricter',
    )
  draft.add(
    patterns,
    { ...(server === undefined ? {} : { server }), ...(signers.length === 0 ? {} : { requireSigners: { all: signers } }) },
    repository,
  )
}

/** The signer that a Secret holds, or why there is none. */
function signerOf(secretName: string, secrets: readonly DocumentNode[]): Signer | string {
  const secret = secrets.find((each) => textOf(child(child(each, 'metadata'), 'name')) === secretName)
  if (secret === undefined)
    return `the Secret ${secretName} with the signer's name and key is not in the file (add what this prints: kubectl get secret ${secretName} -o yaml)`
  const [name, key] = ['name', 'publicKey'].map((field) => secretText(secret, field))
  if (name === undefined || key === undefined) return `the Secret ${secretName} lacks name or publicKey`
  const id = readSignerKey(key)
  return typeof id === 'string' ? { name, keys: [id] } : `the key of Secret ${secretName} cannot be read: ${id.problem}`
}

function secretText(secret: DocumentNode, field: string): string | undefined {
  const plain = textOf(child(child(secret, 'stringData'), field))
  const bytes = fromBase64(textOf(child(child(secret, 'data'), field)) ?? '')
  return plain ?? (bytes === undefined || bytes.length === 0 ? undefined : utf8Text(bytes)?.trim())
}
