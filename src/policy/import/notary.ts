/** The `config.json` of the notary client: its `trust_pinning` and its server become the default. */
import type { DocumentNode } from '../../document/document.js'
import { child, type Draft, httpsServer, itemsOf, textOf, truthOf } from './draft.js'

/** Members of `remote_server` that belong to the connection. */
const CONNECTION: ReadonlyMap<string, string> = new Map(
  Object.entries({
    root_ca: 'give it with --tlscacert',
    tls_client_cert: 'put it as client.cert into the folder tls/<host> of the Docker configuration',
    tls_client_key: 'put it as client.key into the folder tls/<host> of the Docker configuration',
    skipTLSVerify: 'certificates are always verified here',
  }),
)

export function importNotary(document: DocumentNode, draft: Draft): undefined {
  const [remote, pinning] = [child(document, 'remote_server'), child(document, 'trust_pinning')]
  const typed = textOf(child(remote, 'url'))
  const server = typed === undefined ? undefined : httpsServer(typed)
  if (typed !== undefined && server === undefined) draft.lose(remote ?? document, `${typed} is no https address: left out`)
  draft.loseOthers(document, ['trust_dir', 'remote_server', 'trust_pinning'])
  draft.loseOthers(remote, ['url', ...CONNECTION.keys()])
  draft.loseOthers(pinning, ['certs', 'ca', 'disable_tofu'])
  for (const [name, advice] of CONNECTION) {
    const node = child(remote, name)
    if (node !== undefined && truthOf(node) !== false && textOf(node) !== '')
      draft.lose(node, `${name} is not carried over: ${advice}`)
  }
  const folder = child(document, 'trust_dir')
  if (folder !== undefined) draft.warn(folder, 'trust_dir is not carried over: give it with --trust-dir')
  const certs = textLists(child(pinning, 'certs'), draft)
  const ca = texts(child(pinning, 'ca'))
  if (Object.keys(ca).length > 0) draft.warn(pinning ?? document, 'paths of CA files are seen from the policy file')
  const pins = {
    ...(Object.keys(certs).length === 0 ? {} : { certs }),
    ...(Object.keys(ca).length === 0 ? {} : { ca }),
    ...(isTofuDisabled(child(pinning, 'disable_tofu')) ? { disable_tofu: true } : {}),
  }
  if (server === undefined && Object.keys(pins).length === 0)
    return draft.lose(document, 'neither a server nor trust_pinning in this file')
  draft.default = {
    action: 'enforce',
    ...(server === undefined ? {} : { server }),
    ...(Object.keys(pins).length === 0 ? {} : { pinning: pins }),
  }
}

/** notary reads `"true"` and `1` as true. What it would not understand counts as true: the stricter reading. */
function isTofuDisabled(node: DocumentNode | undefined): boolean {
  if (node?.kind !== 'scalar') return node !== undefined
  return node.value !== null && node.value !== '' && !/^(?:0|f|false)$/i.test(String(node.value))
}

function textLists(node: DocumentNode | undefined, draft: Draft): Record<string, string[]> {
  if (node?.kind !== 'object') return {}
  const lists = [...node.members].flatMap(([name, { value }]): [string, string[]][] => {
    const list = itemsOf(value).flatMap((item) => textOf(item) ?? [])
    // notary takes an empty list for no pin at all.
    if (list.length === 0) draft.lose(value, `certs of ${name} names no key: left out`)
    return list.length === 0 ? [] : [[name, list]]
  })
  return Object.fromEntries(lists)
}

function texts(node: DocumentNode | undefined): Record<string, string> {
  if (node?.kind !== 'object') return {}
  return Object.fromEntries(
    [...node.members].flatMap(([name, { value }]): [string, string][] => {
      const text = textOf(value)
      return text === undefined ? [] : [[name, text]]
    }),
  )
}
