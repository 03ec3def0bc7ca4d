/** The two clients under comparison: the real `notary lookup`, and this project's library. Each keeps its own folder over the states of a case. */
import { type ExecFileException, execFile } from 'node:child_process'
import { createTrustClient, type Transport, TrustError } from '../../../src/index.js'

/** The result of a lookup. */
export type Answer =
  | { readonly kind: 'digest'; readonly digest: string; readonly size: number }
  | { readonly kind: 'refused'; readonly code: string; readonly role: string; readonly says: string }
  | { readonly kind: 'crashed' | 'hung'; readonly says: string }

/** The time limit of a lookup in milliseconds; a longer one hangs. */
const PATIENCE = 30_000

interface Place {
  readonly url: string
  /** A PEM file. */
  readonly ca: string
  readonly folder: string
}

export interface NotaryPlace extends Place {
  /** Whether the server has a timestamp. */
  readonly hasTimestamp: boolean
}

/** On a busy machine a server may be slow, and notary then uses its cache alone. In this case notary runs again. */
const GREETINGS = 5
/** Notary prints this for a missing timestamp, too. */
const FROM_CACHE = 'using cached timestamp'
const SLOW = /could not reach|TLS handshake timeout|Client\.Timeout|i\/o timeout/

/** Runs the program once, or a few times if the server was slow. */
export async function askNotary(place: NotaryPlace, gun: string, target: string): Promise<Answer> {
  for (let left = GREETINGS; ; left--) {
    const { answer, said } = await runNotary(place, gun, target)
    if (!SLOW.test(said) && !(place.hasTimestamp && said.includes(FROM_CACHE))) return answer
    if (left <= 1) return { kind: 'hung', says: said }
  }
}

/** Runs the program once; kills it if it takes too long. */
function runNotary({ url, ca, folder }: Place, gun: string, target: string): Promise<{ answer: Answer; said: string }> {
  const args = ['-s', url, '-d', folder, '--tlscacert', ca, 'lookup', gun, target]
  // One thread is enough for such a short run, and costs a fifth less.
  const env = { PATH: process.env['PATH'], HOME: folder, GOMAXPROCS: '1' }
  return new Promise((resolve) => {
    execFile('notary', args, { env, timeout: PATIENCE, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const said = `${stdout}\n${stderr}`.trim()
      resolve({ answer: error === null ? parseAnswer(stdout) : parseFailure(error, said), said })
    })
  })
}

function parseFailure({ killed, code, signal }: ExecFileException, said: string): Answer {
  if (killed === true) return { kind: 'hung', says: said }
  // Its failures end with status 1, a crash without an answer with 2; a missing program has no status.
  if (code !== 1) return { kind: 'crashed', says: `${code ?? signal}: ${said}` }
  return { kind: 'refused', code: '', role: '', says: said.replace(/^[\s\S]*?\* fatal: /, '').trim() }
}

/** TARGET sha256:HEX SIZE, with HEX of any length. */
function parseAnswer(stdout: string): Answer {
  const match = / (sha256:[0-9a-f]*) (-?\d+)\n*$/.exec(stdout)
  if (match === null) return { kind: 'crashed', says: `no known answer: ${stdout}` }
  return { kind: 'digest', digest: match[1] ?? '', size: Number(match[2]) }
}

export interface OurPlace {
  readonly url: string
  readonly transport: Transport
  readonly folder: string
}

/** The library; `lookup` searches the roles in notary's order. */
export async function askUs(place: OurPlace, gun: string, target: string): Promise<Answer> {
  for (let left = GREETINGS; ; left--) {
    const answer = await runUs(place, gun, target)
    if (left <= 1 || answer.kind !== 'hung' || !answer.says.includes('no connection to localhost within')) return answer
  }
}

async function runUs({ url, transport, folder }: OurPlace, gun: string, target: string): Promise<Answer> {
  const client = createTrustClient({ env: {}, server: url, transport, dockerConfig: folder, timeout: PATIENCE })
  const timer = new AbortController()
  try {
    return await Promise.race([answerOf(client.lookup(gun, target)), hang(timer.signal)])
  } finally {
    timer.abort()
  }
}

async function answerOf(lookup: Promise<{ digest: string; size: number }>): Promise<Answer> {
  try {
    const { digest, size } = await lookup
    return { kind: 'digest', digest, size }
  } catch (error) {
    if (!(error instanceof TrustError))
      return { kind: 'crashed', says: error instanceof Error ? String(error.stack) : String(error) }
    const { code, role = '', message } = error
    return code === 'ERR_SERVER_UNREACHABLE' ? { kind: 'hung', says: message } : { kind: 'refused', code, role, says: message }
  }
}

function hang(end: AbortSignal): Promise<Answer> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: 'hung', says: `more than ${PATIENCE} ms` }), PATIENCE + 5_000)
    end.addEventListener('abort', () => clearTimeout(timer), { once: true })
  })
}
