/** Every failure in the format of SCIM (RFC 7644, section 3.12). */
import type { Context } from 'hono'
import type { Failure, Issue } from '../../http/contract/failure'
import type { FailureResponse } from '../../http/contract/contract-types'
import { failuresOf } from '../../http/contract/json'
import type { ScimType } from './problem'
import { ScimError } from './schemas/messages'

export const scimMediaType = 'application/scim+json'

/** The names of core fields on the wire. */
const names: Readonly<Record<string, string>> = {
  email: 'emails',
  username: 'userName',
  matricule: 'employeeNumber',
  name: 'displayName',
  givenName: 'name.givenName',
  familyName: 'name.familyName',
  phoneNumber: 'phoneNumbers',
  mobileNumber: 'phoneNumbers',
}

export function toFailureResponse(failure: Failure, path: string): FailureResponse {
  switch (failure.kind) {
    case 'no_credentials':
      return error(401, 'The request needs a bearer token.')
    case 'unauthenticated':
    case 'invalid_credentials':
    case 'invalid_refresh_token':
    case 'invalid_password_token':
      return error(401, 'The bearer token is not valid.')
    case 'forbidden':
      return error(
        403,
        failure.missing.length > 0
          ? `The request needs permissions that the caller does not hold: ${failure.missing.join(', ')}.`
          : 'The caller is not allowed to do this.',
      )
    case 'cross_site':
    case 'own_password':
      return error(403, 'The caller is not allowed to do this.')
    case 'role_refused':
      return failure.why === 'built_in'
        ? error(403, 'A built-in group cannot be renamed or deleted.')
        : error(409, 'The displayName is taken.', 'uniqueness')
    case 'no_such_path':
      return error(404, 'There is no such endpoint.')
    case 'user_not_found':
      return path.startsWith('/v2/Groups')
        ? error(400, 'members names a user that the directory does not have.', 'invalidValue')
        : error(404, 'There is no such user.')
    case 'role_not_found':
    case 'resource_not_found':
      return error(404, 'There is no such group.')
    case 'method_not_allowed':
      return error(405, `The endpoint takes ${failure.allowed.join(', ')}.`)
    case 'already_taken':
      return error(409, `Taken: ${failure.fields.map((field) => names[field] ?? field).join(', ')}.`, 'uniqueness')
    case 'last_admin':
      return error(409, 'The last active administrator cannot be deactivated, deleted or taken out of the group.')
    case 'idempotency_key_reused':
      return error(409, 'The Idempotency-Key was used for another request.')
    case 'version_mismatch':
      return error(412, 'The resource has another version.')
    case 'body_too_large':
      return error(413, `The body has more than ${failure.maxBytes} bytes.`)
    case 'too_many':
      return failure.of === 'users'
        ? error(400, `No index narrows the request, and there are more than ${failure.max} users.`, 'tooMany')
        : error(413, `The request changes more than ${failure.max} memberships.`)
    case 'unsupported_media_type':
      return error(415, `The body must be ${scimMediaType} or application/json.`)
    case 'unsupported_encoding':
      return error(415, 'The Content-Encoding of the request must be identity.')
    case 'unreadable_body':
      return error(400, 'The body is not JSON in UTF-8.', 'invalidSyntax')
    case 'invalid':
      return error(
        400,
        failure.problems.map(({ field, problem }) => `${names[field] ?? field} ${describe(problem)}.`).join(' '),
        'invalidValue',
      )
    case 'invalid_request':
      return invalidRequest(failure)
    case 'locked_out':
    case 'rate_limited':
      return error(429, 'Too many requests.')
    case 'retired':
      return error(410, 'This API has been retired.')
    case 'contended':
    case 'upstream_unavailable':
    case 'unavailable':
      return error(503, 'The service is not available. Try again.')
  }
}

function invalidRequest({ own, issues }: Failure & { kind: 'invalid_request' }): FailureResponse {
  if (own) return error(400, own.detail, own.code as ScimType)
  const [issue] = issues
  // The kit itself refuses an absent body, and a cursor of another list.
  if (issue?.path[0] === 'cursor') return error(400, 'The cursor is not one of this list.', 'invalidCursor')
  if (issue?.path.length === 0) return error(400, 'The body is missing or malformed.', 'invalidSyntax')
  const sentences = issues.map(({ path, problem }) => `${path.join('.')} ${describe(problem)}.`)
  return error(400, sentences.join(' '), 'invalidValue')
}

function error(status: FailureResponse['status'], detail: string, scimType?: ScimType): FailureResponse {
  return { status, contentType: scimMediaType, body: errorBody(status, detail, scimType) }
}

export const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error'

export function errorBody(status: number, detail: string, scimType?: ScimType) {
  return { schemas: [errorSchema], status: String(status), ...(scimType && { scimType }), detail }
}

/** The error of a value, to follow the name of the attribute. */
export function describe(problem: Issue['problem']): string {
  switch (problem.rule) {
    case 'missing':
    case 'blank':
      return 'must have a value'
    case 'too_long':
      return `must have at most ${problem.max} characters`
    case 'below':
      return `must be at least ${problem.min}`
    case 'above':
      return `must be at most ${problem.max}`
    case 'characters':
      return 'must not contain control or invisible characters'
    case 'has_blanks':
      return 'must not contain blanks'
    case 'not_an_email':
      return 'must be an email address'
    case 'unparsable':
      return `must be of type ${problem.expected}`
    case 'repeated':
      return 'is given more than once'
    default:
      return 'is not valid'
  }
}

const described = Object.fromEntries(
  (
    [
      [400, 'Bad input'],
      [401, 'No valid credential'],
      [403, 'A permission is missing, or the group is built in'],
      [404, 'Not found'],
      [409, 'A unique value is taken, or this is the last active administrator'],
      [412, 'The resource has another version'],
      [413, 'The body is too large, or the request changes too many memberships'],
      [415, 'The body is of another type'],
      [429, 'Too many requests'],
      [503, 'Unavailable, try again'],
    ] as const
  ).map(([status, description]) => [status, { description, content: { [scimMediaType]: { schema: ScimError } } }]),
) as Record<400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 429 | 503, ScimAnswer<typeof ScimError>>

interface ScimAnswer<Schema> {
  description: string
  content: { 'application/scim+json': { schema: Schema } }
}

/** The failures of an operation, for the document. Every operation may return 429 and 503. */
export const failures = failuresOf(described)

/** For endpoints of the RFC that Usher does not offer. */
export function notImplemented(c: Context): Response {
  const { status, body, contentType = scimMediaType } = error(501, 'The endpoint is not offered.')
  return c.body(JSON.stringify(body), status, { 'content-type': contentType })
}
