/** Variables in Compose files: compose-spec 12-interpolation.md. */

/** A text with its variables replaced, or why that is not possible. */
export type Interpolated = { readonly value: string } | { readonly reason: string }

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const OPERATOR = /:?[-?+]|\}/y
/** Defaults within defaults. Stops an overflow of the stack. */
const MAX_DEPTH = 20

class NotInterpolated extends Error {}

/** Replaces `$NAME`, `${NAME}`, `${NAME:-default}` and the like; `$$` is a dollar. A variable without value is refused, not empty. */
export function interpolate(text: string, variables: ReadonlyMap<string, string>): Interpolated {
  try {
    return { value: new Interpolation(text, variables).read(0) }
  } catch (error) {
    if (error instanceof NotInterpolated) return { reason: error.message }
    throw error
  }
}

/** The default of a text that is nothing but `${NAME:-default}`: where it starts and ends, when the default is what counts. */
export function wholeDefault(text: string, variables: ReadonlyMap<string, string>): readonly [number, number] | undefined {
  const [, name = '', operator, fallback = ''] = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(:?-)([^${}]+)\}$/.exec(text) ?? []
  const given = variables.get(name)
  if (operator === undefined || (given !== undefined && !(operator === ':-' && given === ''))) return undefined
  return [text.length - 1 - fallback.length, text.length - 1]
}

class Interpolation {
  readonly #text: string
  readonly #variables: ReadonlyMap<string, string>
  #at = 0

  constructor(text: string, variables: ReadonlyMap<string, string>) {
    this.#text = text
    this.#variables = variables
  }

  /** Reads to the end, or within braces up to `}`. */
  read(depth: number): string {
    if (depth > MAX_DEPTH) throw new NotInterpolated('defaults are nested too deeply')
    let result = ''
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at++)
      if (char === '}' && depth > 0) return result
      result += char === '$' ? this.#dollar(depth) : char
    }
    if (depth > 0) throw new NotInterpolated('a } is missing')
    return result
  }

  #dollar(depth: number): string {
    const next = this.#text.charAt(this.#at)
    if (next === '$') {
      this.#at++
      return '$'
    }
    if (next === '{') this.#at++
    const name = this.#take(NAME)
    if (name === '') throw new NotInterpolated('a $ without a name: write $$ for a dollar')
    const value = this.#variables.get(name)
    if (next !== '{') return required(name, value)
    const operator = this.#take(OPERATOR)
    if (operator === '') throw new NotInterpolated('a $ form that Compose does not know')
    if (operator === '}') return required(name, value)
    const word = this.read(depth + 1)
    const isSet = value !== undefined && (value !== '' || !operator.startsWith(':'))
    if (operator.endsWith('+')) return isSet ? word : ''
    if (isSet) return value
    return operator.endsWith('-') ? word : required(name, undefined)
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const taken = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += taken.length
    return taken
  }
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw new NotInterpolated(`the variable ${name} has no value: set it, or write a default`)
  return value
}
