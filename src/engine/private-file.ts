/** A file for another program: no other user may read it, and it is removed afterwards. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Signals that would end us and leave the file. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/**
 * Writes `text` to a file with mode 0600 in a folder of its own, gives its path to `use`, and removes both: also when a signal
 * comes meanwhile, which aborts the signal that `use` is given. The exit status of `use`, or 128 and the number of a signal that
 * came before.
 */
export async function withPrivateFile(
  name: string,
  text: string,
  use: (path: string, stopped: AbortSignal) => Promise<number>,
): Promise<number> {
  const stop = new AbortController()
  let came: NodeJS.Signals | undefined
  const note = (signal: NodeJS.Signals) => {
    came ??= signal
    stop.abort()
  }
  for (const signal of SIGNALS) process.on(signal, note)
  try {
    const folder = await mkdtemp(join(tmpdir(), 'dct-build-'))
    try {
      const path = join(folder, name)
      await writeFile(path, text, { mode: 0o600, flag: 'wx' })
      return came === undefined ? await use(path, stop.signal) : 128 + constants.signals[came]
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, note)
  }
}
