/** Options that `dct serve hosts` and `dct serve self-test` share: the engine, its folder, the address of `dct serve`. */
import { resolve } from 'node:path'
import { UsageError } from '../errors.js'
import { parseReference } from '../reference/reference.js'
import { ENGINE_FOLDERS, HOST_ENGINES, type HostEngine } from '../tasks/engine-hosts.js'
import type { CommandLine } from './options.js'

const DEFAULT_RESOLVER = 'https://127.0.0.1:8443'

/** An engine and its files. */
export interface EngineChoice {
  readonly engine: HostEngine
  /** Absolute. */
  readonly folder: string
  readonly resolver: URL
}

/** Reads --engine, --out and --resolver. @throws UsageError ERR_SETTINGS_INVALID */
export function engineChoice({ values }: CommandLine, command: string): EngineChoice {
  const engine = HOST_ENGINES.find((one) => one === values.engine)
  if (engine === undefined) {
    const given =
      values.engine === undefined ? '--engine is missing' : `--engine ${JSON.stringify(values.engine)} is not known here`
    throw invalid(given, `Type one of: ${HOST_ENGINES.map((one) => `dct ${command} --engine ${one}`).join(', ')}`)
  }
  return {
    engine,
    folder: resolve(values.out ?? ENGINE_FOLDERS[engine]),
    resolver: resolverUrl(values.resolver ?? DEFAULT_RESOLVER),
  }
}

function resolverUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' && url.href === `${url.origin}/`) return url
  throw invalid(
    `--resolver takes https://HOST[:PORT], got ${JSON.stringify(text)}`,
    `Name the address at which the engine reaches dct serve: --resolver ${DEFAULT_RESOLVER}. It needs TLS on loopback too: dct serve --tls-cert FILE --tls-key FILE`,
  )
}

/** The registry, when it is written as in image references. @throws UsageError ERR_SETTINGS_INVALID */
export function registryName(text: string): string {
  try {
    if (parseReference(`${text}/image`).domain === text && text === text.toLowerCase()) return text
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause
  }
  throw invalid(
    `${JSON.stringify(text)} names no registry`,
    'Write it as in image references, in lower case: --registry docker.io, --registry registry.example:5000',
  )
}

/** A misuse of the command line. */
export function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint })
}
