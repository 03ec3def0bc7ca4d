#!/usr/bin/env node
/** The process around the program: streams, Ctrl-C, exit status. */
import { EXIT } from './io.js'

/** Node versions that are known to know the flag below: to others V8 would complain aloud. */
const KNOWN_NODES = { oldest: 20, newest: 24 }

const interrupted = new AbortController()
process.once('SIGINT', () => {
  interrupted.abort(new Error('interrupted'))
  process.once('SIGINT', () => process.exit(EXIT.interrupted)) // a second Ctrl-C waits for nothing
})
// Whoever reads us may have enough (`dct verify - | head`): what was not verified until then must not pass for verified.
process.stdout.on('error', () => {
  interrupted.abort(new Error('unread')) // what is drawn on the terminal is erased
  process.exit(EXIT.unread)
})
// What is said there changes no verdict.
process.stderr.on('error', () => undefined)

/** In a function: what is shipped is CommonJS, which cannot wait at its top. */
async function main(argv: readonly string[]): Promise<void> {
  // What scripts ask first, and most often, loads nothing else.
  const isVersion = argv.length === 1 && argv[0] === '--version'
  const { run } = isVersion ? await import('./version.js') : await import('./main.js')
  if (!isVersion) await keepParserSimple()
  const status = await run(argv, {
    env: process.env,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    stdin: process.stdin,
    terminal: process.stderr.isTTY === true,
    typed: process.stdin.isTTY === true,
    columns: () => process.stderr.columns,
    ...(process.stdout.isTTY === true && { screen: { columns: () => process.stdout.columns } }),
    signal: interrupted.signal,
  })
  // Everything is said; what libraries still have to tidy up would only keep the caller waiting (0.1 s).
  process.stdout.write('', () => process.stderr.write('', () => process.exit(status)))
}

/**
 * undici's HTTP parser is WebAssembly. V8 begins to optimize it in the background, and the end of the process would wait for
 * that, a tenth of a second: longer than the parser runs.
 */
async function keepParserSimple(): Promise<void> {
  const major = Number.parseInt(process.versions.node, 10)
  if (major < KNOWN_NODES.oldest || major > KNOWN_NODES.newest) return
  const { setFlagsFromString } = await import('node:v8')
  setFlagsFromString('--liftoff-only')
}

void main(process.argv.slice(2))
