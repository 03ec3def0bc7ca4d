/** Authentication at the test server: none, a password, or a token as registries use. */
import { createHash } from 'node:crypto'

/**
 * `basic`: name and password with every request. `token`: a bearer token for each collection, by the distribution
 * specification, from the same server under `/token`. With a name and password only for these, else for every client.
 */
export type ServerAuth =
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | { readonly type: 'token'; readonly username: string; readonly password: string }
  | { readonly type: 'token'; readonly username?: undefined; readonly password?: undefined }

/** The path of the token server. */
export const TOKEN_PATH = '/token'

/** An answer instead of a file, or one of the token server. */
export interface AuthAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const TOKEN_SECONDS = 300
const UNAUTHORIZED = '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}'

/** Undefined when the request is authorized; else the answer with the challenge. `url` is the URL of the server. */
export function refusalFor(
  auth: ServerAuth | undefined,
  url: string,
  gun: string,
  authorization: string | undefined,
): AuthAnswer | undefined {
  if (auth === undefined || authorization === headerFor(auth, url, gun)) return undefined
  const challenge =
    auth.type === 'basic'
      ? 'Basic realm="trust server"'
      : `Bearer realm="${url}${TOKEN_PATH}",service="${new URL(url).host}",scope="${scopeOf(gun)}"`
  return unauthorized({ 'www-authenticate': challenge })
}

/** The answer at `/token`: a token for the requested scope. */
export function tokenAnswer(auth: ServerAuth | undefined, url: string, path: string, authorization?: string): AuthAnswer {
  if (auth?.type !== 'token') return { status: 404, headers: {}, body: '' }
  const { searchParams: asked } = new URL(path, url)
  const [, gun] = /^repository:(.+):pull$/.exec(asked.get('scope') ?? '') ?? []
  if (gun === undefined || asked.get('service') !== new URL(url).host) return { status: 400, headers: {}, body: '' }
  if (auth.username !== undefined && authorization !== basic(auth)) return unauthorized({})
  const body = JSON.stringify({ token: tokenFor(url, gun), expires_in: TOKEN_SECONDS })
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

/** `auths` of Docker's config.json with the credentials of the server. */
export function dockerAuths(auth: ServerAuth | undefined, url: string): Record<string, { auth: string }> {
  if (auth?.username === undefined) return {}
  return { [new URL(url).host]: { auth: basic(auth).slice('Basic '.length) } }
}

function headerFor(auth: ServerAuth, url: string, gun: string): string {
  return auth.type === 'basic' ? basic(auth) : `Bearer ${tokenFor(url, gun)}`
}

function basic({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function tokenFor(url: string, gun: string): string {
  return createHash('sha256')
    .update(`${url} ${scopeOf(gun)}`)
    .digest('base64url')
}

function scopeOf(gun: string): string {
  return `repository:${gun}:pull`
}

function unauthorized(headers: Readonly<Record<string, string>>): AuthAnswer {
  return { status: 401, headers: { 'content-type': 'application/json', ...headers }, body: UNAUTHORIZED }
}
