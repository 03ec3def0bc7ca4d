/** Events of a transport. They never hold a secret: no header, no body, and no query of a token server's address. */

/** How the client authenticates. */
export type AuthMethod = 'bearer-anonymous' | 'bearer-credentials' | 'identity-token' | 'basic'

/** An event of a transport. */
export type TransportEvent =
  /** The client requests a file. */
  | { readonly type: 'request'; readonly url: string }
  /** The server answered, with any status; `bytes` is the length of the body that the client keeps. */
  | {
      readonly type: 'response'
      readonly url: string
      readonly status: number
      readonly bytes: number
      readonly milliseconds: number
    }
  /** The client repeats a request after `delayMs`; `attempt` is the number of the next one. */
  | { readonly type: 'retry'; readonly url: string; readonly attempt: number; readonly delayMs: number; readonly reason: string }
  /** The client asks `realm` for a token, or sends it credentials. `realm` is the address without its query. */
  | { readonly type: 'auth'; readonly realm: string; readonly method: AuthMethod }
