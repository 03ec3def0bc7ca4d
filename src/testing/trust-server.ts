/** A trust server on loopback: serves collections over https as Notary does, with its own CA and with faults on demand. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tlsFolder } from '../http/tls/tls-folder.js'
import { FAULT_BODIES, FAULT_STATUS, type Fault, FaultMap, type FileHolder, faultFor, SERVER_FAULTS } from './faults.js'
import { loopbackCertificate, type ServerCertificate } from './loopback-certificate.js'
import { type AuthAnswer, dockerAuths, refusalFor, type ServerAuth, TOKEN_PATH, tokenAnswer } from './server-auth.js'

/** A fault that a server over https can have for one file. */
export type ServerFault = Exclude<Fault, 'tls'>

/** The collections and faults of a server. */
export interface TrustServerOptions {
  /** The collections. A request for another GUN gets 404. */
  readonly collections?: readonly FileHolder[]
  /** By name of a file (see `Faults`); `token` is the token server. */
  readonly faults?: Readonly<Record<string, ServerFault>>
  /** No authentication when absent. */
  readonly auth?: ServerAuth
  /** The certificate of the server; `good` when absent. */
  readonly certificate?: ServerCertificate
  /** A free port when absent or 0. */
  readonly port?: number
  /** The parent of the folder in `env`; the system's folder for temporary files when absent. */
  readonly folder?: string
}

/** A request that the server received. */
export interface ServedRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  /** The collection, when the path is that of a file. */
  readonly gun?: string
  /** `timestamp`, `2.root`, `targets.<hex>`, ...: as in the requests of a simulated transport. */
  readonly file?: string
  /** The scheme of the Authorization header, in lower case; never the secret. */
  readonly authorization?: string
}

/** A server that runs until it is closed. */
export interface TestTrustServer extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly url: string
  /** PEM of the CA to trust: option `ca`. */
  readonly ca: string
  /**
   * For option `env`, or for the environment of a child process: turns content trust on, names this server, and names a Docker
   * configuration folder with its CA and credentials, where the cache is kept too. `close` removes the folder.
   */
  readonly env: Readonly<Record<'DOCKER_CONTENT_TRUST' | 'DOCKER_CONTENT_TRUST_SERVER' | 'DOCKER_CONFIG', string>>
  /** All requests in order, also those to the token server. */
  readonly requests: ServedRequest[]
  /** Can be changed while the server runs. `set` throws a TypeError for an unknown fault. */
  readonly faults: Map<string, ServerFault>
  /** Closes the server and all connections. It may be called more than once. */
  close(): Promise<void>
}

const FILE_PATH = /^\/v2\/(?<gun>.+)\/_trust\/tuf\/(?<file>.+)\.json$/
const JSON_TYPE = { 'content-type': 'application/json' }
const NOT_FOUND =
  '{"errors":[{"code":"METADATA_NOT_FOUND","message":"You have requested metadata that does not exist.","detail":null}]}'

/** Starts a server on 127.0.0.1. @throws TypeError for an unknown fault */
export async function startTrustServer(options: TrustServerOptions = {}): Promise<TestTrustServer> {
  const { collections = [], faults = {}, auth, certificate, port = 0, folder: place = tmpdir() } = options
  const guns = new Map(collections.map((collection) => [collection.gun, collection]))
  const active = new FaultMap<ServerFault>(faults, SERVER_FAULTS)
  const requests: ServedRequest[] = []
  const sockets = new Set<Socket>()
  const { ca, key, cert } = loopbackCertificate(certificate)
  const server = createServer({ key, cert }, (request, response) => {
    const seen = seenRequest(request)
    requests.push(seen)
    const { authorization } = request.headers
    const isToken = seen.path.split('?', 1)[0] === TOKEN_PATH
    if (isToken) return serve(response, active.get('token'), tokenAnswer(auth, url, seen.path, authorization))
    const { gun = '', file = '' } = seen
    const refusal = refusalFor(auth, url, gun, authorization)
    if (refusal !== undefined) return serve(response, undefined, refusal)
    serve(response, faultFor(active, file), guns.get(gun)?.served(file))
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  const address = server.address()
  const url = `https://localhost:${typeof address === 'object' && address !== null ? address.port : port}`
  const folder = await dockerConfigFor(place, url, ca, auth)
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
    await rm(folder, { recursive: true, force: true })
  }
  const env = { DOCKER_CONTENT_TRUST: '1', DOCKER_CONTENT_TRUST_SERVER: url, DOCKER_CONFIG: folder }
  return { url, ca, env, requests, faults: active, close, [Symbol.asyncDispose]: close }
}

function seenRequest({ method = '', url: path = '', headers }: IncomingMessage): ServedRequest {
  const { gun, file } = FILE_PATH.exec(path)?.groups ?? {}
  const scheme = headers.authorization?.split(' ', 1)[0]?.toLowerCase()
  return {
    method,
    path,
    ...(gun === undefined || file === undefined ? {} : { gun: decoded(gun), file }),
    ...(scheme === undefined ? {} : { authorization: scheme }),
  }
}

/** Decodes the brackets of an IPv6 registry, which clients encode. */
function decoded(gun: string): string {
  return gun.replaceAll('%5B', '[').replaceAll('%5D', ']')
}

/** Sends the honest answer (a file, or an answer about authentication) or the fault. */
function serve(response: ServerResponse, fault: ServerFault | undefined, honest: Uint8Array | AuthAnswer | undefined): void {
  if (fault === 'silent') return
  if (fault === 'unreachable') return void response.destroy()
  if (fault === undefined && honest !== undefined && 'status' in honest)
    return void response.writeHead(honest.status, honest.headers).end(honest.body)
  const bytes = honest !== undefined && 'status' in honest ? Buffer.from(honest.body) : honest
  if (fault === 'cut-off') return void cutOff(response, bytes ?? Buffer.from(NOT_FOUND))
  if (fault === 'bad-encoding') return void response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'br' }).end(bytes)
  if (typeof fault === 'string') {
    const status = FAULT_STATUS[fault]
    if (status !== undefined) return void response.writeHead(status).end()
  }
  Promise.resolve(bodyOf(fault, bytes)).then(
    (body) => response.writeHead(body === undefined ? 404 : 200, JSON_TYPE).end(body ?? NOT_FOUND),
    (cause: unknown) => response.writeHead(500).end(String(cause)),
  )
}

function bodyOf(
  fault: ServerFault | undefined,
  honest: Uint8Array | undefined,
): Uint8Array | undefined | Promise<Uint8Array | undefined> {
  if (typeof fault === 'function') return fault(honest)
  if (fault instanceof Uint8Array) return fault
  return fault === undefined ? honest : FAULT_BODIES[fault]
}

/** Sends half of the announced body, and closes the connection. */
function cutOff(response: ServerResponse, bytes: Uint8Array): void {
  response.writeHead(200, { ...JSON_TYPE, 'content-length': bytes.length })
  response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
}

/** Makes a Docker configuration folder with the CA of the server and its credentials. */
async function dockerConfigFor(place: string, url: string, ca: string, auth: ServerAuth | undefined): Promise<string> {
  const folder = await mkdtemp(join(place, 'dct-test-server-'))
  const tls = tlsFolder(folder, new URL(url).host)
  await mkdir(tls, { recursive: true })
  await writeFile(join(tls, 'ca.crt'), ca)
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: dockerAuths(auth, url) }))
  return folder
}
