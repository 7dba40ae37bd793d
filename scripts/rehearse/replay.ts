/**
 * Replays a recording, entry by entry, and reports for each whether Usher’s response is the same. It does no I/O
 * itself: the caller passes `send`.
 */
import type { Answer, Deviation, Difference, Exchange, Rehearsal } from '../../src/http/contract/rehearsal.ts'
import { Bindings } from './bindings.ts'
import { compare, formOf, type Comparison } from './comparison.ts'
import { Consequences, type Subjects } from './consequences.ts'
import {
  fieldsOf,
  headerOf,
  headersToSend,
  toAnswer,
  type Entry,
  type Header,
  type ReceivedResponse,
  type SentRequest,
} from './messages.ts'
import { matcherOf, patternOf, type Match, type Operation } from './operations.ts'
import { CannotRehearse, Sessions, type Principal, type Session } from './sessions.ts'

export interface ReplayOptions {
  contract: string
  rules: Rehearsal
  deviations: readonly Deviation[]
  operations: readonly Operation[]
  /** The base path of the contract in Usher. */
  base: string
  /** The origin of Usher, for the `Origin` of requests. */
  origin: string
  writes: boolean
  strip?: string | undefined
  host?: string | undefined
  operator?: Principal | undefined
  principals?: ReadonlyMap<string, Principal> | undefined
  send: (request: SentRequest) => Promise<ReceivedResponse>
  wait: (seconds: number, reason: string) => Promise<void>
  /** Milliseconds of a monotonic clock. */
  now: () => number
}

export type Verdict = 'same' | 'listed' | 'difference' | 'skipped' | 'other'

export interface Outcome {
  verdict: Verdict
  index: number
  /** An operationId, or the method and the path without identifiers. */
  operation: string
  /** The reason why the entry was skipped, or is not part of the contract. */
  reason?: string
  /** The original answered the request, but the contract does not serve it. */
  isWork?: boolean
  differences: readonly Difference[]
  listed: readonly { difference: Difference; reasons: ReadonlySet<string> }[]
  /** The response was recorded without its body. */
  withoutBody?: boolean
}

/** Facts about the whole recording that are needed before its first entry is replayed. */
export class Survey {
  entries = 0
  /** The number of entries that the contract serves. */
  served = 0
  hasCredentials = false
  hasCookies = false
  /** The first sign-in whose password was not recorded. */
  withoutPassword: number | undefined
  /** The lower-case identifiers of successful sign-ins; false if the recording itself creates the user. */
  readonly signIns = new Map<string, boolean>()
  hosts = new Set<string>()
  readonly #replay: Replay
  readonly #written = new Set<string>()

  constructor(replay: Replay) {
    this.#replay = replay
  }

