/** What a person sees of what was written to a terminal: carriage returns and erased lines are followed, lines wrap. */
export class Screen {
  /** Every state that the last line was in, once it was drawn anew. */
  readonly drawn: string[] = []
  readonly #lines: string[] = ['']
  readonly #columns: number
  #column = 0

  constructor(columns = 80) {
    this.#columns = columns
  }

  readonly write = (text: string): void => {
    for (const [part] of text.matchAll(/\u001b\[K|[\s\S]/gu)) this.#take(part)
    const { last } = this
    if (last !== '' && last !== this.drawn.at(-1)) this.drawn.push(last)
  }

  /** Whole lines, without the one where the cursor stands. */
  get lines(): string[] {
    return this.#lines.slice(0, -1)
  }

  /** The line where the cursor stands. */
  get last(): string {
    return this.#lines.at(-1) ?? ''
  }

  #take(part: string): void {
    const line = this.last
    if (part === '\n') {
      this.#lines.push('')
      this.#column = 0
    } else if (part === '\r') this.#column = 0
    else if (part === '\u001b[K') this.#lines[this.#lines.length - 1] = line.slice(0, this.#column)
    else {
      if (this.#column === this.#columns) {
        this.#lines.push('')
        this.#column = 0
        this.#take(part)
        return
      }
      this.#lines[this.#lines.length - 1] = line.slice(0, this.#column) + part + line.slice(this.#column + 1)
      this.#column++
    }
  }
}
