/** All failures that a contract must render: the core's refusals, and errors before the core is called. */
import type { ZodError } from 'zod'
import { Refused, type Refusal } from '../../core/refusal'
import type { Problem } from '../../core/users/fields'
import { DatabaseUnavailable, ValueRefused } from '../../database/database'
import { HTTPException } from 'hono/http-exception'

export type Failure =
  | Refusal
  | { kind: 'no_credentials' }
  /** A browser sent the request for a page of another site. */
  | { kind: 'cross_site' }
  /** `own` is the problem in the contract's own words, if the contract reads the request itself. */
  | { kind: 'invalid_request'; part: Part; issues: readonly Issue[]; own?: { code: string; detail: string } }
  /** The body is not UTF-8, JSON or a form. `position` is where parsing stopped, if known. */
  | { kind: 'unreadable_body'; position: number }
  /** `expected` is set when it is not JSON. */
  | { kind: 'unsupported_media_type'; expected?: string }
  /** The body has a Content-Encoding other than `identity`. */
  | { kind: 'unsupported_encoding' }
  /** `maxLines` is set when the body has too many lines. */
  | { kind: 'body_too_large'; maxBytes: number; maxLines?: number }
  | { kind: 'no_such_path' }
  | { kind: 'method_not_allowed'; allowed: readonly string[] }
  /** The contract has ended: its sunset is over. */
  | { kind: 'retired' }
  | { kind: 'rate_limited'; retryAfterSeconds: number }
  /** The database is unavailable or an unexpected error occurred. The reason is not reported. */
  | { kind: 'unavailable'; retryAfterSeconds: number }

export type Part = 'body' | 'query' | 'path' | 'header'

/** `path` leads to the field by its names on the wire; empty for the whole part. */
export interface Issue {
  path: readonly (string | number)[]
  problem: Problem | ShapeProblem
}

type Type = 'string' | 'integer' | 'boolean' | 'list' | 'object' | 'uuid'

export type ShapeProblem =
  | { rule: 'missing' }
  | { rule: 'wrong_type'; expected: Type }
  /** Text that cannot be parsed as the expected type. */
  | { rule: 'unparsable'; expected: 'integer' | 'boolean' | 'uuid' | 'time' }
  | { rule: 'fractional' }
  | { rule: 'too_many'; of: 'items' | 'fields'; max: number }
  | { rule: 'not_one_of'; options: readonly string[] }
  /** A query parameter was sent several times but takes one value. */
  | { rule: 'repeated' }
  /** The value was not issued by Usher. */
  | { rule: 'malformed' }
  | { rule: 'not_a_time_to_come' }
  /** Sent twice with different values. */
  | { rule: 'not_confirmed' }

export const emptyBody: Failure = {
  kind: 'invalid_request',
  part: 'body',
  issues: [{ path: [], problem: { rule: 'missing' } }],
}

/** A value that a parser of the core should have refused. The database does not report which value. */
const refusedValue: Failure = {
  kind: 'invalid_request',
  part: 'body',
  issues: [{ path: [], problem: { rule: 'malformed' } }],
}

/** Thrown before the core is called; rendered by the contract. */
export class Failed extends Error {
  constructor(readonly failure: Failure) {
    super(failure.kind)
  }
}

/** Returns the failure of any thrown error. Logs unexpected errors, without anything that the client sent. */
export function toFailure(error: unknown, requestId: string): Failure {
  if (error instanceof Failed) return error.failure
  if (error instanceof Refused) return error.refusal
  if (error instanceof HTTPException && error.status === 415) return { kind: 'unsupported_media_type' }
  // The library's own body parsing failed. JSON was parsed before, so here it is empty. Only multipart forms are left
  // to the library.
  if (error instanceof HTTPException && error.status === 400) {
    return error.message.includes('JSON') ? emptyBody : { kind: 'unreadable_body', position: 0 }
  }
  const isOfDatabase = error instanceof DatabaseUnavailable || error instanceof ValueRefused
  console.error(requestId, isOfDatabase ? `D1: ${error.message}` : error)
  if (error instanceof ValueRefused) return refusedValue
  return { kind: 'unavailable', retryAfterSeconds: 5 }
}

/** Limits the issues, so that the response to a bad request does not grow with the request. */
export const maxIssues = 20

/** Returns the first issues of a request part, in the order of the schema's fields. */
export function toIssues(error: ZodError, input: unknown, part: Part = 'body'): Issue[] {
  return error.issues.slice(0, maxIssues).map((issue) => {
    const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)))
    return { path, problem: toProblem(issue, path, { input, part }) }
  })
}

function toProblem(
  issue: ZodError['issues'][number],
  path: Issue['path'],
  { input, part }: { input: unknown; part: Part },
): Issue['problem'] {
  if (issue.code === 'custom' && issue.params?.['problem']) return issue.params['problem'] as Issue['problem']
  const sent = valueAt(input, path)
  if (sent === undefined || (sent === null && path.length === 0)) return { rule: 'missing' }
  if (part === 'query' && Array.isArray(sent)) return { rule: 'repeated' }
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'array'
        ? { rule: 'wrong_type', expected: 'list' }
        : issue.expected === 'number' || issue.expected === 'int'
          ? { rule: 'wrong_type', expected: 'integer' }
          : { rule: 'wrong_type', expected: issue.expected === 'nonoptional' ? 'object' : (issue.expected as Type) }
    case 'invalid_value':
      return { rule: 'not_one_of', options: issue.values.map(String) }
    case 'too_big':
      return { rule: issue.origin === 'string' ? 'too_long' : 'above', max: Number(issue.maximum) }
    case 'too_small':
      return issue.origin === 'string' ? { rule: 'blank' } : { rule: 'below', min: Number(issue.minimum) }
    default:
      return { rule: 'wrong_type', expected: 'string' }
  }
}

function valueAt(input: unknown, path: Issue['path']): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<string | number, unknown> | null | undefined)?.[key],
    input,
  )
}

/** Ends a switch over failures or problems: a kind without a case does not compile, and the compiler names it. */
export function unrendered(value: never): never {
  throw new Error(`No words for ${JSON.stringify(value)}`)
}
