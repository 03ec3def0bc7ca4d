/** Decides which redirects are followed. */

/** Redirects in a row: stops a loop. */
export const MAX_REDIRECTS = 3

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** A redirect that is not followed. */
export class RedirectRefused extends Error {
  readonly status: number
  constructor(status: number, reason: string) {
    super(reason)
    this.status = status
  }
}

/** The URL that an answer redirects to; undefined when it is no redirect. @throws RedirectRefused */
export function nextLocation(
  { url, method }: { readonly url: URL; readonly method: string },
  { status, header }: { readonly status: number; readonly header: (name: string) => readonly string[] },
  redirects: number,
): URL | undefined {
  if (!REDIRECTS.has(status)) return undefined
  const [location] = header('location')
  const refused = (reason: string): RedirectRefused => new RedirectRefused(status, reason)
  if (method === 'POST') throw refused('a redirect of a POST is not followed')
  if (redirects >= MAX_REDIRECTS) throw refused(`more than ${MAX_REDIRECTS} redirects in a row`)
  if (location === undefined || !URL.canParse(location, url.href)) throw refused('the redirect names no usable address')
  const next = new URL(location, url)
  if (next.protocol !== 'https:') throw refused(`the redirect leads away from https, to ${next.protocol}//${next.host}`)
  if (next.username !== '' || next.password !== '') throw refused(`the redirect to ${next.host} carries credentials`)
  return next
}
