/** `node:fs/promises` with one call that fails, or with every call from one on. */
import type { FileHandle } from 'node:fs/promises'

type Call = (...args: unknown[]) => Promise<unknown>

/** The number of the call that fails, and whether all later ones fail too. */
export interface Fault {
  readonly at: number
  readonly errno: string
  readonly forever: boolean
}

/** The state of the disk, shared by all wrapped modules. */
export class FaultyDisk {
  /** The number of calls counted. */
  readonly calls: string[] = []
  #counts = false
  #fault: Fault | undefined

  /** Counts the calls of `work`, and fails the call with that number, or that and all later ones. */
  async during<Result>(work: () => Promise<Result>, fault?: Fault): Promise<Result> {
    this.calls.length = 0
    this.#fault = fault
    this.#counts = true
    try {
      return await work()
    } finally {
      this.#counts = false
    }
  }

  /** Wraps the functions of a module, so that they can fail. */
  wrap(real: Record<string, unknown>): Record<string, unknown> {
    const wrapped = Object.entries(real).map(([name, member]) => {
      if (name === 'open') return [name, (...args: unknown[]) => this.#open(member as Call, args)]
      return [name, typeof member === 'function' ? this.#asked(name, member as Call) : member]
    })
    return Object.fromEntries(wrapped)
  }

  #asked(name: string, call: Call): Call {
    return async (...args) => {
      this.#count(name)
      return call(...args)
    }
  }

  async #open(open: Call, args: unknown[]): Promise<FileHandle> {
    this.#count('open')
    const handle = (await open(...args)) as FileHandle
    return new Proxy(handle, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key)
        if (typeof member !== 'function') return member
        const call = member.bind(target) as Call
        // Closing a file always works, so that later tests are not affected.
        return ['writeFile', 'sync', 'stat', 'readFile'].includes(String(key)) ? this.#asked(String(key), call) : call
      },
    })
  }

  #count(name: string): void {
    if (!this.#counts) return
    this.calls.push(name)
    const { at, errno, forever } = this.#fault ?? {}
    if (at === undefined || !(forever ? this.calls.length >= at : this.calls.length === at)) return
    throw Object.assign(new Error(`${errno}: the disk refuses, ${name}`), { code: errno, syscall: name })
  }
}
