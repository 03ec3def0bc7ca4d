/** undici, as far as it is used: one agent with our connections and limits. */
import type { Agent } from 'undici'
import type { Connector } from './connection/connector.js'

/** An agent, and how to ask with it. */
export interface Undici {
  readonly agent: Agent
  readonly request: Agent['request']
}

/** Connections to one host at a time: enough for all that one refresh asks, too few to be a flood. */
export const MAX_CONNECTIONS_PER_HOST = 6

/** Bytes of headers: stops endless data there. */
const MAX_HEADER_BYTES: number = 32 * 1024

/** An idle connection is closed after this, in milliseconds; it never keeps the process alive (undici unrefs it). */
const KEEP_ALIVE_MS = 4_000

/** Loads it; not the whole of it: its fetch, caches and mocks would take twice as long again. `bodyTimeout` in ms. */
export async function loadUndici({ connect }: Connector, bodyTimeout: number): Promise<Undici> {
  const [{ default: Agent }, { default: request }] = await Promise.all([
    import('undici/lib/dispatcher/agent.js'),
    import('undici/lib/api/api-request.js'),
  ])
  const agent = new Agent({
    connect,
    connections: MAX_CONNECTIONS_PER_HOST,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    bodyTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  })
  return { agent, request: request.bind(agent) }
}
