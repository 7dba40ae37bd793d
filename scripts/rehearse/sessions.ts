/** The caller of a recorded request, and the credential that replaces the recorded one. */
import type { Rehearsal } from '../../src/http/contract/rehearsal.ts'
import type { Bindings } from './bindings.ts'
import { headerOf, type Entry, type Header, type ReceivedResponse, toAnswer } from './messages.ts'

export type Principal = { identifier: string; password: string } | { api_key: string }

export interface Session {
  header: Header
  /** The recorded identifier of the user, if a response shows it. */
  caller?: string | undefined
  principal?: Principal | undefined
  /** Milliseconds of a monotonic clock. */
  endsAt: number
}

/** Ends the rehearsal with an error message. */
export class CannotRehearse extends Error {}

interface Options {
  rules: Rehearsal
  bindings: Bindings
  /** The credentials of every user who is not in `principals`. */
  operator: Principal | undefined
  /** By lower-case recorded identifier. */
  principals: ReadonlyMap<string, Principal>
  /** Whether any request of the recording has a credential. Browsers omit credentials from exports. */
  recordingHasCredentials: boolean
  signIn: (identifier: string, password: string) => Promise<ReceivedResponse>
  now: () => number
}

/** Replaces a recorded credential that Usher never issued. */
const unknownToken = 'a-credential-of-the-recording'

export class Sessions {
  readonly #options: Options
  /** By recorded token or cookie. */
  readonly #issued = new Map<string, Session>()
  readonly #own = new Map<Principal, Session>()
  /** The session of the last sign-in, for recordings without credentials. */
  #current: Session | undefined
  #hasSignedIn = false

  constructor(options: Options) {
    this.#options = options
  }

  /** Returns the recorded credential of a request. */
  recordedCredential({ request: { headers } }: Entry): string | undefined {
    const authorization = headerOf(headers, 'authorization')
    if (authorization !== undefined) return authorization.replace(/^\w+\s+/, '')
    const cookies = (headerOf(headers, 'cookie') ?? '').split(/;\s*/).map((pair) => pair.split(/=(.*)/))
    const { cookies: names = [] } = this.#options.rules.signIn
    return cookies.find(([name]) => names.includes(name as string))?.[1]
  }

  principalOf(identifier: string): Principal | undefined {
    return this.#options.principals.get(identifier.trim().toLowerCase())
  }

