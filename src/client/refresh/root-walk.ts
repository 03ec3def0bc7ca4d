/** Asks the server for roots: the first one, every newer version, and `root.json` where the server keeps no old versions. */
import type { Budget } from '../../trust/budget.js'
import { brokenRotation } from '../../trust/refusals.js'
import { RootChain } from '../../trust/root-chain.js'
import type { EventLoop } from './event-loop.js'
import { noTrustData, orNoAnswer } from './failures.js'
import { MAX_ROOT_BYTES, MAX_ROOT_ROTATIONS } from './limits.js'
import type { RefreshRequest } from './request.js'
import { counted, type ServerFiles } from './server-files.js'

/** What asks for a root by its name on the server. */
type Ask = (name: string) => Promise<Uint8Array | undefined>

/** The roots of one refresh. */
export class RootWalk {
  readonly #request: RefreshRequest
  readonly #server: ServerFiles
  readonly #loop: EventLoop
  readonly #budget: Budget

  constructor(request: RefreshRequest, server: ServerFiles, loop: EventLoop, budget: Budget) {
    this.#request = request
    this.#server = server
    this.#loop = loop
    this.#budget = budget
  }

  /** The root of a first use. @throws UnsignedError ERR_NO_TRUST_DATA */
  async first(): Promise<RootChain> {
    const { gun } = this.#request
    const file = await this.#counted(this.#server.ask('root', MAX_ROOT_BYTES))
    if (file === undefined) throw noTrustData(this.#request)
    return RootChain.start(gun, file, this.#budget)
  }

  /** Every newer root, each signed by the one before; 404 ends the chain. @throws NoAnswer, UntrustedError */
  walk(start: RootChain): Promise<RootChain> {
    return this.#walk(start, (name) => this.#server.ask(name, MAX_ROOT_BYTES))
  }

  /** The same, whatever the server answered before. */
  walkAgain(start: RootChain): Promise<RootChain> {
    return this.#walk(start, (name) => this.#server.askAgain(name, MAX_ROOT_BYTES))
  }

  async #walk(start: RootChain, ask: Ask): Promise<RootChain> {
    const { gun } = this.#request
    let chain = start
    for (let steps = 0; steps < MAX_ROOT_ROTATIONS; steps++) {
      const file = await orNoAnswer(this.#counted(ask(`${chain.version + 1}.root`)))
      if (file === undefined) return chain
      await orNoAnswer(this.#loop.turn())
      chain = this.#rotated(chain, chain.next(file, this.#budget))
    }
    throw brokenRotation(gun, `more than ${MAX_ROOT_ROTATIONS} new versions in one run`, { trusted: start.version })
  }

  /** The chain with the root of `root.json`; the same chain when that is not new. @throws UntrustedError */
  async bridge(chain: RootChain): Promise<RootChain> {
    const newest = await this.#counted(this.#server.askAgain('root', MAX_ROOT_BYTES)).catch(() => undefined)
    return newest === undefined ? chain : this.#rotated(chain, chain.bridge(newest, this.#budget))
  }

  #counted(answer: Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    return counted(this.#budget, { gun: this.#request.gun, role: 'root' }, answer)
  }

  #rotated(before: RootChain, after: RootChain): RootChain {
    const { gun, tell } = this.#request
    if (after.version > before.version) tell({ type: 'root-rotated', gun, from: before.version, to: after.version })
    return after
  }
}
