/**
 * The client of v1: one typed method per operation of its OpenAPI document. It runs wherever there is a `fetch`, and
 * needs no package.
 */
import { answerFrom, ProblemError, requestFor, type Input, type Request } from './messages.ts'
import { operations, type Operations, type Tokens } from './operations.ts'

export { ProblemError, UnexpectedAnswer } from './messages.ts'
export type * from './operations.ts'

/** What `createClient` takes. */
export interface Settings {
  /** The base URL of v1, `https://usher.example/v1`, or the root of v1's own host. */
  baseUrl: string
  /** An API key, for programs. Without one, `login` gives the client its credential. */
  apiKey?: string | undefined
  /** The tokens of an existing session, as `onTokens` received them. */
  tokens?: Tokens | undefined
  /**
   * Called with each new pair of tokens, and with undefined when the session has ended. Lets an application store the
   * session.
   */
  onTokens?: ((tokens: Tokens | undefined) => void) | undefined
  /** Replaces the platform's `fetch`. */
  fetch?: ((url: string, request: Request) => Promise<Response>) | undefined
}

type Names = keyof Operations
type Answer<Response> = Response & { headers: Headers }
type Method<Of extends { input: object; answer: object }> = Of extends { unchanged: infer Unchanged }
  ? {
      (input: Of['input'] & { ifNoneMatch: string }): Promise<Answer<Of['answer']> | Answer<Unchanged>>
      (...input: Given<Omit<Of['input'], 'ifNoneMatch'> & { ifNoneMatch?: undefined }>): Promise<Answer<Of['answer']>>
    }
  : (...input: Given<Of['input']>) => Promise<Answer<Of['answer']>>
/** The argument is optional when none of its properties is required. */
type Given<Asked> = object extends Asked ? [input?: Asked] : [input: Asked]

/** A method for each operation of v1, with what it takes and answers. Failures are thrown as `ProblemError`. */
export type Client = { [Name in keyof Operations]: Method<Operations[Name]> }

/**
 * Creates a client. After `login` it uses the tokens of the session, which it keeps in memory. When the access token
 * has expired, it refreshes the tokens and repeats the request. A failure response throws ProblemError.
 */
export function createClient(settings: Settings): Client {
  const { baseUrl, apiKey, onTokens, fetch: send = (url, request) => fetch(url, request) } = settings
  let tokens = settings.tokens
  let renewal: Promise<boolean> | undefined

  function keep(next: Tokens | undefined): void {
    tokens = next
    onTokens?.(next)
  }

  async function call(name: Names, input: Input): Promise<object> {
    const operation = operations[name]
    const ask = (token?: string) => send(...requestFor(operation, baseUrl, input, token))
    if (operation.anonymous) return answerFrom(await ask(), baseUrl)
    const used = tokens
    const response = await ask(used?.access_token ?? apiKey)
    if (response.status !== 401 || !used || !(await renew(used))) return answerFrom(response, baseUrl)
    await response.body?.cancel()
    return answerFrom(await ask(tokens?.access_token), baseUrl)
  }

  /** Returns whether there are newer tokens than `used`. Concurrent requests share one refresh. */
  async function renew(used: Tokens): Promise<boolean> {
    if (tokens !== used) return tokens !== undefined
    renewal ??= (async () => {
      try {
        await client.refresh({ body: { refresh_token: used.refresh_token } })
        return true
      } catch (error) {
        if (!(error instanceof ProblemError && error.status === 401)) throw error
        keep(undefined)
        return false
      }
    })().finally(() => (renewal = undefined))
    return renewal
  }

  const methods = (Object.keys(operations) as Names[]).map((name) => [name, (input: Input = {}) => call(name, input)])
  const { login, refresh, changePassword, logout, ...others } = Object.fromEntries(methods) as Client
  const client: Client = {
    ...others,
    async login(input) {
      const answer = await login(input)
      keep(answer.body)
      return answer
    },
    async changePassword(input) {
      const answer = await changePassword(input)
      // The current session has ended.
      keep(answer.body)
      return answer
    },
    async refresh(input) {
      const answer = await refresh(input)
      keep(answer.body)
      return answer
    },
    async logout(input) {
      // The refresh token ends the session when the access token has expired.
      const answer = await logout(input ?? (tokens && { body: { refresh_token: tokens.refresh_token } }))
      keep(undefined)
      return answer
    },
  }
  return client
}

interface Page<Item> {
  body: { data: Item[]; pagination: { next_cursor: string | null } }
}

/**
 * Iterates over all items of a list, page by page:
 * `for await (const user of every(usher.listUsers, { status: 'active' }))`.
 */
export async function* every<Item, Asked extends { cursor?: string | undefined } | undefined>(
  list: (input: Asked) => Promise<Page<Item>>,
  input: NoInfer<NonNullable<Asked>>,
): AsyncGenerator<Item, void, undefined> {
  let cursor = input.cursor
  do {
    const { data, pagination } = (await list({ ...input, cursor } as Asked)).body
    yield* data
    cursor = pagination.next_cursor ?? undefined
  } while (cursor !== undefined)
}
