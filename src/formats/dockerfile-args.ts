/**
 * Variables before the first FROM, and where what they hold is written. moby/buildkit
 * frontend/dockerfile/dockerfile2llb/convert.go `buildMetaArgs`, `defaultArgs`.
 */
import type { Word } from './dockerfile-lines.js'
import { type Assignment, shapeOf, slotOf } from './dockerfile-words.js'
import type { FindOptions, Slot } from './image-use.js'
import { expandWord, type Variable } from './shell-words.js'

/** Where a digest of the expanded word is written, or why nowhere. `through` are the variables on the way. */
export type Writable =
  | { readonly slot: Slot; readonly through: readonly string[] }
  | { readonly slot?: never; readonly reason: string }

/** A word with its variables replaced. */
export type Expanded =
  | { readonly value: string; readonly writable: Writable }
  | { readonly value?: never; readonly reason: string }

interface Argument {
  readonly variable: NonNullable<Variable>
  readonly writable: Writable
}

const SPLIT = 'the reference is written over several lines: join them, then pin'
const COMPOSED =
  'a digest has no place in a reference put together from variables: write it in one piece, or use dct build-policy'

/** The global scope of a Dockerfile. */
export class GlobalArgs {
  readonly #arguments = new Map<string, Argument>()
  readonly #buildArgs: ReadonlyMap<string, string>
  readonly #escape: string
  readonly #mixed = new Set<string>()

  constructor(escapeChar: string, options: FindOptions) {
    this.#escape = escapeChar
    this.#buildArgs = options.buildArgs ?? new Map()
    for (const [name, variable] of platformArgs(options.platform)) {
      this.#arguments.set(name, { variable, writable: { reason: `the value of ${name} is not written in this file` } })
    }
  }

  /** Takes an ARG before the first FROM. */
  declare({ name, value }: Assignment): void {
    const given = this.#buildArgs.get(name)
    const elsewhere = { reason: `the value comes from --build-arg ${name}: pin it there` }
    const unknown = `the value of the build argument ${name} is not known here: write it out`
    if (given?.includes('$')) this.#arguments.set(name, { variable: { unknown }, writable: elsewhere })
    else if (given !== undefined) this.#arguments.set(name, { variable: { value: given }, writable: elsewhere })
    else if (value !== undefined) {
      const expanded = this.expand(value)
      const isKnown = expanded.value !== undefined
      const variable = isKnown ? { value: expanded.value } : { unknown: expanded.reason }
      this.#arguments.set(name, { variable, writable: isKnown ? expanded.writable : { reason: expanded.reason } })
    }
  }

  /** Replaces the variables of a word of the global scope. */
  expand(word: Word): Expanded {
    const shape = shapeOf(word)
    const asked = new Set<string>()
    const expansion = expandWord(word.text, this.#escape, (name) => {
      asked.add(name)
      return this.#arguments.get(name)?.variable
    })
    if (shape.kind !== 'variable') for (const name of asked) this.#mixed.add(name)
    if ('reason' in expansion) return { reason: this.#explained(expansion.reason, asked) }
    if (shape.kind === 'other') return { value: expansion.value, writable: { reason: COMPOSED } }
    if (shape.kind === 'literal') return { value: expansion.value, writable: slotFor(shape.literal, []) }
    const argument = this.#arguments.get(shape.name)
    const isUnset =
      argument === undefined || (shape.emptyIsUnset && 'value' in argument.variable && argument.variable.value === '')
    if (isUnset && shape.fallback !== undefined) return { value: expansion.value, writable: slotFor(shape.fallback, []) }
    if (argument === undefined) return { value: expansion.value, writable: { reason: COMPOSED } }
    const { writable } = argument
    if (writable.slot === undefined) return { value: expansion.value, writable }
    return { value: expansion.value, writable: { slot: writable.slot, through: [...writable.through, shape.name] } }
  }

  /** Notes that the value of a variable is used for something else than an image: its default must stay. */
  keep(word: Word): void {
    expandWord(word.text, this.#escape, (name) => {
      this.#mixed.add(name)
      return { value: '' }
    })
  }

  /** The place to write at, when everything has been read and no variable on the way has a second meaning. */
  settle(writable: Writable): Writable {
    if (writable.slot === undefined) return writable
    const mixed = writable.through.find((name) => this.#mixed.has(name))
    if (mixed === undefined) return writable
    return { reason: `ARG ${mixed} is used in other ways too, which a digest would change: give the image an ARG of its own` }
  }

  #explained(reason: string, asked: ReadonlySet<string>): string {
    const missing = [...asked].find((name) => !this.#arguments.has(name))
    return missing === undefined || !reason.includes(missing) ? reason : `${reason}: give it with --build-arg ${missing}=VALUE`
  }
}

function slotFor(word: Word, through: readonly string[]): Writable {
  const slot = slotOf(word)
  return slot === undefined ? { reason: SPLIT } : { slot, through }
}

/** The variables that BuildKit sets by itself; known only when the platform is. */
function platformArgs(platform: string | undefined): Map<string, NonNullable<Variable>> {
  const given = new Map<string, string>()
  const [os, architecture, variant = ''] = platform?.split('/') ?? []
  if (platform !== undefined && os !== undefined && architecture !== undefined) {
    for (const [name, value] of Object.entries({ PLATFORM: platform, OS: os, ARCH: architecture, VARIANT: variant })) {
      given.set(`TARGET${name}`, value)
    }
  }
  const names = ['PLATFORM', 'OS', 'OSVERSION', 'ARCH', 'VARIANT'].flatMap((name) => [`TARGET${name}`, `BUILD${name}`])
  return new Map(
    [...names, 'TARGETSTAGE'].map((name) => {
      const value = given.get(name)
      return [name, value === undefined ? { unknown: unknownPlatform(name) } : { value }]
    }),
  )
}

function unknownPlatform(name: string): string {
  return name.startsWith('TARGET') && name !== 'TARGETSTAGE'
    ? `${name} depends on the platform: give it with --platform`
    : `${name} is known to the builder alone`
}
