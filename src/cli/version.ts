/** `dct --version` */
import { readFileSync } from 'node:fs'
import { EXIT, type Io } from './io.js'

/** The exit status. */
export async function run(_argv: readonly string[], io: Io): Promise<number> {
  io.out(`${packageVersion()}\n`)
  return EXIT.ok
}

/** The version of this package. */
export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown'
}
