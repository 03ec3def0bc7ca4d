/**
 * The instructions of a Dockerfile and where each of their characters is: moby/buildkit frontend/dockerfile/parser/parser.go.
 *
 * BuildKit's own rules are followed because a line that two readers see differently hides an image from a gate. The package
 * dockerfile-ast sees some differently (`RUN sh -c "x <<EOF"` hides the lines that follow), so it is the second opinion of
 * a test instead. Where versions of BuildKit differ from each other, the file is refused.
 */
import type { Span } from './image-use.js'
import { MAX_DOCKERFILE_CHARACTERS, MAX_INSTRUCTIONS } from './limits.js'
import { GO_SPACE, plainWords, rawWords } from './shell-words.js'
import type { SourceText } from './source-text.js'

/** Characters of a word or line, and the offset of each in the file. */
export interface Word {
  readonly text: string
  readonly at: readonly number[]
}

/** One instruction, continuation lines joined and comments within left out. */
export interface Instruction extends Word {
  /** In lower case. */
  readonly keyword: string
}

/** A Dockerfile, cut into instructions. */
export interface DockerfileLines {
  readonly instructions: readonly Instruction[]
  readonly comments: readonly Span[]
  /** `\`, or a backtick when a directive says so. */
  readonly escape: string
}

/** The text of a Dockerfile, which may be embedded in another file. */
export interface DockerfileText {
  readonly source: SourceText
  readonly text: string
  /** The offset in the file of an offset in the text. */
  readonly toSource: (offset: number) => number
}

interface Line {
  /** Without line feed and carriage returns at the end. */
  readonly text: string
  readonly start: number
}

/** Bytes of a line in BuildKit, `bufio.MaxScanTokenSize`. */
const MAX_LINE = 65_535
/** White space is that of Go's regular expressions: a no-break space before the `=` makes no directive. */
export const DIRECTIVE: RegExp = /^([A-Za-z][A-Za-z0-9]*)([\t\f\r ]*=[\t\f\r ]*)([^\n]+?)[\t\f\r ]*$/
/** Every parser directive. */
export const DIRECTIVES: ReadonlySet<string> = new Set(['escape', 'syntax', 'check'])
/** Every instruction. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'add arg cmd copy entrypoint env expose from healthcheck label maintainer onbuild run shell stopsignal user volume ' +
    'workdir'
  ).split(' '),
)
const HEREDOC = /^[0-9]*<<(-?)([ \t]*)([^<]+)$/

/**
 * Cuts a Dockerfile into instructions.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when BuildKit would not read it, or not every version in the same way
 */
export function readDockerfileLines(file: DockerfileText): DockerfileLines {
  return new LineReader(file).read()
}

/** The word after an instruction's keyword and the text behind it, as `splitCommand` has it. */
export function splitKeyword(word: Word): { readonly keyword: string; readonly rest: Word } {
  const keyword = /^[^\t\v\f\r ]*/.exec(word.text)?.[0] ?? ''
  const gap = /^[\t\v\f\r ]*/.exec(word.text.slice(keyword.length))?.[0] ?? ''
  return { keyword: keyword.toLowerCase(), rest: cutWord(word, keyword.length + gap.length) }
}

/** Part of a word. */
export function cutWord({ text, at }: Word, start: number, end: number = text.length): Word {
  return { text: text.slice(start, end), at: at.slice(start, end) }
}

/** A word without white space at its ends. */
export function trimWord(word: Word): Word {
  let start = 0
  let end = word.text.length
  while (start < end && GO_SPACE.test(word.text.charAt(start))) start++
  while (end > start && GO_SPACE.test(word.text.charAt(end - 1))) end--
  return cutWord(word, start, end)
}

class LineReader {
  readonly #file: DockerfileText
  readonly #lines: Line[] = []
  readonly #comments: Span[] = []
  readonly #directives = new Set<string>()
  #mayBeDirective = true
  #escape = '\\'
  #next = 0

  constructor(file: DockerfileText) {
    this.#file = file
    const { source, text } = file
    if (text.length > MAX_DOCKERFILE_CHARACTERS) {
      throw source.tooLarge(file.toSource(0), `a Dockerfile longer than ${MAX_DOCKERFILE_CHARACTERS} characters`)
    }
    for (let start = text.startsWith('\ufeff') ? 1 : 0; start < text.length; ) {
      const feed = text.indexOf('\n', start)
      const end = feed === -1 ? text.length : feed
      if (end - start > MAX_LINE) throw this.#broken(start, `a line longer than ${MAX_LINE} characters, which Docker refuses`)
      this.#lines.push({ text: text.slice(start, end).replace(/\r+$/, ''), start })
      start = end + 1
    }
  }

  read(): DockerfileLines {
    const instructions: Instruction[] = []
    for (let line = this.#take(); line !== undefined; line = this.#take()) {
      const indent = indentOf(line.text)
      const text = line.text.slice(indent)
      this.#readDirective(line.start + indent, text)
      if (this.#isComment(line) || text === '') continue
      const joined = this.#joinLines({ text, start: line.start + indent })
      if (joined.text === '') continue
      const word = trimWord(joined)
      const instruction = { ...word, keyword: splitKeyword(word).keyword }
      instructions.push(instruction)
      if (instructions.length > MAX_INSTRUCTIONS) {
        throw this.#file.source.tooLarge(this.#file.toSource(line.start), `more than ${MAX_INSTRUCTIONS} instructions`)
      }
      this.#skipHeredocs(instruction)
    }
    return { instructions, comments: this.#comments, escape: this.#escape }
  }

  #take(): Line | undefined {
    return this.#lines[this.#next++]
  }

  #broken(at: number, reason: string, hint?: string): Error {
    return this.#file.source.broken(this.#file.toSource(at), reason, hint)
  }

