/** Reads image references from standard input: one a line; `#` begins a comment, at the start of a line or after white space. */
import { utf8 } from '../bytes.js'
import { UsageError } from '../errors.js'
import type { Io } from './io.js'

/** The key that ends a list on a terminal. */
const END = process.platform === 'win32' ? 'Ctrl-Z and Enter end' : 'Ctrl-D ends'

/** Shown on a terminal, where the program would otherwise wait without a word. */
export const INVITATION: string = `reading image references from standard input, one a line; ${END} the list, Ctrl-C stops`

/** References in one list. Stops an endless list, which would fill the memory before the first answer. */
const MAX_REFERENCES = 100_000

/** Characters of one line, comment included. Stops an endless line. No reference is longer than 4,096. */
const MAX_LINE_LENGTH = 65_536

/** @throws UsageError ERR_SETTINGS_INVALID when there are too many, or a line does not end; the reason of the signal */
export async function readReferences({ stdin, signal }: Pick<Io, 'stdin' | 'signal'>): Promise<string[]> {
  const references: string[] = []
  const take = (line: string): void => {
    const reference = referenceIn(line)
    if (reference === '') return
    if (references.length === MAX_REFERENCES)
      throw tooMuch(`more than ${MAX_REFERENCES} references`, 'Split the list, and verify the parts one after the other.')
    references.push(reference)
  }
  const decoder = new TextDecoder()
  let unfinished = ''
  for await (const chunk of untilAborted(stdin, signal)) {
    const lines = (unfinished + (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }))).split('\n')
    unfinished = lines.pop() ?? ''
    if (unfinished.length > MAX_LINE_LENGTH)
      throw tooMuch(`a line of more than ${MAX_LINE_LENGTH} characters`, 'Write one image reference a line.')
    for (const line of lines) take(line)
  }
  take(unfinished + decoder.decode())
  return references
}

/** All of standard input. @throws UsageError ERR_SETTINGS_INVALID when it is longer than `maxBytes` */
export async function readBytes({ stdin, signal }: Pick<Io, 'stdin' | 'signal'>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of untilAborted(stdin, signal)) {
    const bytes = typeof chunk === 'string' ? utf8(chunk) : chunk
    length += bytes.length
    if (length > maxBytes) throw tooMuch(`more than ${maxBytes} bytes`, 'Write it into several files, and name those.')
    chunks.push(bytes)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

/** The chunks. Throws the reason of the signal when it aborts. */
async function* untilAborted<Chunk>(chunks: AsyncIterable<Chunk>, signal: AbortSignal): AsyncGenerator<Chunk> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await orAborted(iterator.next(), signal)
      if (next.done === true) return
      yield next.value
    }
  } finally {
    // Not awaited: a source that is being read closes only after its next chunk.
    void iterator.return?.().catch(() => undefined)
  }
}

function orAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

function referenceIn(line: string): string {
  return line.replace(/(?:^|\s)#.*$/s, '').trim()
}

function tooMuch(what: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `standard input holds ${what}`, { hint })
}
