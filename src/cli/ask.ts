/** Asks the person at the terminal. */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { Io } from './io.js'

/** The line that is typed, in lower case; empty at the end of input. Rejects with the reason of the signal on Ctrl-C. */
export async function ask({ stdin, err, signal }: Io, question: string): Promise<string> {
  err(question)
  const lines = createInterface({ input: Readable.from(stdin), terminal: false })
  try {
    const [answer] = await Promise.race([once(lines, 'line', { signal }), once(lines, 'close', { signal })])
    return typeof answer === 'string' ? answer.trim().toLowerCase() : ''
  } finally {
    lines.close()
  }
}
