/** Builds requests and reads responses, as a table of operations describes them. */
import type { Operation } from './operation.ts'
import type { FailureStatus, Problem } from './operations.ts'

/** What the client hands to `fetch`, besides the URL. */
export interface Request {
  method: string
  headers: Record<string, string>
  body?: string
}

/** Parameters by name, headers in camel case, and the body. */
export type Input = Record<string, unknown>

const lines = 'application/x-ndjson'

/** The URL and the request that ask for the operation. */
export function requestFor(operation: Operation, baseUrl: string, input: Input, token?: string): [string, Request] {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(input[name])))
  const url = new URL(baseUrl.replace(/\/$/, '') + path)
  for (const name of operation.query ?? []) {
    if (input[name] !== undefined) url.searchParams.set(name, String(input[name]))
  }
  const headers: Record<string, string> = {}
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`
  for (const name of operation.headers ?? []) {
    const value = input[camelCase(name)]
    if (value !== undefined) headers[name] = String(value)
  }
  if (operation.sends === undefined || input['body'] === undefined)
    return [url.href, { method: operation.method, headers }]
  headers['content-type'] = operation.sends
  return [url.href, { method: operation.method, headers, body: bodyOf(operation.sends, input['body']) }]
}

/** The name of a header as an input has it: `ifMatch` for `if-match`. */
export function camelCase(header: string): string {
  return header.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}

function bodyOf(type: string, body: unknown): string {
  if (type !== lines) return JSON.stringify(body)
  return Array.from(body as Iterable<unknown>, (line) => `${JSON.stringify(line)}\n`).join('')
}

/**
 * Returns the response. Throws ProblemError for a documented failure, and UnexpectedAnswer for an undocumented
 * response.
 */
export async function answerFrom(response: Response, baseUrl = ''): Promise<object> {
  const { status, headers } = response
  const type = headers.get('content-type') ?? ''
  if (type.startsWith('application/problem+json')) {
    throw new ProblemError((await response.json()) as Problem, headers)
  }
  const isData =
    response.body === null || status === 204 || type.startsWith(lines) || type.startsWith('application/json')
  if (status !== 304 && !(response.ok && isData)) {
    const isElsewhere = response.ok || status === 404 || status === 405
    throw new UnexpectedAnswer(status, await response.text(), isElsewhere ? hintAt(baseUrl) : '')
  }
  const etag = headers.get('etag')
  const location = headers.get('location')
  return {
    status,
    headers,
    body: await readBody(response, type),
    ...(etag !== null && { etag }),
    ...(location !== null && { location }),
  }
}

/** Returns what may be wrong with the base URL when v1 does not respond at it. */
function hintAt(baseUrl: string): string {
  const url = baseUrl.replace(/\/$/, '')
  return url === '' || url.endsWith('/v1') ? '' : `. The base URL ${url} does not end in /v1: is it ${url}/v1?`
}

async function readBody(response: Response, type: string): Promise<unknown> {
  if (response.body === null || response.status === 204) return undefined
  if (type.startsWith(lines)) return readLines(response.body)
  const text = await response.text()
  return text === '' ? undefined : JSON.parse(text)
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let begun = ''
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const ended = (begun + decoder.decode(part.value, { stream: true })).split('\n')
      begun = ended.pop() as string
      for (const line of ended) if (line !== '') yield JSON.parse(line)
    }
    if (begun !== '') yield JSON.parse(begun)
  } finally {
    await reader.cancel()
  }
}

/** A failure response, with its message. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly status: FailureStatus
  readonly problem: Problem
  /** Seconds until a retry makes sense, if the response says so. */
  readonly retryAfterSeconds: number | undefined
  /** Quote this id when you report the failure to the administrators. */
  readonly requestId: string | undefined

  constructor(problem: Problem, headers: Headers) {
    super([problem.detail, ...(problem.errors ?? []).map(({ field, message }) => `${field} ${message}`)].join(' '))
    this.status = problem.status as FailureStatus
    this.problem = problem
    const retryAfter = headers.get('retry-after')
    this.retryAfterSeconds = retryAfter === null ? undefined : Number(retryAfter)
    this.requestId = headers.get('x-request-id') ?? undefined
  }
}

/** A response that is not v1's, for example from a proxy or another server. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer'
  readonly status: number
  readonly text: string

  constructor(status: number, text: string, hint = '') {
    super(`An answer with status ${status} that the document does not know${hint}`)
    this.status = status
    this.text = text
  }
}
