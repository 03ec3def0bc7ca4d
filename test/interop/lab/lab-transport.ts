/** A Transport of the library over the laboratory's plain https, with a callback around each request. */
import type { Transport } from '../../../src/index.js'
import { getMetadata } from './http.js'
import type { NotaryServer } from './notary-server.js'

export interface LabTransport extends Transport {
  /** Names of the requested files, in order. */
  readonly asked: readonly string[]
}

/** Calls `around` for every request; `around` calls `fetch` to send the request. */
export function createLabTransport(
  server: Pick<NotaryServer, 'url' | 'caPem'>,
  around: (name: string, fetch: () => Promise<Uint8Array | undefined>) => Promise<Uint8Array | undefined> = (_, fetch) => fetch(),
): LabTransport {
  const asked: string[] = []
  return {
    asked,
    fetchMetadata({ gun, name }) {
      asked.push(name)
      return around(name, async () => {
        const { status, body } = await getMetadata(server, gun, name)
        if (status === 200) return body
        if (status === 404) return undefined
        throw new Error(`the laboratory's server answers ${status} for ${name}`)
      })
    },
    close: async () => undefined,
  }
}
