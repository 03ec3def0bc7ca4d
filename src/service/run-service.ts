/** Starts the service from its configuration, and runs it until it is told to stop. */
import { stat } from 'node:fs/promises'
import type { TrustClientOptions } from '../client/settings/options.js'
import { readSettings } from '../client/settings/settings.js'
import { describeCause, printable } from '../errors.js'
import { createRegistryClient } from '../registry/registry-client.js'
import type { ListenerOptions } from './listener.js'
import { ManifestCache } from './manifest-cache.js'
import { openPolicyFile, type PolicyFile } from './policy-file.js'
import { Resolver } from './resolver.js'
import { createQueue, type LogLine, type Service, startService } from './service.js'
import { ServiceMetrics } from './service-metrics.js'
import { Verifier } from './verifier.js'

/** The configuration of a service. */
export interface ServiceConfiguration {
  readonly listen: Omit<ListenerOptions, 'onReloadFailure'>
  readonly metricsListen?: Omit<ListenerOptions, 'onReloadFailure'> | undefined
  readonly policy: string
  /** Registries that tags are resolved for. */
  readonly registries: readonly string[]
  /** Those of them that every client may use the service's own credentials at. */
  readonly sharedCredentials: readonly string[]
  readonly client: TrustClientOptions
  readonly version: string
  readonly log: (line: LogLine) => void
}

/** Milliseconds between two looks at the policy file. */
const POLICY_RELOAD_MS = 5_000

/** Starts the service. @throws UsageError ERR_SETTINGS_INVALID */
export async function openService(configuration: ServiceConfiguration): Promise<Service> {
  const { policy: file, version, log } = configuration
  const queue = createQueue()
  const metrics = new ServiceMetrics(version, () => queue.running)
  const policy = await openPolicyFile(file, configuration.client)
  const client = { ...configuration.client, onEvent: metrics.onEvent }
  // Reads config.json now: the service does not start with one that it cannot read.
  const { dockerConfig, env, ca, credentials } = await readSettings(client, 'command')
  const registries = new Set(configuration.registries)
  const asked = { dockerConfig, env, ca, onEvent: metrics.onEvent }
  const anonymous = createRegistryClient(asked)
  const withCredentials = createRegistryClient({ ...asked, credentials })
  const verifier = new Verifier({ client, rules: policy.rules, registries })
  const sharedCredentials = new Set(configuration.sharedCredentials)
  const cache = new ManifestCache()
  const resolver = new Resolver({ verifier, registries, sharedCredentials, anonymous, withCredentials, cache })
  const service = await startService({ ...configuration, verifier, resolver, metrics, queue })
  const reloader = watchPolicy(policy, file, (cause) => {
    metrics.reloadFailed('policy')
    log({ event: 'reload-failed', what: 'policy', message: printable(describeCause(cause)) })
  })
  return {
    ...service,
    reload: async () => void (await Promise.all([reloader.reload(), service.reload()])),
    close: async () => {
      reloader.stop()
      await service.close()
      await Promise.all([verifier.close(), anonymous.close(), withCredentials.close()])
    },
  }
}

/** Reads the policy again when its file changes. A broken one leaves the old in use. */
function watchPolicy(policy: PolicyFile, file: string, onFailure: (cause: unknown) => void) {
  const reload = (): Promise<void> => policy.reload().catch(onFailure)
  const look = async (): Promise<void> => {
    const found = await stateOf(file)
    if (found === known) return
    known = found
    await reload()
  }
  let known: string | undefined
  void stateOf(file).then((found) => {
    known = found
  })
  const timer = setInterval(() => void look(), POLICY_RELOAD_MS).unref()
  return { reload, stop: () => clearInterval(timer) }
}

/** Changes with the file. */
async function stateOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined) // the reload says why it cannot be read
  return found === undefined ? 'missing' : `${found.ino} ${found.size} ${found.mtimeMs}`
}
