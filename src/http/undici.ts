/** Loads undici and makes an agent with our connector and limits. */
import type { Agent } from 'undici'
import type { Connector } from './connection/connector.js'

/** An agent, and undici's `request` bound to it. */
export interface Undici {
  readonly agent: Agent
  readonly request: Agent['request']
}

/** Connections to one host at a time: enough for the requests of one refresh, too few to flood a server. */
export const MAX_CONNECTIONS_PER_HOST = 6

/** Bytes of all headers of an answer: stops endless data in them. */
const MAX_HEADER_BYTES: number = 32 * 1024

/** Milliseconds until an idle connection is closed. It does not keep the process alive (undici unrefs it). */
const KEEP_ALIVE_MS = 4_000

/** Loads two modules of undici: its fetch, caches and mocks would triple the time. `bodyTimeout` in ms. */
export async function loadUndici(
  { connect }: Connector,
  bodyTimeout: number,
  connections: number = MAX_CONNECTIONS_PER_HOST,
): Promise<Undici> {
  const [{ default: Agent }, { default: request }] = await Promise.all([
    import('undici/lib/dispatcher/agent.js'),
    import('undici/lib/api/api-request.js'),
  ])
  const agent = new Agent({
    connect,
    connections,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    bodyTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  })
  return { agent, request: request.bind(agent) }
}
