/** Starts the service from its configuration, and runs it until it is told to stop. */
import { stat } from 'node:fs/promises'
import type { TrustEvent } from '../client/events.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { describeCause, printable, TrustError } from '../errors.js'
import { CONNECTIONS } from '../http/connections.js'
import { createRegistryClient } from '../registry/registry-client.js'
import { AllowedContent } from './allowed-content.js'
import { CollectionsInUse } from './collections-in-use.js'
import type { LogLine } from './decision-log.js'
import type { ListenerOptions } from './listener.js'
import { ManifestCache } from './manifest-cache.js'
import { type QueueLimits, RequestQueue } from './queue.js'
import { Resolver } from './resolver.js'
import { Routes } from './routes.js'
import { BLOBS_AT_ONCE, QUEUE, type Service, startService } from './service.js'
import { ServiceMetrics } from './service-metrics.js'
import { watchedFiles } from './service-settings.js'
import { Verifier } from './verifier.js'

/** The configuration of a service. */
export interface ServiceConfiguration {
  readonly listen: Omit<ListenerOptions, 'onReloadFailure'>
  readonly metricsListen?: Omit<ListenerOptions, 'onReloadFailure'> | undefined
  /** Registries that tags are resolved for. */
  readonly registries: readonly string[]
  /** Those of them that every client may use the service's own credentials at. */
  readonly sharedCredentials: readonly string[]
  /** Clients fetch what has a digest through the service too. */
  readonly passThrough?: boolean
  /** With the policy, which must have a default, and the lockfile. */
  readonly client: TrustClientOptions
  readonly version: string
  /** For tests: milliseconds in place of WATCH_MS. */
  readonly watchMs?: number
  /** For tests: other queues. */
  readonly queue?: Partial<QueueLimits>
  readonly log: (line: LogLine) => void
}

/** Milliseconds between two looks at the files of policy and lock. */
const WATCH_MS = 5_000

/** Starts the service. @throws UsageError ERR_SETTINGS_INVALID */
export async function openService(configuration: ServiceConfiguration): Promise<Service> {
  const { version, log } = configuration
  const [registries, sharedCredentials] = [new Set(configuration.registries), new Set(configuration.sharedCredentials)]
  const limits = { ...QUEUE, ...configuration.queue }
  const [manifests, lists] = [new RequestQueue(limits), new RequestQueue(limits)]
  const cache = new ManifestCache()
  const metrics = new ServiceMetrics({
    version,
    inflight: () => manifests.running + lists.running,
    cache,
    expiries: () => inUse.expiries(),
  })
  const { onEvent } = configuration.client
  const tell = (event: TrustEvent): void => {
    metrics.onEvent(event)
    onEvent?.(event)
  }
  const client = { ...configuration.client, onEvent: tell }
  // The state is taken before the files are read, so that no change is missed.
  const known = await statesOf(watchedFiles(client))
  const verifier = await Verifier.open({ client, registries })
  const watched = (): string[] => watchedFiles(client, verifier.settings)
  const found = new Map([...(await statesOf(watched())), ...known])
  const { dockerConfig, env, ca, credentials, now } = verifier.settings
  const inUse = new CollectionsInUse({
    inspect: (reference) => verifier.inspect(reference),
    now,
    onFailure: (collection, cause) => {
      const code = cause instanceof TrustError ? cause.code : 'fault'
      metrics.refreshFailed(code)
      log({ event: 'refresh-failed', collection, code, message: printable(describeCause(cause)) })
    },
  })
  metrics.policyRead(Date.now())
  const connections = BLOBS_AT_ONCE + CONNECTIONS
  const asked = { dockerConfig, env, ca, onEvent: tell, connections }
  // The client certificates of `tls/<registry>/` are credentials of the service too.
  const anonymous = createRegistryClient({ ...asked, clientCertificates: false })
  const withCredentials = createRegistryClient({ ...asked, credentials })
  const content = configuration.passThrough === true ? new AllowedContent() : undefined
  const resolver = new Resolver({ verifier, registries, anonymous, withCredentials, cache, content })
  const onVerdict = inUse.note.bind(inUse)
  const routes = new Routes({ verifier, resolver, sharedCredentials, metrics, log, onVerdict })
  const closeAll = async (): Promise<void> => {
    inUse.stop()
    await Promise.all([verifier.close(), anonymous.close(), withCredentials.close()])
  }
  const service = await startService({ ...configuration, routes, manifests, lists, metrics }).catch(async (cause: unknown) => {
    await closeAll()
    throw cause
  })
  const reloader = watchFiles(watched, found, configuration.watchMs ?? WATCH_MS, async () => {
    try {
      await verifier.reload(() => content?.clear())
      metrics.policyRead(Date.now())
      log({ event: 'reloaded', what: 'policy' })
    } catch (cause) {
      metrics.reloadFailed('policy')
      log({ event: 'reload-failed', what: 'policy', message: printable(describeCause(cause)) })
    }
  })
  return {
    ...service,
    reload: async () => void (await Promise.all([reloader.reload(), service.reload()])),
    close: async () => {
      reloader.stop()
      await service.close()
      await closeAll()
    },
  }
}

type States = ReadonlyMap<string, string>

/** Calls `reload` when one of the files changes, one call after the other. `known`: their state before they were read first. */
function watchFiles(files: () => readonly string[], known: States, everyMs: number, reload: () => Promise<void>) {
  let last = known
  let running = Promise.resolve()
  const look = async (isAsked: boolean): Promise<void> => {
    // The state is taken first: a change while the files are read is seen by the next look.
    const found = await statesOf(files())
    const isChanged = [...found].some(([file, state]) => last.get(file) !== state)
    if (!isChanged && !isAsked) return
    await reload()
    // The new policy may name other files.
    last = new Map([...(await statesOf(files())), ...found])
  }
  const next = (isAsked: boolean): Promise<void> => {
    running = running.then(() => look(isAsked))
    return running
  }
  const timer = setInterval(() => void next(false), everyMs).unref()
  return { reload: () => next(true), stop: () => clearInterval(timer) }
}

/** Changes with the files. */
async function statesOf(files: readonly string[]): Promise<States> {
  const states = files.map(async (file): Promise<[string, string]> => {
    const found = await stat(file).catch(() => undefined) // the reload says why one cannot be read
    return [file, found === undefined ? 'missing' : `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`]
  })
  return new Map(await Promise.all(states))
}
