/** Renders every failure as an RFC 9457 problem. Invalid input is 400, with an entry for each field. */
import { maxPasswords, type RowProblem } from '../../core/moving/imports'
import { maxBcryptCost, maxDjangoIterations, maxRounds } from '../../core/passwords/stored-hashes'
import type { FailureResponse } from '../../http/contract/contract-types'
import { describe } from '../../http/contract/describe'
import { unrendered, type Failure, type Issue } from '../../http/contract/failure'
import { failuresOf } from '../../http/contract/json'
import { maxLineBytes } from '../../http/bodies/ndjson'
import { wireName } from './mapping/field-names'
import { toId } from './mapping/ids'
import { V1Problem } from './schemas/problem'

export function toFailureResponse(failure: Failure, path: string): FailureResponse {
  return (path === '/auth/introspect' ? toOAuthError(failure) : undefined) ?? toProblem(failure)
}

/** Bad input of an introspection is reported in the format of RFC 6749, section 5.2. */
function toOAuthError(failure: Failure): FailureResponse | undefined {
  const description = describeInOAuth(failure)
  if (description === undefined) return undefined
  return { status: 400, body: { error: 'invalid_request', error_description: description } }
}

function describeInOAuth(failure: Failure): string | undefined {
  if (failure.kind === 'unreadable_body') return 'The body is not a form or JSON in UTF-8.'
  if (failure.kind !== 'invalid_request') return undefined
  const [issue] = toErrors(failure.issues)
  // RFC 6749 allows no quotes, no backslashes and no characters beyond ASCII here.
  const field = (issue?.field || 'the body').replace(/[^\w. -]/g, '?').slice(0, 100)
  return `${field} ${issue?.message ?? 'is not valid'}`
}

export function toProblem(failure: Failure): FailureResponse {
  switch (failure.kind) {
    case 'invalid_request':
      return invalid(invalidPart[failure.part], toErrors(failure.issues))
    case 'invalid':
      return invalid(
        'The body is not valid.',
        failure.problems.map(({ field, problem }) => ({ field: wireName(field), message: describe(problem) })),
      )
    case 'unreadable_body':
      return problem(400, 'Bad Request', 'The body is not JSON in UTF-8.')
    case 'no_credentials':
      return problem(401, 'Unauthorized', 'A bearer token is needed.')
    case 'unauthenticated':
      return problem(401, 'Unauthorized', 'The credential is not valid, or no longer.')
    case 'invalid_credentials':
      return problem(401, 'Unauthorized', 'The identifier or the password is wrong.')
    case 'invalid_refresh_token':
      return problem(401, 'Unauthorized', 'The refresh token is not valid, or no longer.')
    case 'invalid_password_token':
      return problem(401, 'Unauthorized', 'The token is not valid, or no longer.')
    case 'forbidden':
      return problem(
        403,
        'Forbidden',
        failure.missing.length > 0 ? `Missing permission: ${failure.missing.join(', ')}.` : 'This is not allowed.',
      )
    case 'cross_site':
      return problem(403, 'Forbidden', 'This is not allowed.')
    case 'own_password':
      return problem(403, 'Forbidden', "One's own password is changed with the current one, by PUT /me/password.")
    case 'no_such_path':
      return problem(404, 'Not Found', 'There is no such path.')
    case 'user_not_found':
      return problem(404, 'Not Found', 'There is no such user.')
    case 'role_not_found':
      return invalid('The body is not valid.', [{ field: failure.field, message: 'is not a role of the directory' }])
    case 'resource_not_found':
      return problem(404, 'Not Found', `There is no such ${noun[failure.resource]}.`)
    case 'method_not_allowed':
      return problem(405, 'Method Not Allowed', `Allowed here: ${failure.allowed.join(', ')}.`)
    case 'already_taken':
      return problem(409, 'Conflict', `Taken: ${failure.fields.join(', ')}.`)
    case 'last_admin':
      return problem(409, 'Conflict', 'The last active admin must stay one.')
    case 'role_refused':
      return problem(409, 'Conflict', whyRoleRefused[failure.why])
    case 'version_mismatch':
      return problem(412, 'Precondition Failed', 'The user has changed since.')
    case 'body_too_large':
      return problem(413, 'Content Too Large', whyTooLarge(failure))
    case 'too_many':
      return problem(413, 'Content Too Large', `The request concerns more than ${grouped(failure.max)} ${failure.of}.`)
    case 'unsupported_media_type':
      return problem(415, 'Unsupported Media Type', `The body must be ${failure.expected ?? 'application/json'}.`)
    case 'unsupported_encoding':
      return problem(415, 'Unsupported Media Type', 'The Content-Encoding of the request must be identity.')
    case 'idempotency_key_reused':
      return problem(422, 'Unprocessable Content', 'This Idempotency-Key came with another request before.')
    case 'locked_out':
      return problem(429, 'Too Many Requests', 'Too many failed sign-ins on this account.')
    case 'rate_limited':
      return problem(429, 'Too Many Requests', 'Too many requests.')
    case 'retired':
      return problem(410, 'Gone', 'This API has been retired.')
    case 'contended':
    case 'upstream_unavailable':
    case 'unavailable':
      return problem(503, 'Service Unavailable', 'Try again in a moment.')
    default:
      return unrendered(failure)
  }
}

