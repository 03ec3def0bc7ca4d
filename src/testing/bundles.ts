/** Bundles of collections, without a server and without a file. */
import { isBundledName, packBundle } from '../bundle/bundle.js'
import type { TrustCollection } from './trust-collection.js'

/** How a bundle is made. */
export interface BundleOptions {
  /** Address of the server that the files came from. Default: `https://notary.example`. */
  readonly server?: string
}

/** The bytes that `dct export` writes of the collections as they are now: for the option `bundle`, or a file for `dct verify --bundle`. */
export function createBundle(
  collections: readonly TrustCollection[],
  { server = 'https://notary.example' }: BundleOptions = {},
): Uint8Array {
  return packBundle(
    collections.map((collection) => ({
      gun: collection.gun,
      server,
      files: new Map([...collection.files()].filter(([name]) => isBundledName(name))),
    })),
  )
}
