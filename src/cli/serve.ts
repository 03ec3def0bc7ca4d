/** `dct serve` */
import { UsageError } from '../errors.js'
import { openService } from '../service/run-service.js'
import { clientOptions } from './client-options.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { packageVersion } from './version.js'

const DEFAULT_LISTEN = '127.0.0.1:8443'

/** Runs until SIGTERM or Ctrl-C, and lets running requests end. The exit status. */
export async function serve(line: CommandLine, io: Io): Promise<number> {
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
  const service = await openService({
    listen: { ...addressOf('listen', values.listen ?? DEFAULT_LISTEN), tls },
    metricsListen: metrics === undefined ? undefined : { ...addressOf('metrics-listen', metrics), tls },
    registries,
    sharedCredentials,
    passThrough: values['pass-through'] === true,
    client,
    version: packageVersion(),
    log: (entry) => io.out(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`),
  })
  const scheme = tls === undefined ? 'http' : 'https'
  const at = service.metricsPort === undefined ? '' : `, metrics on port ${service.metricsPort}`
  if (values.quiet !== true) io.err(`dct: listening on ${scheme} port ${service.port}${at}\n`)
  const reload = (): void => void service.reload()
  process.on('SIGHUP', reload)
  await stopped(io.signal)
  if (values.quiet !== true) io.err('dct: stopping: running requests are answered first\n')
  await service.close()
  process.off('SIGHUP', reload)
  return EXIT.ok
}

async function stopped(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve)
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
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
