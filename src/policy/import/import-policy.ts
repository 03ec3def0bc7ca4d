/** Another program's configuration -> a policy and a warning for each meaning that changes. */
import type { DocumentNode } from '../../document/document.js'
import { connaisseurOrder, importConnaisseur } from './connaisseur.js'
import { Draft, type Imported } from './draft.js'
import { importNotary } from './notary.js'
import { importOpaNotary, opaOrder } from './opa-notary.js'
import { importPortieris, portierisOrder } from './portieris.js'

/** Whose configuration can be read. */
export const IMPORT_KINDS = ['connaisseur', 'portieris', 'opa-notary', 'notary'] as const
export type ImportKind = (typeof IMPORT_KINDS)[number]

/** `documents`: as `readYamlDocuments` gives them, at least one. */
export function importPolicy(kind: ImportKind, documents: readonly [DocumentNode, ...DocumentNode[]]): Imported {
  const draft = new Draft(
    { connaisseur: connaisseurOrder, portieris: portierisOrder, 'opa-notary': opaOrder, notary: () => 0 }[kind],
  )
  const [first, ...more] = documents
  if (kind === 'portieris') importPortieris(documents, draft)
  else {
    for (const other of more) draft.lose(other, 'a second document is left out')
    const run = { connaisseur: importConnaisseur, 'opa-notary': importOpaNotary, notary: importNotary }[kind]
    run(first, draft)
  }
  return draft.finish()
}
