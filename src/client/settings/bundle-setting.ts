/** The option `bundle`: a file or its bytes -> its collections, and a transport that answers from them. Read once for each client. */
import { type BundledCollection, rootVersion, servedFiles } from '../../bundle/bundle.js'
import { MAX_BUNDLE_BYTES, unpackBundle } from '../../bundle/unpack-bundle.js'
import { UnsignedError, UsageError } from '../../errors.js'
import { shellWord } from '../../shell-word.js'
import { tooLarge } from '../../trust/refusals.js'
import { parseServer, type TrustServer } from '../../trust-server/notary-url.js'
import type { MetadataRequest, Transport } from '../../trust-server/transport.js'
import type { TrustClientOptions } from './options.js'
import { readSettingFile } from './setting-file.js'
import { type Reader, settingName } from './setting-source.js'

/** Milliseconds of a day. */
const DAY = 86_400_000

/** Options that say how a bundle is judged: without one they would have no effect. */
const OF_BUNDLES = ['acceptBundleRoot', 'acceptExpiredBundle', 'judgeAsOf'] as const

/** A bundle, and how it is judged. */
export interface BundleSettings {
  readonly bundle: ReadBundle
  /** A root that neither lock, pin nor cache knows is accepted from the bundle. */
  readonly acceptsRoot: boolean
  /** How long ago its metadata may have expired, in milliseconds. */
  readonly acceptExpired: number
  /** The moment that it is judged for, in milliseconds since 1970; undefined for now. */
  readonly judgeAsOf: number | undefined
}

/** A bundle as one client uses it. */
export class ReadBundle {
  /** Its name in messages. */
  readonly file: string
  /** Answers every request from the bundle. */
  readonly transport: Transport
  readonly #collections: ReadonlyMap<string, BundledCollection>
  readonly #served = new Map<string, ReadonlyMap<string, Uint8Array>>()

  /** @throws UsageError ERR_SETTINGS_INVALID with every fault of the file */
  constructor(bytes: Uint8Array, file: string) {
    this.file = file
    this.#collections = unpackBundle(bytes, file)
    this.transport = { fetchMetadata: async (request) => this.#file(request), close: () => Promise.resolve() }
  }

  /** The server that the files of a collection came from. @throws UnsignedError ERR_NO_TRUST_DATA when the bundle does not have it */
  serverOf(gun: string): TrustServer {
    return parseServer(this.#collection(gun).server)
  }

  /** Version of the newest root of a collection, by its name. @throws UnsignedError ERR_NO_TRUST_DATA */
  newestRoot(gun: string): number {
    return Math.max(...[...this.#collection(gun).files.keys()].map((name) => rootVersion(name) ?? 0))
  }

  #file({ gun, name, maxBytes }: MetadataRequest): Uint8Array | undefined {
    const served = this.#served.get(gun) ?? servedFiles(this.#collection(gun))
    this.#served.set(gun, served)
    const file = served.get(name)
    if (file === undefined || file.length <= maxBytes) return file
    const role = name.split('.')[0] ?? name
    throw tooLarge({ gun, role }, `${file.length} bytes, at most ${maxBytes} are read`, { limit: maxBytes })
  }

  #collection(gun: string): BundledCollection {
    const found = this.#collections.get(gun)
    if (found !== undefined) return found
    throw new UnsignedError('ERR_NO_TRUST_DATA', `the bundle ${this.file} does not hold trust data for ${gun}`, {
      gun,
      evidence: { bundle: this.file },
      hint: `Make a bundle that holds it, where its trust server can be asked: dct export --out FILE ${shellWord(gun)}`,
    })
  }
}

/** Undefined when no bundle is given. @throws UsageError ERR_SETTINGS_INVALID */
export async function readBundleSettings(
  own: TrustClientOptions,
  clock: () => number,
  reader: Reader,
): Promise<BundleSettings | undefined> {
  const { bundle, acceptBundleRoot = false, acceptExpiredBundle = 0, judgeAsOf } = own
  const name = (option: keyof TrustClientOptions) => settingName(option, reader)
  const alone = OF_BUNDLES.find((option) => own[option] !== undefined)
  if (bundle === undefined) {
    if (alone === undefined) return undefined
    throw invalid(`${name(alone)} needs a bundle, and none is named`, `Name it with ${name('bundle')}.`)
  }
  if (own.transport !== undefined)
    throw invalid(`${name('bundle')} and ${name('transport')} exclude each other`, 'Give one of them.')
  if (own.acceptExpiredBundle !== undefined && judgeAsOf !== undefined)
    throw invalid(
      `${name('acceptExpiredBundle')} and ${name('judgeAsOf')} exclude each other`,
      `Give ${name('judgeAsOf')} alone: expiry is then judged for that moment.`,
    )
  const asOf = judgeAsOf?.getTime()
  if (asOf !== undefined && !(asOf <= clock()))
    throw invalid(`${name('judgeAsOf')} is in the future`, 'Give a time that has passed, or leave it out to judge for now.')
  const read = typeof bundle === 'string' ? await readBundle(bundle) : new ReadBundle(bundle, 'option bundle')
  return { bundle: read, acceptsRoot: acceptBundleRoot, acceptExpired: acceptExpiredBundle * DAY, judgeAsOf: asOf }
}

async function readBundle(file: string): Promise<ReadBundle> {
  const madeBy = (word: string) => `dct export --out ${word} <REPOSITORY>`
  return new ReadBundle(await readSettingFile(file, { what: 'bundle', maxBytes: MAX_BUNDLE_BYTES, madeBy }), file)
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint })
}
