#!/usr/bin/env node
/** The process around the program: streams, Ctrl-C, exit status. */
import { EXIT } from './io.js'

/** Node versions that support the V8 flag below. Another V8 would print a warning about an unknown flag. */
const KNOWN_NODES = { oldest: 20, newest: 24 }

const interrupted = new AbortController()
const endAtOnce = () => process.exit(EXIT.interrupted)
const interrupt = () => {
  interrupted.abort(new Error('interrupted'))
  process.once('SIGINT', endAtOnce) // a second Ctrl-C ends the process at once
}
process.once('SIGINT', interrupt)
// The reader of a pipe may stop reading (`dct verify - | head`). Exit with an error: the remaining references are not verified.
process.stdout.on('error', () => {
  interrupted.abort(new Error('unread')) // what is drawn on the terminal is erased
  process.exit(EXIT.unread)
})
// An unwritable standard error does not change a verdict.
process.stderr.on('error', () => undefined)

const argv = process.argv.slice(2)
let isFaulty = false
// Faults outside of the command's own path, such as in a callback of a library. Node itself would print the stack and exit with
// 1, which means "untrusted".
process.on('uncaughtException', (cause) => {
  isFaulty = true
  void import('./fault.js')
    .then(({ reportFault }) => reportFault(cause, argv, { err: (text) => process.stderr.write(text) }))
    .finally(() => end(EXIT.internal))
})

/** Exits once all output is written, and at once: the clean-up of libraries would take another 0.1 s. */
function end(status: number): void {
  const exit = () => process.exit(isFaulty ? EXIT.internal : status)
  process.stdout.write('', () => process.stderr.write('', exit))
}

/** A function, because the bundle is CommonJS, which has no top-level await. */
async function main(): Promise<void> {
  // Scripts often ask for the version: it loads nothing else.
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
    ...(process.argv[1] === undefined ? {} : { program: process.argv[1] }),
    leaveTerminal: () => process.off('SIGINT', interrupt).off('SIGINT', endAtOnce),
  })
  end(status)
}

/**
 * Turns off V8's optimizing compiler for WebAssembly. It would compile undici's HTTP parser in the background, and the end of
 * the process would wait for that: a tenth of a second, longer than the parser runs.
 */
async function keepParserSimple(): Promise<void> {
  const major = Number.parseInt(process.versions.node, 10)
  if (major < KNOWN_NODES.oldest || major > KNOWN_NODES.newest) return
  const { setFlagsFromString } = await import('node:v8')
  setFlagsFromString('--liftoff-only')
}

void main()
