/** The webhook of docs/guides/admission-control.md, compiled from the page, with a trust server in this process. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { createMemoryStore, createTrustClient, type TrustClient } from '../../../src/index.js'
import { createSimulatedTransport, createTrustCollection, type SimulatedTransport } from '../../../src/testing/index.js'
import { type Document, readDocument } from '../markdown.js'

export const GUIDE: Document = readDocument('docs/guides/admission-control.md')

export type Path = '/admit' | '/validate'

/** The answer to the API server. */
export interface Answer {
  readonly apiVersion: string
  readonly kind: string
  readonly response: {
    readonly uid: string
    readonly allowed: boolean
    readonly status?: { readonly code: number; readonly message: string }
    readonly patchType?: string
    readonly patch?: string
  }
}

type Review = (client: TrustClient, body: unknown, path: Path) => Promise<Answer>

const sourceOf = (name: string) => GUIDE.blocks.find(({ code }) => code.startsWith(`// ${name}.ts\n`))?.code ?? ''

/** The source of the two files of the page. */
export const SOURCES: Readonly<Record<'admission' | 'serve', string>> = {
  admission: sourceOf('admission'),
  serve: sourceOf('serve'),
}

/** Writes the files of the page into a folder, as JavaScript. @returns the function that `admission.ts` exports */
export async function loadWebhook(folder: string, deadline?: number): Promise<Review> {
  await mkdir(folder, { recursive: true })
  for (const [name, source] of Object.entries(SOURCES)) {
    const code = deadline === undefined ? source : source.replace(/DEADLINE = [\d_]+/, `DEADLINE = ${deadline}`)
    const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext }
    await writeFile(join(folder, `${name}.js`), ts.transpileModule(code, { compilerOptions }).outputText)
  }
  const { review } = await import(pathToFileURL(join(folder, 'admission.js')).href)
  return review
}

export const APP = 'registry.example/team/app'
export const SIGNED = `${APP}:1.0`
export const UNSIGNED = `${APP}:2.0`

/** A client and its trust server, which has `registry.example/team/app` with 1.0 and latest, and alpine:3.19. */
export interface TrustWorld {
  readonly client: TrustClient
  readonly transport: SimulatedTransport
  /** The digest of `SIGNED`. */
  readonly digest: string
  readonly latest: string
  readonly alpine: string
  /** Signs `SIGNED` for other bytes. @returns their digest */
  resign(): string
}

export function createTrustWorld(): TrustWorld {
  const app = createTrustCollection(APP)
  const digest = app.sign('1.0', 'the image')
  const latest = app.sign('latest', 'the newest image')
  const library = createTrustCollection('docker.io/library/alpine')
  const alpine = library.sign('3.19', 'alpine')
  const transport = createSimulatedTransport([app.publish(), library.publish()])
  const store = createMemoryStore()
  const client = createTrustClient({ env: {}, disableContentTrust: false, transport, store, now: () => app.now })
  const resign = () => {
    const other = app.sign('1.0', 'the image, built again')
    app.publish()
    return other
  }
  return { client, transport, digest, latest, alpine, resign }
}