  /** directives.go `ParseLine`: only at the top, each once; anything else ends them. */
  #readDirective(at: number, line: string): void {
    if (!this.#mayBeDirective) return
    const gap = indentOf(line.slice(1))
    const [, name = '', , value = ''] = (line.startsWith('#') && DIRECTIVE.exec(line.slice(1 + gap))) || []
    const key = name.toLowerCase()
    this.#mayBeDirective = DIRECTIVES.has(key)
    if (!this.#mayBeDirective) return
    if (/[^\t\f\r ]/.test(line.slice(1, 1 + gap)))
      throw this.#broken(
        at,
        `versions of Docker do not agree whether this is the directive ${key}`,
        'Write one space behind the #.',
      )
    if (key === 'escape' && this.#directives.has('check'))
      throw this.#broken(at, 'versions of Docker do not agree whether escape counts behind check', 'Write # escape= first.')
    if (this.#directives.has(key)) throw this.#broken(at, `a second parser directive ${key}, which Docker refuses`)
    this.#directives.add(key)
    if (key !== 'escape') return
    if (value !== '\\' && value !== '`') throw this.#broken(at, 'the escape directive must be \\ or `')
    this.#escape = value
  }

  #isComment({ text, start }: Line): boolean {
    const indent = indentOf(text)
    if (text[indent] !== '#') return false
    this.#comments.push({ start: this.#file.toSource(start + indent), end: this.#file.toSource(start + text.length) })
    return true
  }

  #joinLines(first: Line): Word {
    const text: string[] = []
    const at: number[] = []
    for (let line: Line | undefined = first; line !== undefined; line = this.#take()) {
      if (line !== first && (this.#isComment(line) || indentOf(line.text) === line.text.length)) continue
      const end = this.#continuationAt(line)
      const part = end === -1 ? line.text : line.text.slice(0, end)
      text.push(part)
      for (let index = 0; index < part.length; index++) at.push(this.#file.toSource(line.start + index))
      if (end === -1) break
    }
    return { text: text.join(''), at }
  }

  /** Where the continuation character is; -1 without one. Two of them are read in two ways by versions of BuildKit. */
  #continuationAt({ text, start }: Line): number {
    const trimmed = text.replace(/[ \t]+$/, '')
    if (!trimmed.endsWith(this.#escape)) return -1
    if (!trimmed.endsWith(this.#escape + this.#escape)) return trimmed.length - 1
    const reason = `versions of Docker do not agree whether a line that ends in ${this.#escape}${this.#escape} goes on`
    throw this.#broken(start + trimmed.length - 2, reason, 'End the line in one escape character, or in another character.')
  }

  #skipHeredocs(instruction: Instruction): void {
    for (const { name, dropsTabs } of heredocsOf(instruction, (reason) => this.#broken(this.#startOf(instruction), reason))) {
      let line = this.#take()
      while (line !== undefined && (dropsTabs ? line.text.replace(/^\t+/, '') : line.text) !== name) line = this.#take()
      if (line === undefined) throw this.#broken(this.#startOf(instruction), `the here-document ${name} has no end`)
    }
  }

  /** The offset in the text; only for messages, so that an embedded text may be off by its indentation. */
  #startOf(instruction: Instruction): number {
    const wanted = instruction.at[0] ?? 0
    return this.#lines.findLast(({ start }) => this.#file.toSource(start) <= wanted)?.start ?? 0
  }
}

/** How many characters of white space a text begins with. */
export function indentOf(text: string): number {
  let indent = 0
  while (indent < text.length && GO_SPACE.test(text.charAt(indent))) indent++
  return indent
}

/** parser.go `canContainHeredoc` and `heredocsFromLine`. Arguments in the JSON form have no word that begins with `<<`. */
function heredocsOf(
  instruction: Instruction,
  broken: (reason: string) => Error,
): readonly { readonly name: string; readonly dropsTabs: boolean }[] {
  if (!instruction.text.includes('<<')) return []
  const command = instruction.keyword === 'onbuild' ? splitKeyword(splitKeyword(instruction).rest) : splitKeyword(instruction)
  if (!['add', 'copy', 'run'].includes(command.keyword)) return []
  return rawWords(instruction.text).flatMap((word) => {
    const [, dash = '', gap = '', rest = ''] = HEREDOC.exec(word) ?? []
    if (rest === '') return []
    const names = plainWords(rest)
    if (names === undefined) throw broken('a here-document whose name Docker cannot read')
    const [name] = names
    if (name === undefined || names.length !== 1) return []
    if ((gap !== '' || /\s/.test(name)) && KEYWORDS.has(splitKeyword({ text: name, at: [] }).keyword)) {
      throw broken('a here-document that older versions of Docker read as instructions')
    }
    return [{ name, dropsTabs: dash === '-' }]
  })
}
