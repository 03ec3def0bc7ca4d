/**
 * What clients may fetch by digest: the content of manifests that were let through. An image whose manifest was refused has none, and
 * no digest is a way round the policy.
 */
import { utf8Text } from '../bytes.js'
import type { Manifest } from '../registry/registry-client.js'

/** A part of an image, as a manifest describes it. */
export interface AllowedPart {
  readonly kind: 'manifest' | 'blob'
  /** Bytes. */
  readonly size: number
  /** By which it was let through. */
  readonly decision: Decision
}

/** A decision to let a manifest through. Its parts, and theirs, count as long as it does. */
export interface Decision {
  /** Decisions before the last `clear` let nothing through. */
  readonly round: number
  readonly until: number
}

/** Parts that are kept: bounds memory (about 200 bytes each). The oldest go first. */
const MAX_PARTS = 100_000

/** Parts of one manifest: more than any image has, and too few to drive out those of others. */
const MAX_PARTS_OF_ONE = 2_000

/** Milliseconds after the decision in which a client must begin to fetch a part: a signature that was withdrawn does not count for longer. */
const MAX_AGE_MS: number = 6 * 60 * 60 * 1000

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** The parts of all images that were let through. */
export class AllowedContent {
  readonly #parts = new Map<string, AllowedPart>()
  readonly #now: () => number
  #round = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Begins a decision: taken before the policy is asked, so that a new policy makes it void. */
  decide(): Decision {
    return { round: this.#round, until: this.#now() + MAX_AGE_MS }
  }

  /** Allows the parts of a manifest. `repository`: `registry/path`. */
  allow(repository: string, { bytes }: Manifest, decision: Decision): void {
    if (decision.round !== this.#round) return
    for (const [digest, part] of partsOf(bytes)) {
      const key = `${repository}@${digest}`
      const known = this.#parts.get(key)?.decision
      this.#parts.delete(key)
      this.#parts.set(key, { ...part, decision: known !== undefined && known.until > decision.until ? known : decision })
    }
    for (const oldest of this.#parts.keys()) {
      if (this.#parts.size <= MAX_PARTS) break
      this.#parts.delete(oldest)
    }
  }

  /** Undefined when no manifest that was let through names it. */
  find(repository: string, digest: string): AllowedPart | undefined {
    const part = this.#parts.get(`${repository}@${digest}`)
    return part !== undefined && this.#now() < part.decision.until ? part : undefined
  }

  /** Forgets all: a new policy may refuse what the old one let through. */
  clear(): void {
    this.#round += 1
    this.#parts.clear()
  }
}

/** The parts that the bytes of a checked manifest or index describe. */
function partsOf(bytes: Uint8Array): [string, Omit<AllowedPart, 'decision'>][] {
  const document: unknown = JSON.parse(utf8Text(bytes) ?? '{}')
  const named = (name: string): unknown[] => [memberOf(document, name)].flat()
  const children = named('manifests').map((value) => ({ kind: 'manifest' as const, value }))
  const content = [...named('config'), ...named('layers'), ...named('blobs')].map((value) => ({ kind: 'blob' as const, value }))
  return [...children, ...content].slice(0, MAX_PARTS_OF_ONE).flatMap(({ kind, value }): ReturnType<typeof partsOf> => {
    const [digest, size] = [memberOf(value, 'digest'), memberOf(value, 'size')]
    const isPart = typeof digest === 'string' && DIGEST.test(digest) && typeof size === 'number'
    return isPart && Number.isSafeInteger(size) && size >= 0 ? [[digest, { kind, size }]] : []
  })
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined
}
