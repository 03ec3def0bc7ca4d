/** Judges references by the policy in use. A policy or lock that is read again takes the place of the old one between two requests. */

import type { Inspection } from '../client/results.js'
import { Session } from '../client/session.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import type { Settings } from '../client/settings/settings.js'
import type { VerifyOutcome } from '../client/trust-client.js'
import { TrustError } from '../errors.js'
import { parseReference } from '../reference/reference.js'
import { readServiceSettings } from './service-settings.js'

/** What was decided on a reference. */
export type Verdict = VerifyOutcome

/** What a verifier needs. */
export interface VerifierOptions {
  readonly client: TrustClientOptions
  /** Registries that the configuration names, in the spelling of references. */
  readonly registries: ReadonlySet<string>
}

/** One reading of the configuration. */
interface Generation {
  readonly settings: Settings
  readonly session: Session
  /** Verifications that run. */
  running: number
  isOld: boolean
}

/** Asks only trust servers that its configuration names. */
export class Verifier {
  readonly #options: VerifierOptions
  #current: Generation

  private constructor(options: VerifierOptions, current: Generation) {
    this.#options = options
    this.#current = current
  }

  /** @throws UsageError ERR_SETTINGS_INVALID */
  static async open(options: VerifierOptions): Promise<Verifier> {
    return new Verifier(options, await openGeneration(options))
  }

  /** The settings in use. */
  get settings(): Settings {
    return this.#current.settings
  }

  /** Reads policy, lock and pins again. `onSwitch` is called before they are used. @throws UsageError ERR_SETTINGS_INVALID; the old ones then stay in use */
  async reload(onSwitch: () => void): Promise<void> {
    const made = await openGeneration(this.#options)
    const old = this.#current
    onSwitch()
    this.#current = made
    old.isOld = true
    await closeUnused(old)
  }

  /** Never rejects but for faults of the program. */
  async judge(reference: string): Promise<Verdict> {
    try {
      const parsed = parseReference(reference)
      return { reference, result: await this.#use((session) => session.verify(parsed)) }
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      return { reference, error }
    }
  }

  /** Refreshes a collection. @throws TrustError */
  async inspect(reference: string): Promise<Inspection> {
    const parsed = parseReference(reference)
    return this.#use((session) => session.inspect(parsed))
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    await this.#current.session.close()
  }

  /** A session is closed after the last verification that began with it. */
  async #use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const generation = this.#current
    generation.running += 1
    try {
      return await work(generation.session)
    } finally {
      generation.running -= 1
      await closeUnused(generation)
    }
  }
}

async function openGeneration({ client, registries }: VerifierOptions): Promise<Generation> {
  const settings = await readServiceSettings(client, registries)
  return { settings, session: await Session.with(settings), running: 0, isOld: false }
}

async function closeUnused({ session, running, isOld }: Generation): Promise<void> {
  if (isOld && running === 0) await session.close()
}
