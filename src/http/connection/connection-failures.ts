/** Connections that did not come about, and why. */
import { hostAndPort } from '../server-address.js'
import type { ProxyServer } from './proxy.js'

/** A connection that did not come about in time. */
export class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}

/** A proxy that did not let us through. */
export class ProxyFailure extends Error {
  readonly code: string
  /** `host:port` of the proxy. */
  readonly peer: string
  /** What it answered, if it did. */
  readonly status: number | undefined
  constructor(proxy: ProxyServer, reason: string, code: string, details: ErrorOptions & { status?: number | undefined } = {}) {
    const peer = hostAndPort(proxy.hostname, proxy.port)
    super(`proxy ${peer}: ${reason}`, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.peer = peer
    this.status = details.status
  }
}

/** The transport was closed under a request. */
export class TransportClosed extends Error {
  readonly code = 'ECANCELED'
  constructor() {
    super('the transport was closed')
  }
}