function whyTooLarge({ maxBytes, maxLines }: { maxBytes: number; maxLines?: number }): string {
  if (maxLines !== undefined) return `A body has at most ${grouped(maxLines)} lines.`
  return `A body has at most ${grouped(maxBytes)} bytes.`
}

/** Without Intl, because an isolate takes milliseconds to load it. */
const grouped = (count: number) => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

const noun = { role: 'role', session: 'session', api_key: 'API key', webhook: 'webhook', upstream: 'upstream' }

const whyRoleRefused = {
  taken: 'A role with this id, number or name is there already.',
  in_use: 'Somebody holds this role.',
  built_in: 'A built-in role stays as it is.',
}

const invalidPart = {
  body: 'The body is not valid.',
  query: 'A query parameter is not valid.',
  path: 'The path is not valid.',
  header: 'A header is not valid.',
}

function problem(
  status: FailureResponse['status'],
  title: string,
  detail: string,
  errors?: { field: string; message: string }[],
): FailureResponse {
  return {
    status,
    contentType: 'application/problem+json',
    body: { type: 'about:blank', title, status, detail, ...(errors && { errors }) },
  }
}

function invalid(detail: string, errors: { field: string; message: string }[]): FailureResponse {
  return problem(400, 'Bad Request', detail, errors)
}

/** The problems of a row of an import, by field. */
export function toRowErrors(problems: readonly RowProblem[]): { field: string; message: string }[] {
  return problems.map(({ field, problem }) => ({ field: wireName(field), message: describeRow(problem) }))
}

export function toErrors(issues: readonly Issue[]): { field: string; message: string }[] {
  return issues.map(({ path, problem }) => ({ field: path.join('.'), message: describe(problem) }))
}

function describeRow(problem: RowProblem['problem']): string {
  switch (problem.rule) {
    case 'taken':
      if (!problem.by) return 'is taken'
      return `is taken by ${'line' in problem.by ? `line ${problem.by.line}` : toId(problem.by.id)}`
    case 'deleted':
      return 'was that of a user who is deleted'
    case 'no_such_role':
      return 'is not a role of the directory'
    case 'lacking':
      return `takes a permission that is missing: ${problem.missing.join(', ')}`
    case 'unknown_hash':
      return 'is no hash that this directory can verify'
    case 'costly_hash':
      return `would cost too much to verify: at most bcrypt cost ${maxBcryptCost}, ${grouped(maxDjangoIterations)} iterations of pbkdf2_sha256, ${maxRounds} rounds of pbkdf2-sha256`
    case 'password_and_hash':
      return 'must not come beside a password'
    case 'second_password_source':
      return 'must not come with a password or a password_hash'
    case 'unknown_upstream':
      return problem.known.length > 0
        ? `must be one of ${problem.known.join(', ')}`
        : 'names no upstream: UPSTREAMS has none'
    case 'looks_like_hash':
      return lookalikeMessage.hash
    case 'in_future':
      return 'is in the future'
    case 'before_creation':
      return 'is before created_at'
    case 'too_many_passwords':
      return `is one more than the ${maxPasswords} that one import hashes: send the row again in another`
    default:
      return describe(problem)
  }
}

/** The reason why a value or field of another system is refused, and the field to use instead. */
export const lookalikeMessage = {
  hash: 'looks like a hash: name the column password_hash',
  status: 'looks like a status: name the column status, with active or inactive',
}

/** The reason why a line cannot be read. */
export const unreadableLine = {
  too_long: `has more than ${grouped(maxLineBytes)} bytes`,
  not_json: 'is not JSON in UTF-8',
}

const asProblem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: V1Problem } },
})

const described = {
  400: asProblem('Bad input, field by field'),
  401: asProblem('No valid credential'),
  403: asProblem('A permission is missing'),
  404: asProblem('Not found'),
  409: asProblem('A conflict with what is'),
  412: asProblem('The user has changed since'),
  413: asProblem('The body is too large'),
  415: asProblem('The body is of another type'),
  422: asProblem('The key came with another request before'),
  429: asProblem('Too many requests'),
  503: asProblem('Unavailable, try again'),
}

/** The failures of an operation, for the OpenAPI document. Any operation may return 429 and 503. */
export const failures = failuresOf(described)
