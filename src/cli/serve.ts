/** `dct serve` */
import { once } from 'node:events'
import { UsageError } from '../errors.js'
import { openService } from '../service/run-service.js'
import type { Service } from '../service/service.js'
import { clientOptions } from './client-options.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { packageVersion } from './version.js'

const DEFAULT_LISTEN = '127.0.0.1:8443'

/** Runs until SIGTERM or Ctrl-C, and lets running requests end. The exit status. */
export async function serve(line: CommandLine, io: Io): Promise<number> {
  const { values } = line
  // Handlers come before the first line is printed: its reader may send a signal at once, and without a handler SIGHUP ends the process.
  const stop = new AbortController()
  const end = (): void => stop.abort()
  process.once('SIGTERM', end) // a second one ends the process at once
  const starting = start(line, io)
  const reload = (): void => void starting.then((service) => service.reload()).catch(() => undefined) // `await starting` reports a failed start
  process.on('SIGHUP', reload)
  try {
    const service = await starting
    const scheme = values['tls-cert'] === undefined ? 'http' : 'https'
    const { port, metricsPort } = service
    const address = `${scheme}://${(values.listen ?? DEFAULT_LISTEN).replace(/[0-9]+$/, String(port))}`
    const metrics = metricsPort === undefined ? '' : `, metrics on port ${metricsPort}`
    if (values.quiet !== true) io.err(`dct: listening on ${scheme} port ${port}: ${address}${metrics}\n`)
    await aborted(AbortSignal.any([stop.signal, io.signal]))
    if (values.quiet !== true) io.err('dct: stopping: running requests are answered first\n')
    await service.close()
    return EXIT.ok
  } finally {
    process.off('SIGHUP', reload).off('SIGTERM', end)
  }
}

async function start(line: CommandLine, io: Io): Promise<Service> {
  const { values } = line
  // Ctrl-C stops the service, and not the verifications that run.
  const { signal: _, ...client } = await clientOptions(line, io)
  const tls = tlsFiles(values)
  const registries = values.registry ?? []
  const sharedCredentials = values['credentials-for'] ?? []
  for (const registry of [...registries, ...sharedCredentials]) checkRegistry(registry)
  const foreign = sharedCredentials.find((registry) => !registries.includes(registry))
  if (foreign !== undefined)
    throw invalid(`--credentials-for ${foreign}: not a registry of --registry`, `Add --registry ${foreign}, or leave it out.`)
  const metrics = values['metrics-listen']
  return openService({
    listen: { ...addressOf('listen', values.listen ?? DEFAULT_LISTEN), tls },
    metricsListen: metrics === undefined ? undefined : { ...addressOf('metrics-listen', metrics), tls },
    registries,
    sharedCredentials,
    passThrough: values['pass-through'] === true,
    client,
    version: packageVersion(),
    log: (entry) => io.out(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`),
  })
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

function tlsFiles(values: CommandLine['values']) {
  const [cert, key, clientCa] = [values['tls-cert'], values['tls-key'], values['client-ca']]
  if (cert !== undefined && key !== undefined) return { cert, key, clientCa }
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined
  throw invalid('--tls-cert and --tls-key belong together', 'Give both files, in PEM; --client-ca needs them too.')
}

/** `127.0.0.1:8443`, `[::1]:8443`, `localhost:0`. */
function addressOf(option: string, text: string): { host: string; port: number } {
  const [, six, name, digits = ''] = /^(?:\[([0-9a-f:]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text) ?? []
  const host = six ?? name
  if (host !== undefined && Number(digits) <= 65_535) return { host, port: Number(digits) }
  throw invalid(`--${option} takes HOST:PORT, got ${JSON.stringify(text)}`, `For example: --${option} 127.0.0.1:8443`)
}

function checkRegistry(text: string): void {
  if (/^(?:\[[0-9a-f:]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::[0-9]{1,5})?$/.test(text)) return
  throw invalid(
    `${JSON.stringify(text)} names no registry`,
    'Write it as in image references, in lower case: --registry docker.io, --registry registry.example:5000',
  )
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint })
}
