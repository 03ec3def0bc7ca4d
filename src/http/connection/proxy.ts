/** Chooses the proxy from the environment, by the rules of Go's golang.org/x/net/http/httpproxy. */
import { UsageError } from '../../errors.js'
import { withoutBrackets } from '../server-address.js'
import { isException, isLoopback } from './no-proxy.js'

/** An HTTP proxy that supports CONNECT. */
export interface ProxyServer {
  readonly tls: boolean
  readonly hostname: string
  readonly port: number
  /** The value of Proxy-Authorization. */
  readonly authorization?: string
}

/** Environment variables. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for an https address, if any. HTTP_PROXY never applies, since this client sends https requests only.
 *
 * `localhost` and loopback addresses are never reached through a proxy.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the variable holds no http or https URL; the message does not hold its value
 */
export function proxyFor(hostname: string, port: number, env: ProxyEnvironment): ProxyServer | undefined {
  const variable = firstSet(env, 'HTTPS_PROXY', 'https_proxy')
  if (variable === undefined) return undefined
  const host = bareHost(hostname)
  if (isLoopback(host)) return undefined
  const exceptions = firstSet(env, 'NO_PROXY', 'no_proxy')?.value ?? ''
  if (isException(exceptions, host, port)) return undefined
  return parseProxy(variable.name, variable.value)
}

function firstSet(env: ProxyEnvironment, ...names: readonly string[]): { name: string; value: string } | undefined {
  for (const name of names) {
    const value = env[name]?.trim()
    if (value !== undefined && value !== '') return { name, value }
  }
  return undefined
}

function parseProxy(variable: string, value: string): ProxyServer {
  // Like Go, take `proxy:3128` as http.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (/^socks[0-9a-z]*:/i.test(text)) {
    throw new UsageError(
      'ERR_SETTINGS_INVALID',
      `${variable} is not the address of an http or https proxy: SOCKS is not supported`,
      {
        hint: `SOCKS proxies are not supported. Name an http proxy: export ${variable}=http://host:port`,
      },
    )
  }
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageError('ERR_SETTINGS_INVALID', `${variable} is not the address of an http or https proxy`, {
      hint: `Write ${variable} as http://host:port.`,
    })
  }
  const tls = url.protocol === 'https:'
  const proxy = { tls, hostname: bareHost(url.hostname), port: url.port === '' ? (tls ? 443 : 80) : Number(url.port) }
  if (url.username === '' && url.password === '') return proxy
  const secret = `${percentDecoded(url.username)}:${percentDecoded(url.password)}`
  return { ...proxy, authorization: `Basic ${Buffer.from(secret).toString('base64')}` }
}

/** Removes the brackets of an IPv6 address and the dot at the end of a full name. */
function bareHost(host: string): string {
  return withoutBrackets(host).replace(/\.$/, '').toLowerCase()
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    if (cause instanceof URIError) return text
    throw cause
  }
}