  add(entry: Entry): void {
    this.entries += 1
    const match = this.#replay.matchOf(entry)
    if (!match) return
    this.served += 1
    if (entry.host !== undefined) this.hosts.add(entry.host)
    const { rules } = this.#replay.options
    if (headerOf(entry.response.headers, 'set-cookie') !== undefined) this.hasCookies = true
    if (this.#replay.sessions.recordedCredential(entry) !== undefined) this.hasCredentials = true
    const fields = requestFields(entry)
    const operation = match.operation?.operationId ?? ''
    if (operation === rules.signIn.operation) {
      const identifier = String(fields[rules.signIn.identifier] ?? '')
        .trim()
        .toLowerCase()
      const succeeded = rules.succeeded(toAnswer(entry.response))
      if (succeeded && identifier !== '' && !this.signIns.has(identifier)) {
        this.signIns.set(identifier, !this.#written.has(identifier))
        if (!this.#replay.canSignIn(fields[rules.signIn.password])) this.withoutPassword ??= entry.index
      }
    } else if (rules.creates.includes(operation)) {
      for (const name of rules.naturalKeys)
        if (fields[name] != null) this.#written.add(String(fields[name]).toLowerCase())
    }
  }
}

type Fields = Record<string, unknown>

const requestFields = ({ request }: Entry) => fieldsOf(headerOf(request.headers, 'content-type') ?? '', request.body)

const patienceSeconds = 120
const mostWaits = 10

export class Replay {
  readonly options: ReplayOptions
  readonly bindings = new Bindings()
  readonly sessions: Sessions
  readonly survey: Survey
  readonly #matcher: (method: string, path: string) => Match | undefined
  readonly #consequences: Consequences
  /** Recorded users that are replayed with the credentials of another user. Their records differ. */
  readonly #substituted = new Set<string>()
  /** Lower-case names of users that this replay created. */
  readonly #created = new Set<string>()
  /** Recorded identifiers of users that the original deactivated. */
  readonly #inactive = new Set<string>()
  #standIns = 0

  constructor(options: ReplayOptions) {
    this.options = options
    this.#matcher = matcherOf(options.operations, options.contract)
    this.#consequences = new Consequences(options.rules)
    this.survey = new Survey(this)
    const { survey } = this
    this.sessions = new Sessions({
      rules: options.rules,
      bindings: this.bindings,
      operator: options.operator,
      principals: options.principals ?? new Map(),
      get recordingHasCredentials() {
        return survey.hasCredentials
      },
      signIn: (identifier, password) => this.#signIn(identifier, password),
      now: options.now,
    })
  }

  /** Whether a recorded password is a password, and not a placeholder of the recording. */
  canSignIn(password: unknown): boolean {
    return typeof password === 'string' && password !== '' && !/^(\*+|.*redacted.*)$/i.test(password)
  }

  /** Checks the credentials that the recording will need. Throws an error message if Usher refuses them. */
  async checkCredentials(): Promise<void> {
    const { operator } = this.options
    if (operator) await this.sessions.check(operator)
    else if (this.survey.withoutPassword !== undefined && this.options.principals === undefined) {
      throw new CannotRehearse(
        `Entry ${this.survey.withoutPassword} signs in, and its password was not recorded: set USHER_IDENTIFIER and USHER_PASSWORD, or give --principals.`,
      )
    }
    for (const [identifier, isKnown] of this.survey.signIns) {
      const principal = this.sessions.principalOf(identifier)
      if (isKnown && principal) await this.sessions.check(principal)
    }
  }

  /** Returns the operation of an entry; undefined if it is not part of the contract. */
  matchOf(entry: Entry): Match | undefined {
    if (entry.method === 'OPTIONS') return undefined
    const path = this.#ownPath(entry)
    return path === undefined ? undefined : this.#matcher(entry.method, path)
  }

  /** Returns the operation that Usher serves at a path with its base path. */
  operationAt(method: string, path: string): string | undefined {
    const own = withoutPrefix(path.split('?')[0] as string, this.options.base)
    const match = own === undefined ? undefined : this.#matcher(method, own)
    return match && this.#labelOf(method, match)
  }

  #labelOf(method: string, { operation, path }: Match): string {
    return operation?.operationId ?? `${method} ${patternOf(path)}`
  }

  /** Returns the path of an entry without the query and without `--strip`; undefined for another host or path. */
  #ownPath({ host, path }: Pick<Entry, 'host' | 'path'>): string | undefined {
    const { host: wanted, strip } = this.options
    if (wanted !== undefined && host !== undefined && ![host, host.replace(/:\d+$/, '')].includes(wanted))
      return undefined
    return withoutPrefix(path.split(/[?#]/)[0] as string, strip)
  }

  async replay(entry: Entry): Promise<Outcome> {
    const match = this.matchOf(entry)
    if (!match) return this.#otherOutcome(entry)
    const label = this.#labelOf(entry.method, match)
    const skipped = (reason: string): Outcome => ({
      verdict: 'skipped',
      index: entry.index,
      operation: label,
      reason,
      differences: [],
      listed: [],
    })
    if (entry.response.status === 0) return skipped('no response was recorded: the request was broken off')
    if (entry.isCut) return skipped('a body is longer than 8 MB')
    const isSession = this.options.rules.sessionOperations.includes(match.operation?.operationId ?? '')
    const isSignIn = this.#isSignIn(match)
    const reads = this.options.rules.readOperations?.includes(match.operation?.operationId ?? '')
    const isWrite = !reads && !['GET', 'HEAD'].includes(entry.method)
    if (isWrite && !isSession && !isSignIn && !this.options.writes) return skipped('it writes: replay it with --writes')

    const as = isSignIn ? this.#credentialsFor(entry) : undefined
    if (as && 'principal' in as && 'api_key' in as.principal) {
      this.sessions.rememberKey(entry, as.principal)
      return skipped('it signs in, and an API key stands for this user')
    }
    const session = isSignIn ? undefined : await this.sessions.sessionFor(entry)
    if (isSession || isSignIn) await this.#bindRefreshToken(entry)
    const targets = this.#targetsOf(entry, match)
    const request = this.#requestFor(entry, match, session, as)
    const received = await this.#sendPatiently(request, entry, session, isSignIn)
    return this.#judge({ entry, match, label, session, as, targets, received })
  }

  #otherOutcome(entry: Entry): Outcome {
    const path = this.#ownPath(entry)
    const { survey } = this
    const isHere =
      path !== undefined && (entry.host === undefined || survey.hosts.size === 0 || survey.hosts.has(entry.host))
    const isWork = isHere && entry.method !== 'OPTIONS' && entry.response.status < 400 && entry.response.status > 0
    const operation = `${entry.method} ${patternOf(path ?? (entry.path.split('?')[0] as string))}`
    return { verdict: 'other', index: entry.index, operation, isWork, differences: [], listed: [] }
  }

  /** Returns the credentials that replace those of a recorded sign-in; undefined if its own are used. */
  #credentialsFor(entry: Entry): { principal: Principal; identifier: string } | undefined {
    const { rules, operator } = this.options
    if (!rules.succeeded(toAnswer(entry.response))) return undefined
    const fields = requestFields(entry)
    const isRenewal = !(rules.signIn.identifier in fields) && Object.keys(fields).length > 0
    if (isRenewal) return undefined
    const identifier = String(fields[rules.signIn.identifier] ?? '').trim()
    const mapped = this.sessions.principalOf(identifier)
    if (mapped) return { principal: mapped, identifier }
    const password = fields[rules.signIn.password]
    if (this.#created.has(identifier.toLowerCase()) && this.canSignIn(password)) return undefined
    return operator && { principal: operator, identifier }
  }

  /** A refresh of a session that began before the recording is replayed with the token of a current session. */
  async #bindRefreshToken(entry: Entry): Promise<void> {
    const { rules, operator } = this.options
    const recorded = requestFields(entry)['refresh_token']
    if (typeof recorded !== 'string' || !rules.succeeded(toAnswer(entry.response))) return
    if (!operator || !('identifier' in operator) || this.bindings.reboundValue(recorded) !== recorded) return
    const { json } = toAnswer(await this.#signIn(operator.identifier, operator.password))
    const own = (Object(json) as Fields)['refresh_token']
    if (typeof own === 'string') this.bindings.bindToken(recorded, own)
  }

  /** The recorded identifiers of the users that a request names. */
  #targetsOf(entry: Entry, { parameters }: Match): string[] {
    const { identifiers } = this.options.rules
    const fields = Object.entries(requestFields(entry)).filter(([name]) => identifiers[name] === 'user')
    return [...Object.values(parameters), ...fields.map(([, value]) => String(value))].map((id) =>
      id.replace(/^0+(?=\d)/, ''),
    )
  }

  #requestFor(
    entry: Entry,
    match: Match,
    session: Session | undefined,
    as: { principal: Principal } | undefined,
  ): SentRequest {
    const { base, origin, rules } = this.options
    const [, query] = entry.path.split(/\?(.*)/s)
    const headers = headersToSend(entry, origin).map(([name, value]): Header => {
      if (!/^if-(none-)?match$/i.test(name)) return [name, value]
      return [name, this.bindings.reboundTags(resourceOf(match), value)]
    })
    if (session) headers.push(session.header)
    const path = base + this.#reboundPath(match) + (query === undefined ? '' : `?${this.#reboundQuery(query)}`)
    const contentType = headerOf(entry.request.headers, 'content-type') ?? ''
    if (!as || 'api_key' in as.principal) {
      return { method: entry.method, path, headers, body: this.#reboundBody(contentType, entry.request.body) }
    }
    const { identifier, password, encoding } = rules.signIn
    const { principal } = as
    const fields = { ...requestFields(entry), [identifier]: principal.identifier, [password]: principal.password }
    const isJson = /[/+]json\b/i.test(contentType) || (contentType === '' && encoding === 'json')
    const type: Header = ['content-type', isJson ? 'application/json' : 'application/x-www-form-urlencoded']
    return {
      method: entry.method,
      path,
      headers: [...headers.filter(([name]) => name.toLowerCase() !== 'content-type'), type],
      body: isJson ? JSON.stringify(fields) : new URLSearchParams(fields as Record<string, string>).toString(),
    }
  }

  #reboundPath({ path, operation, parameters }: Match): string {
    if (Object.keys(parameters).length === 0) return path
    const template = (operation?.path ?? '').split('/')
    const values = new Set(Object.values(parameters))
    return path
      .split('/')
      .map((segment, index) => {
        const isParameter = operation ? template[index]?.startsWith('{') : values.has(segment)
        if (!isParameter || segment === '') return segment
        const value = decodeURIComponentOr(segment)
        const bound = this.#reboundIdentifier('user', value)
        return bound === value ? segment : encodeURIComponent(bound)
      })
      .join('/')
  }

  /**
   * Returns Usher’s identifier. For an unknown user, returns an identifier that no user has, so that the request does
   * not reach another user's record.
   */
  #reboundIdentifier(kind: string, recorded: string): string {
    const bound = this.bindings.rebound(kind, recorded)
    if (bound !== undefined) return bound
    return this.#standIn(kind, recorded)
  }