  /** Returns the session for a recorded request; undefined for a request without a session. */
  async sessionFor(entry: Entry): Promise<Session | undefined> {
    const recorded = this.recordedCredential(entry)
    const refused = isRefusal(entry)
    if (recorded === undefined) {
      if (this.#options.recordingHasCredentials) return undefined
      if (this.#hasSignedIn) return this.#current
      return refused ? undefined : this.#ownSession(this.#options.operator ?? this.#onlyPrincipal(), entry)
    }
    const issued = this.#issued.get(recorded)
    if (issued) return issued
    const bound = this.#options.bindings.reboundValue(recorded)
    if (bound !== recorded) return { header: this.#bearer(bound), endsAt: Infinity }
    if (refused) return { header: this.#headerOf(unknownToken, entry), endsAt: Infinity }
    const principal = this.#principalOfToken(recorded) ?? this.#options.operator ?? this.#onlyPrincipal()
    if (principal === undefined && this.#current) return this.#current
    return this.#ownSession(principal, entry)
  }

  /** Signs in once for each principal. */
  async #ownSession(principal: Principal | undefined, { index }: Pick<Entry, 'index'>): Promise<Session> {
    if (!principal) {
      throw new CannotRehearse(
        `Entry ${index} was made on a session that the recording does not start: set USHER_IDENTIFIER and USHER_PASSWORD, or give --principals.`,
      )
    }
    const known = this.#own.get(principal)
    if (known) return known
    const session = await this.#signInAs(principal)
    this.#own.set(principal, session)
    return session
  }

  /** Throws an error message if Usher refuses these credentials. */
  async check(principal: Principal): Promise<void> {
    await this.#ownSession(principal, { index: 0 })
  }

  async #signInAs(principal: Principal): Promise<Session> {
    if ('api_key' in principal) return { header: this.#bearer(principal.api_key), principal, endsAt: Infinity }
    const response = await this.#options.signIn(principal.identifier, principal.password)
    const session = this.#sessionIn(response)
    if (!session) {
      throw new CannotRehearse(`Usher refused to sign in ${principal.identifier}: it answered ${response.status}.`)
    }
    return { ...session, principal }
  }

  /** Signs in again if a session of the rehearsal has ended. Returns false if it has not. */
  async renew(session: Session): Promise<boolean> {
    const { principal } = session
    if (!principal || 'api_key' in principal || this.#options.now() < session.endsAt) return false
    const { header, endsAt } = await this.#signInAs(principal)
    Object.assign(session, { header, endsAt })
    return true
  }

  /** Learns the recorded name of this session after a recorded sign-in was replayed. */
  remember(
    entry: Entry,
    received: ReceivedResponse,
    who: { principal?: Principal | undefined; caller?: string | undefined },
  ): void {
    const session = this.#sessionIn(received)
    if (!session) return
    Object.assign(session, who)
    for (const token of this.#tokensIn(entry.response)) this.#issued.set(token, session)
    this.#current = session
    this.#hasSignedIn = true
  }

  /** A recorded sign-in of a user who has an API key here. */
  rememberKey(entry: Entry, principal: Principal): void {
    if (!('api_key' in principal)) return
    const session = { header: this.#bearer(principal.api_key), principal, endsAt: Infinity }
    for (const token of this.#tokensIn(entry.response)) this.#issued.set(token, session)
    this.#current = session
    this.#hasSignedIn = true
  }

  /** After a recorded sign-out, the session is forgotten. */
  forget(): void {
    this.#current = undefined
    this.#hasSignedIn = true
  }

  #tokensIn(response: Entry['response'] | ReceivedResponse): string[] {
    const { token, cookies = [] } = this.#options.rules.signIn
    const { json, cookies: set } = toAnswer(response)
    const inJson =
      token && typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[token] : undefined
    const inCookies = set
      .map((cookie) => cookie.split(';')[0]?.split(/=(.*)/) ?? [])
      .filter(([name]) => cookies.includes(name as string))
      .map(([, value]) => value as string)
    return [...(typeof inJson === 'string' ? [inJson] : []), ...inCookies].filter((value) => value !== '')
  }

  #sessionIn(response: ReceivedResponse): Session | undefined {
    const [token] = this.#tokensIn(response)
    if (token === undefined) return undefined
    const { cookies = [] } = this.#options.rules.signIn
    const cookie = toAnswer(response).cookies.find((one) => cookies.some((name) => one.startsWith(`${name}=`)))
    const header: Header = cookie ? ['cookie', cookie.split(';')[0] as string] : this.#bearer(token)
    const seconds = cookie ? Infinity : secondsOf(token)
    return { header, endsAt: this.#options.now() + seconds * 1000 }
  }

  #bearer = (token: string): Header => ['authorization', `Bearer ${token}`]

  #headerOf(token: string, { request: { headers } }: Entry): Header {
    const [cookie] = this.#options.rules.signIn.cookies ?? []
    const isBearer = headerOf(headers, 'authorization') !== undefined
    return isBearer || cookie === undefined ? this.#bearer(token) : ['cookie', `${cookie}=${token}`]
  }

  #onlyPrincipal(): Principal | undefined {
    const { principals } = this.#options
    return principals.size === 1 ? [...principals.values()][0] : undefined
  }

  /** A recorded token may name its user. An API key may itself be one of the principals. */
  #principalOfToken(token: string): Principal | undefined {
    const claims = claimsOf(token)
    const names = [
      token,
      claims['email'],
      claims['username'],
      claims['preferred_username'],
      claims['sub'],
      claims['user_id'],
    ]
    return names
      .map((name) => (name == null ? undefined : this.principalOf(String(name))))
      .find((one) => one !== undefined)
  }
}

function claimsOf(token: string): Record<string, unknown> {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    return Object(JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (each) => each.charCodeAt(0)))))
  } catch {
    return {}
  }
}

/** The lifetime of a token of Usher, minus the duration of a request. */
function secondsOf(token: string): number {
  const { exp, iat } = claimsOf(token)
  return typeof exp === 'number' && typeof iat === 'number' ? exp - iat - 5 : Infinity
}

/** Whether the original required a sign-in: by a 401, or by a redirect to its login page. */
export function isRefusal({ response }: Pick<Entry, 'response'>): boolean {
  const location = headerOf(response.headers, 'location') ?? ''
  return (
    response.status === 401 ||
    ([301, 302, 303, 307].includes(response.status) && /login|signin|sign-in/i.test(location))
  )
}
