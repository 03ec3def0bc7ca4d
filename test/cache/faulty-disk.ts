/** A disk that refuses: `node:fs/promises` as it is, but for one call, or for every call from one on. */
import type { FileHandle } from 'node:fs/promises'

type Call = (...args: unknown[]) => Promise<unknown>

/** The call with this number fails, or all from there on. */
export interface Fault {
  readonly at: number
  readonly errno: string
  readonly forever: boolean
}

/** What the disk does; shared by all that is wrapped. */
export class FaultyDisk {
  /** Calls made while it counted. */
  readonly calls: string[] = []
  #counts = false
  #fault: Fault | undefined

  /** Counts the calls of `work`, and refuses the one with that number, or all from there on. */
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

  /** A module whose functions are asked here first. */
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
        // A file that nobody can close would only trouble the tests that follow.
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
