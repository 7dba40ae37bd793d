/** Legacy systems that still know the passwords of pending users. The core decides when to ask; src/http/upstreams/ asks. */

export interface Upstream {
  url: string
  /** The contract whose original it is; undefined for a signed hook. */
  contract: string | undefined
}

/** Who signs in, by everything that the upstream may know them by. */
export interface UpstreamCredentials {
  userId: string
  /** As it was typed. */
  identifier: string
  email: string
  username: string | null
  matricule: number | null
  password: string
}

/** Why it is unknown whether the password is right. */
export type UpstreamFault = 'timeout' | 'unreachable' | 'unreadable' | `http_${number}`

export type UpstreamAnswer = 'match' | 'no_match' | UpstreamFault

export interface Upstreams {
  /** How long the upstream is not asked, after too many faults in a row: 0 where it may be asked now. */
  restSeconds(name: string): number
  ask(name: string, credentials: UpstreamCredentials): Promise<UpstreamAnswer>
  /** Asks about a user who does not exist. An upstream that works answers `no_match`. */
  probe(name: string): Promise<UpstreamAnswer>
}
