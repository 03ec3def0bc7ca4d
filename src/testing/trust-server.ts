/** A trust server on loopback: collections over https as Notary serves them, with a CA of its own and faults on demand. */
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

/** What is served, and what goes wrong. */
export interface TrustServerOptions {
  /** By their GUNs; whatever else is asked for is not there (404). */
  readonly collections?: readonly FileHolder[]
  /** By name of a file (see `Faults`); `token` is the token server. */
  readonly faults?: Readonly<Record<string, ServerFault>>
  /** Nothing is asked for when absent. */
  readonly auth?: ServerAuth
  /** The certificate it shows; `good` when absent. */
  readonly certificate?: ServerCertificate
  /** Free to choose when absent or 0. */
  readonly port?: number
  /** Where the folder of `env` is made; among the system's temporary files when absent. */
  readonly folder?: string
}

/** One request, before anything was decided about it. */
export interface ServedRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  /** The collection, when the path is that of a file. */
  readonly gun?: string
  /** `timestamp`, `2.root`, `targets.<hex>`, ...: as in the requests of a transport in process. */
  readonly file?: string
  /** The scheme of what was shown, in lower case; never the secret. */
  readonly authorization?: string
}

/** A server that runs until it is closed. */
export interface TestTrustServer extends AsyncDisposable {
  /** `https://localhost:<port>` */
  readonly url: string
  /** PEM of the CA to trust: option `ca`. */
  readonly ca: string
  /**
   * For option `env`, or to be spread into the environment of a child: content trust is on and asks this server, whose CA
   * and credentials are in a Docker configuration folder of its own, where the cache is kept too. The folder goes when
   * the server is closed.
   */
  readonly env: Readonly<Record<'DOCKER_CONTENT_TRUST' | 'DOCKER_CONTENT_TRUST_SERVER' | 'DOCKER_CONFIG', string>>
  /** In order, those to the token server too. */
  readonly requests: ServedRequest[]
  /** Open to be changed while it runs. `set` throws a TypeError for what is no fault. */
  readonly faults: Map<string, ServerFault>
  /** Ends all connections; to be called again is no mistake. */
  close(): Promise<void>
}

const FILE_PATH = /^\/v2\/(?<gun>.+)\/_trust\/tuf\/(?<file>.+)\.json$/
const JSON_TYPE = { 'content-type': 'application/json' }
const NOT_FOUND =
  '{"errors":[{"code":"METADATA_NOT_FOUND","message":"You have requested metadata that does not exist.","detail":null}]}'

/** Starts a server on 127.0.0.1. @throws TypeError for what is no fault */
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

/** Brackets of an IPv6 registry are encoded on the way. */
function decoded(gun: string): string {
  return gun.replaceAll('%5B', '[').replaceAll('%5D', ']')
}

/** `honest`: the file, or the answer of those who guard it. */
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

/** Half of what the header promises. */
function cutOff(response: ServerResponse, bytes: Uint8Array): void {
  response.writeHead(200, { ...JSON_TYPE, 'content-length': bytes.length })
  response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
}

/** A folder as Docker has it: the CA under the server's name, and the credentials. */
async function dockerConfigFor(place: string, url: string, ca: string, auth: ServerAuth | undefined): Promise<string> {
  const folder = await mkdtemp(join(place, 'dct-test-server-'))
  const tls = tlsFolder(folder, new URL(url).host)
  await mkdir(tls, { recursive: true })
  await writeFile(join(tls, 'ca.crt'), ca)
  await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: dockerAuths(auth, url) }))
  return folder
}