  #standIn(kind: string, recorded: string): string {
    this.#standIns += 1
    const form = formOf(recorded)
    const received =
      form === 'a decimal number'
        ? String(2_147_480_000 + this.#standIns)
        : form === 'a uuid'
          ? crypto.randomUUID()
          : recorded.replace(/[0-9a-f]{12,}$/i, (digits) => randomHex(digits.length))
    this.bindings.bind({ kind, recorded, received })
    return received
  }

  #reboundQuery(query: string): string {
    return query
      .split('&')
      .map((part) => {
        const [name = '', value] = part.split(/=(.*)/s)
        if (value === undefined) return part
        const plain = decodeURIComponentOr(value.replaceAll('+', ' '))
        const bound = this.#reboundField(decodeURIComponentOr(name), plain)
        return bound === plain ? part : `${name}=${encodeURIComponent(String(bound))}`
      })
      .join('&')
  }

  #reboundField(name: string, value: unknown): unknown {
    if (typeof value !== 'string' && typeof value !== 'number') return value
    const kind = this.options.rules.identifiers[name.replace(/(\[\]|s)$/, '')] ?? this.options.rules.identifiers[name]
    const text = String(value)
    const bound = kind === undefined ? this.bindings.reboundWords(text) : this.#reboundIdentifier(kind, text)
    return bound === text ? value : typeof value === 'number' ? Number(bound) : bound
  }

  #reboundBody(contentType: string, body: string | Uint8Array | undefined): string | Uint8Array | undefined {
    if (typeof body !== 'string' || body === '') return body
    if (/x-www-form-urlencoded/i.test(contentType)) return this.#reboundQuery(body)
    if (contentType !== '' && !/[/+]json\b/i.test(contentType)) return body
    let changed = false
    const reboundIn = (value: unknown, name: string): unknown => {
      if (Array.isArray(value)) return value.map((item) => reboundIn(item, name))
      if (typeof value === 'object' && value !== null) {
        return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reboundIn(inner, key)]))
      }
      const bound = this.#reboundField(name, value)
      if (bound !== value) changed = true
      return bound
    }
    try {
      const rebound = reboundIn(JSON.parse(body), '')
      // A request that needs no change is sent unchanged.
      return changed ? JSON.stringify(rebound) : body
    } catch {
      return body
    }
  }

  async #signIn(identifier: string, password: string): Promise<ReceivedResponse> {
    const { base, rules, operations } = this.options
    const { path: elsewhere } = rules.signIn
    const { path = '', method = 'POST' } =
      operations.find(({ operationId }) => operationId === rules.signIn.operation) ?? {}
    const fields = { [rules.signIn.identifier]: identifier, [rules.signIn.password]: password }
    const isJson = rules.signIn.encoding === 'json'
    const headers: Header[] = [['content-type', isJson ? 'application/json' : 'application/x-www-form-urlencoded']]
    const body = isJson ? JSON.stringify(fields) : new URLSearchParams(fields).toString()
    return this.#sendWaiting({ method, path: elsewhere ?? base + path, headers, body }, () => true)
  }

  async #sendPatiently(
    request: SentRequest,
    entry: Entry,
    session: Session | undefined,
    isSignIn: boolean,
  ): Promise<ReceivedResponse> {
    const failed = isSignIn && !this.options.rules.succeeded(toAnswer(entry.response))
    const mayWait = (status: number, seconds: number) =>
      // A lockout is part of the contract. A rate limit, which always lasts 60 s, is not.
      entry.response.status !== status && !(status === 429 && failed && seconds !== 60)
    const received = await this.#sendWaiting(request, mayWait)
    if (received.status !== 401 || entry.response.status === 401 || !session) return received
    if (!(await this.sessions.renew(session))) return received
    const headers = request.headers.map((header) =>
      ['authorization', 'cookie'].includes(header[0]) ? session.header : header,
    )
    return this.#sendWaiting({ ...request, headers }, mayWait)
  }

  /** Waits as long as Usher requires, up to two minutes at a time. */
  async #sendWaiting(
    request: SentRequest,
    mayWait: (status: number, seconds: number) => boolean,
  ): Promise<ReceivedResponse> {
    for (let waits = 0; ; waits += 1) {
      const received = await this.options.send(request)
      const seconds = Number(headerOf(received.headers, 'retry-after'))
      const isBusy = received.status === 429 || received.status === 503
      const most = received.status === 503 ? 3 : mostWaits
      if (!isBusy || !(seconds > 0) || seconds > patienceSeconds || waits >= most) return received
      if (!mayWait(received.status, seconds)) return received
      await this.options.wait(seconds, `Usher answers ${received.status}`)
    }
  }

  #judge(exchanged: {
    entry: Entry
    match: Match
    label: string
    session: Session | undefined
    as: { principal: Principal; identifier: string } | undefined
    targets: string[]
    received: ReceivedResponse
  }): Outcome {
    const { entry, match, label, session, as, targets } = exchanged
    const { rules } = this.options
    const [recorded, received] = [toAnswer(entry.response), toAnswer(exchanged.received)]
    if (entry.method === 'HEAD') Object.assign(recorded, { json: undefined })
    const isSignIn = this.#isSignIn(match)
    const subjects: Subjects = { targets, caller: session?.caller }
    const exchange: Exchange = {
      operation: match.operation?.operationId,
      request: {
        method: entry.method,
        path: match.path,
        query: Object.fromEntries(new URLSearchParams(entry.path.split(/\?(.*)/s)[1] ?? '')),
        contentType: headerOf(entry.request.headers, 'content-type') ?? '',
        fields: requestFields(entry),
      },
      recorded,
      received,
      callerIsInactive: session?.caller !== undefined && this.#inactive.has(session.caller),
    }
    if (as && 'identifier' in as.principal) this.bindings.bindAlias(as.identifier, as.principal.identifier)
    let comparison = this.#compare(recorded, received)
    const person = this.#substitute(comparison, recorded, received, as !== undefined)
    if (person) comparison = this.#compare(recorded, received)
    this.#learn(comparison, exchange, entry, match)

    const countsOperator = ({ place, expected, received }: Difference) =>
      comparison.showsOperator && rules.counts.includes(place) && isOneMore(received, expected)
    const isOther = ({ kind, record }: Difference) =>
      (kind === 'value' || kind === 'type') &&
      record?.recorded !== undefined &&
      (this.#substituted.has(record.recorded) || (as !== undefined && person === record.recorded))
    const { explained, differences } = this.#explain(
      comparison.differences.filter((difference) => !isOther(difference) && !countsOperator(difference)),
      exchange,
      subjects,
    )
    if (isSignIn) this.#afterSignIn(exchanged, exchange, differences.length > 0)
    else if (this.#endsSession(match) && rules.succeeded(recorded)) this.sessions.forget()
    if (entry.method !== 'GET' || !rules.succeeded(recorded)) this.#remember(exchange, explained, subjects)
    const verdict = differences.length > 0 ? 'difference' : explained.length > 0 ? 'listed' : 'same'
    const withoutBody = entry.response.body === undefined && received.json !== undefined && entry.method !== 'HEAD'
    return { verdict, index: entry.index, operation: label, differences, listed: explained, withoutBody }
  }

  #isSignIn({ operation }: Match): boolean {
    return operation !== undefined && operation.operationId === this.options.rules.signIn.operation
  }

  #endsSession({ operation }: Match): boolean {
    return /logout|sign-?out/i.test(operation?.path ?? '')
  }

  #compare(recorded: Answer, received: Answer): Comparison {
    const { rules, operator } = this.options
    return compare(recorded, received, {
      rules,
      bindings: this.bindings,
      withCookies: this.survey.hasCredentials || this.survey.hasCookies,
      operator: operator && 'identifier' in operator ? operator.identifier : undefined,
      pathOf: (url, side) => this.#locationPath(url, side),
    })
  }

  #locationPath(url: string, side: 'recorded' | 'received'): string {
    const { strip, base, contract } = this.options
    const path = url.replace(/^https?:\/\/[^/]*/, '').split('#')[0] as string
    const own = side === 'recorded' ? (withoutPrefix(path, strip) ?? path) : path
    return withoutPrefix(own, base || `/${contract}`) ?? own
  }

  /**
   * Returns the identifier of a recorded user who is replaced by other credentials. The records of both differ in every
   * value.
   */
  #substitute({ pairs }: Comparison, recorded: Answer, received: Answer, isSubstitution: boolean): string | undefined {
    const { naturalKeys } = this.options.rules
    const names = (record: Fields) =>
      naturalKeys
        .map((key) => record[key])
        .filter((value) => value != null)
        .map((value) => String(value).toLowerCase())
    for (const { kind, recorded: id, records } of pairs) {
      if (kind !== 'user') continue
      const [there, here] = [names(records[0]), names(records[1])]
      if (there.length === 0 || there.some((name) => here.includes(name))) continue
      if (!there.some((name) => here.includes(this.bindings.alias(name)?.toLowerCase() ?? ''))) continue
      this.#substituted.add(id)
      this.#bindNames(records[0], records[1])
      return id
    }
    if (!isSubstitution) return undefined
    const [there, here] = [this.#recordIn(recorded.json), this.#recordIn(received.json)]
    if (!there || !here || names(there).some((name) => names(here).includes(name))) return undefined
    this.#bindNames(there, here)
    const id = this.#idOf(there)
    if (id !== undefined && this.bindings.counterpart('user', id) === this.#idOf(here)) this.#substituted.add(id)
    return id
  }

  #bindNames(there: Fields, here: Fields): void {
    for (const key of this.options.rules.naturalKeys) {
      if (typeof there[key] === 'string' && typeof here[key] === 'string')
        this.bindings.bindAlias(there[key], here[key])
    }
  }

  #learn({ pairs, tokens }: Comparison, exchange: Exchange, entry: Entry, match: Match): void {
    for (const pair of pairs) this.bindings.bind(pair)
    for (const [recorded, received] of tokens) this.bindings.bindToken(recorded, received)
    const [from, to] = [exchange.recorded.headers['etag'], exchange.received.headers['etag']]
    if (from !== undefined && to !== undefined) {
      const created = exchange.operation !== undefined && this.options.rules.creates.includes(exchange.operation)
      const record = created ? this.#recordIn(exchange.recorded.json) : undefined
      this.bindings.bindTag((record && this.#idOf(record)) ?? resourceOf(match), from, to)
    }
    if (exchange.operation !== undefined && this.options.rules.creates.includes(exchange.operation)) {
      const { succeeded, naturalKeys } = this.options.rules
      if (succeeded(exchange.received) && succeeded(exchange.recorded)) {
        const fields = requestFields(entry)
        for (const key of naturalKeys)
          if (fields[key] != null) this.#created.add(String(fields[key]).trim().toLowerCase())
      }
    }
  }

  #explain(differences: Difference[], exchange: Exchange, subjects: Subjects) {
    const { deviations, rules } = this.options
    const explained: { difference: Difference; reasons: ReadonlySet<string> }[] = []
    let left: Difference[] = []
    for (const difference of differences) {
      const found = deviations.filter(
        ({ operations, explains }) =>
          explains !== undefined &&
          (operations === undefined || operations.includes(exchange.operation ?? '')) &&
          explains(difference, exchange),
      )
      const reasons =
        found.length > 0
          ? new Set(found.map(({ id }) => id))
          : this.#consequences.explain(difference, exchange, subjects)
      if (reasons) explained.push({ difference, reasons })
      else left.push(difference)
    }
    // The counts are explained when all differences of the items are explained.
    const items = explained.filter(({ difference: { kind } }) => kind === 'missing item' || kind === 'extra item')
    const unexplained = left.some(({ kind }) => kind === 'missing item' || kind === 'extra item')
    if (items.length > 0 && !unexplained) {
      const reasons = new Set(items.flatMap(({ reasons }) => [...reasons]))
      const isCount = ({ place }: Difference) => rules.counts.includes(place)
      for (const difference of left.filter(isCount)) explained.push({ difference, reasons })
      left = left.filter((difference) => !isCount(difference))
    }
    return { explained, differences: left }
  }

  #afterSignIn(
    { entry, as, received }: { entry: Entry; as: { principal: Principal } | undefined; received: ReceivedResponse },
    exchange: Exchange,
    differs: boolean,
  ): void {
    const { rules } = this.options
    if (!rules.succeeded(exchange.recorded)) return
    if (!rules.succeeded(exchange.received)) {
      // No later request of this user can be replayed.
      const identifier = String(requestFields(entry)[rules.signIn.identifier] ?? '')
      if (differs && !as && identifier !== '' && !this.#created.has(identifier.trim().toLowerCase())) {
        throw new CannotRehearse(
          `Usher refused the sign-in of entry ${entry.index}: it answered ${exchange.received.status}. Set USHER_IDENTIFIER and USHER_PASSWORD, or give --principals.`,
        )
      }
      return
    }
    const record = this.#recordIn(exchange.recorded.json)
    this.sessions.remember(entry, received, { principal: as?.principal, caller: record && this.#idOf(record) })
  }

  #remember(
    exchange: Exchange,
    explained: { difference: Difference; reasons: ReadonlySet<string> }[],
    subjects: Subjects,
  ): void {
    const { rules } = this.options
    const recorded = rules.succeeded(exchange.recorded) ? this.#recordIn(exchange.recorded.json) : undefined
    const received = rules.succeeded(exchange.received) ? this.#recordIn(exchange.received.json) : undefined
    const id = recorded && this.#idOf(recorded)
    if (recorded && id !== undefined) {
      if (rules.isInactive(recorded)) this.#inactive.add(id)
      else this.#inactive.delete(id)
    }
    // The original created a user, and Usher already had this user.
    const isCreation = rules.creates.includes(exchange.operation ?? '')
    if (isCreation && recorded && !received && id !== undefined) {
      const own = this.#consequences.surplusNamed(recorded)
      if (own !== undefined) {
        this.bindings.bind({ kind: 'user', recorded: id, received: own })
        return this.#consequences.unite(id, own)
      }
    }
    if (isCreation && received && !recorded) {
      const absent = this.#consequences.absentNamed(received)
      const own = this.#idOf(received)
      if (absent !== undefined && own !== undefined) {
        this.bindings.bind({ kind: 'user', recorded: absent, received: own })
        return this.#consequences.unite(absent, own)
      }
    }
    const idOf = (record: Readonly<Fields>) => this.#idOf(record as Fields)
    this.#consequences.remember(exchange, explained, subjects, { recorded, received, idOf })
    if (isCreation && recorded && !received && id !== undefined && this.#consequences.isAbsent(id)) {
      for (const [name, kind] of Object.entries(rules.identifiers)) {
        const value = recorded[name]
        if (typeof value === 'string' || typeof value === 'number') this.#standIn(kind, String(value))
      }
    }
  }

  /** Returns the user of a response: the first object with a user identifier. */
  #recordIn(json: unknown, depth = 0): Fields | undefined {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
    const record = json as Fields
    if (this.#idOf(record) !== undefined && depth >= 0 && !this.#isEnvelope(record)) return record
    for (const inner of Object.values(record)) {
      const found = depth < 3 ? this.#recordIn(inner, depth + 1) : undefined
      if (found) return found
    }
    return this.#idOf(record) === undefined ? undefined : record
  }

  /** A response that has the identifier of a user, and the user inside. */
  #isEnvelope(record: Fields): boolean {
    return typeof record['data'] === 'object' && record['data'] !== null
  }

  #idOf(record: Fields): string | undefined {
    for (const [name, value] of Object.entries(record)) {
      if (this.options.rules.identifiers[name] !== 'user') continue
      if (typeof value === 'string' || typeof value === 'number') return String(value).replace(/^0+(?=\d)/, '')
    }
    return undefined
  }
}

/** Whether a number, or the first number of a sentence, is one more than the other. */
function isOneMore(value: unknown, than: unknown): boolean {
  if (typeof value === 'number') return value - 1 === than
  return typeof value === 'string' && value.replace(/\d+/, (number) => String(Number(number) - 1)) === than
}

/** Returns the resource of an entity tag: the last identifier of the path, or the path. */
const resourceOf = ({ parameters, path }: Match) => Object.values(parameters)[0] ?? path

function withoutPrefix(path: string, prefix: string | undefined): string | undefined {
  const start = prefix?.replace(/\/$/, '')
  if (!start) return path
  return path === start || path.startsWith(`${start}/`) || path.startsWith(`${start}?`)
    ? path.slice(start.length) || '/'
    : undefined
}

function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function randomHex(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(length / 2)))
  return [...bytes]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .slice(0, length)
}
