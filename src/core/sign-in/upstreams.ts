/**
 * Legacy systems that know the passwords of pending users. The core decides when to ask them; src/http/upstreams/ sends
 * the requests.
 */

export interface Upstream {
  url: string
  /** The contract whose original API the upstream is; undefined for a signed hook. */
  contract: string | undefined
}

/** The user who signs in, with every identifier that the upstream may know. */
export interface UpstreamCredentials {
  userId: string
  /** As the user typed it. */
  identifier: string
  email: string
  username: string | null
  matricule: number | null
  password: string
}

/** Why the upstream did not say whether the password is right. */
export type UpstreamFault = 'timeout' | 'unreachable' | 'unreadable' | `http_${number}`

export type UpstreamAnswer = 'match' | 'no_match' | UpstreamFault

export interface Upstreams {
  /** For how many seconds the upstream is not asked, after too many faults in a row; 0 if it may be asked now. */
  restSeconds(name: string): number
  ask(name: string, credentials: UpstreamCredentials): Promise<UpstreamAnswer>
  /** Asks about a user who does not exist. A working upstream answers `no_match`. */
  probe(name: string): Promise<UpstreamAnswer>
}
