/** Why a connection could not be opened. */
import { hostAndPort } from '../server-address.js'
import type { ProxyServer } from './proxy.js'

/** Connecting took longer than the deadline allows. */
export class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}

/** A proxy did not open a tunnel. */
export class ProxyFailure extends Error {
  readonly code: string
  /** `host:port` of the proxy. */
  readonly peer: string
  /** The status of its answer, if it answered. */
  readonly status: number | undefined
  constructor(proxy: ProxyServer, reason: string, code: string, details: ErrorOptions & { status?: number | undefined } = {}) {
    const peer = hostAndPort(proxy.hostname, proxy.port)
    super(`proxy ${peer}: ${reason}`, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.peer = peer
    this.status = details.status
  }
}

/** The transport was closed while a request ran. */
export class TransportClosed extends Error {
  readonly code = 'ECANCELED'
  constructor() {
    super('the transport was closed')
  }
}
