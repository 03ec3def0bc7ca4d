/**
 * Finds JSON in a file's bytes that readers interpret differently. This scanner belongs to the test: it refuses nothing, lists the oddities, and
 * stops where the text is no longer JSON.
 */

/** Lists the oddities of a file; an ordinary file has none. */
export function jsonOddities(bytes: Uint8Array): string[] {
  const met = new Set<string>()
  const text = Buffer.from(bytes).toString()
  if (!Buffer.from(text).equals(bytes)) met.add('bytes that are not UTF-8')
  new Scanner(text, met).run()
  return [...met]
}

const TOKEN = /[\t\n\r ]*(?:([{}[\],:])|"((?:[^"\\]|\\.)*)"|(-?\d[-+.\deE]*)|([a-z]+))/sy
/** Members of the format that are whole numbers. */
const WHOLE = new Set(['version', 'threshold', 'length'])
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/
const DEEPEST = 64
/** Names of the format. Names that a publisher chooses may differ by case. */
const NAMES = new Set(
  (
    'signed signatures keyid method sig _type version expires consistent_snapshot keys keytype keyval public private roles keyids ' +
    'threshold meta length hashes targets custom delegations name paths'
  ).split(' '),
)

class Scanner {
  readonly #text: string
  readonly #met: Set<string>
  /** The names in each open object; undefined for a list. */
  readonly #open: (Set<string> | undefined)[] = []
  /** The last name. */
  #name = ''

  constructor(text: string, met: Set<string>) {
    this.#text = text
    this.#met = met
  }

  run(): void {
    TOKEN.lastIndex = 0
    for (let token = TOKEN.exec(this.#text); token !== null; token = TOKEN.exec(this.#text)) {
      const [, mark, text, number] = token
      if (mark !== undefined) this.#mark(mark)
      if (text !== undefined) this.#string(text, /^[\t\n\r ]*:/.test(this.#text.slice(TOKEN.lastIndex, TOKEN.lastIndex + 20)))
      if (number !== undefined) this.#number(number)
    }
  }

  #number(number: string): void {
    if (!(Math.abs(Number(number)) <= Number.MAX_SAFE_INTEGER)) this.#met.add('a number beyond 2^53-1')
    if (/[.eE]/.test(number) && WHOLE.has(this.#name)) this.#met.add('a number that is not written as a whole one')
  }

  #mark(mark: string): void {
    if (mark === '{' || mark === '[') {
      this.#open.push(mark === '{' ? new Set() : undefined)
      if (this.#open.length > DEEPEST) this.#met.add('deep nesting')
    } else if (mark === '}' || mark === ']') this.#open.pop()
  }

  #string(raw: string, isName: boolean): void {
    const text = decoded(raw)
    if (LONE.test(text)) this.#met.add('a lone surrogate')
    const names = this.#open.at(-1)
    if (!isName || names === undefined) return
    this.#name = text
    if (NAMES.has(fold(text)) && !NAMES.has(text)) this.#met.add('a name of the format in another case')
    if (names.has(text)) this.#met.add('a member twice')
    else if (NAMES.has(fold(text)) && [...names].some((name) => fold(name) === fold(text)))
      this.#met.add('two members that differ by case alone')
    names.add(text)
  }
}

/** Folds names as Go does: the long s is an s, and the kelvin sign is a k. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll('\u017f', 's').replaceAll('\u212a', 'k')
}

function decoded(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    return raw
  }
}
