/** Image references on standard input: one a line, `#` begins a comment, at the start of a line or behind white space. */
import { UsageError } from '../errors.js'
import type { Io } from './io.js'

/** References in one list. Stops an endless list, of which nothing would be answered before memory ends. */
const MAX_REFERENCES = 100_000

/** Characters of one line, comment included. Stops an endless line. No reference is longer than 4,096. */
const MAX_LINE_LENGTH = 65_536

/** @throws UsageError ERR_SETTINGS_INVALID when there are too many, or a line does not end */
export async function readReferences(stdin: Io['stdin']): Promise<string[]> {
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
  for await (const chunk of stdin) {
    const lines = (unfinished + (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }))).split('\n')
    unfinished = lines.pop() ?? ''
    if (unfinished.length > MAX_LINE_LENGTH)
      throw tooMuch(`a line of more than ${MAX_LINE_LENGTH} characters`, 'Write one image reference a line.')
    for (const line of lines) take(line)
  }
  take(unfinished + decoder.decode())
  return references
}

function referenceIn(line: string): string {
  return line.replace(/(?:^|\s)#.*$/s, '').trim()
}

function tooMuch(what: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `standard input holds ${what}`, { hint })
}
