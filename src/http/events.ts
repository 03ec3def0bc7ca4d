/** What a transport tells while it works. Never a secret: no header, no body, and no query of a token server's address. */

/** How somebody proved to be somebody, or nobody in particular. */
export type AuthMethod = 'bearer-anonymous' | 'bearer-credentials' | 'identity-token' | 'basic'

/** What a transport tells. */
export type TransportEvent =
  /** A file is asked for. */
  | { readonly type: 'request'; readonly url: string }
  /** The answer to it, whatever its status; `bytes` of the body that are kept. */
  | {
      readonly type: 'response'
      readonly url: string
      readonly status: number
      readonly bytes: number
      readonly milliseconds: number
    }
  /** The request before it is sent once more after `delayMs`; `attempt` is the number of the one to come. */
  | { readonly type: 'retry'; readonly url: string; readonly attempt: number; readonly delayMs: number; readonly reason: string }
  /** A token is asked of `realm`, or credentials are about to be shown to it: the address without its query. */
  | { readonly type: 'auth'; readonly realm: string; readonly method: AuthMethod }
