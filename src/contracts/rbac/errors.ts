/**
 * Renders every failure as rbac does: `{"detail": ...}`, FastAPI's own for invalid input, English sentences for the
 * rest.
 */
import { unrendered, type Failure } from '../../http/contract/failure'
import type { FailureResponse } from '../../http/contract/contract-types'
import { failuresOf, json } from '../../http/contract/json'
import { toValidationErrors } from '../../http/frameworks/pydantic'
import { wireName } from './mapping'
import { RbacError, RbacValidationError } from './schemas'

export function toFailureResponse(failure: Failure): FailureResponse {
  switch (failure.kind) {
    case 'no_credentials':
      return detail(401, 'Not authenticated')
    case 'unauthenticated':
      return detail(401, 'Invalid token')
    case 'invalid_credentials':
      return detail(401, 'Incorrect email or password')
    case 'invalid_password_token':
    case 'invalid_refresh_token':
      return detail(401, 'Invalid refresh token')
    case 'forbidden':
      return detail(
        403,
        `Insufficient permissions.${failure.missing.length > 0 ? ` Missing: ${failure.missing.join(', ')}` : ''}`,
      )
    case 'cross_site':
      return detail(403, 'Insufficient permissions.')
    case 'own_password':
      return detail(403, 'Insufficient permissions. Your own password is changed with the current one')
    case 'no_such_path':
      return detail(404, 'Not Found')
    case 'user_not_found':
      return detail(404, 'User not found')
    case 'role_not_found':
      return detail(404, 'Role not found')
    case 'resource_not_found':
      return detail(404, 'Not Found')
    case 'method_not_allowed':
      return detail(405, 'Method Not Allowed')
    case 'already_taken':
      return detail(409, `Already registered: ${failure.fields.map(wireName).join(', ')}`)
    case 'role_refused':
    case 'idempotency_key_reused':
    case 'version_mismatch':
      return detail(409, 'Conflict')
    case 'last_admin':
      return detail(409, 'The last active admin cannot be demoted, deactivated or deleted')
    case 'body_too_large':
    case 'too_many':
      return detail(413, 'Request body too large')
    case 'invalid':
    case 'invalid_request':
    case 'unreadable_body':
    case 'unsupported_media_type':
    case 'unsupported_encoding':
      return { status: 422, body: { detail: toValidationErrors(failure, wireName) } }
    case 'locked_out':
      return detail(429, 'Too many failed sign-ins, try again later')
    case 'rate_limited':
      return detail(429, 'Too many requests')
    case 'retired':
      return detail(410, 'This API has been retired')
    case 'contended':
    case 'upstream_unavailable':
    case 'unavailable':
      return detail(503, 'Service unavailable, try again later')
    default:
      return unrendered(failure)
  }
}

function detail(status: FailureResponse['status'], sentence: string): FailureResponse {
  return { status, body: { detail: sentence } }
}

const described = {
  401: json(RbacError, 'No valid credentials'),
  403: json(RbacError, 'A permission is missing'),
  404: json(RbacError, 'No such user or role'),
  409: json(RbacError, 'The email is taken, or this is the last active admin'),
  413: json(RbacError, 'The body is too large'),
  422: json(RbacValidationError, 'Validation Error'),
  429: json(RbacError, 'Too many requests'),
  503: json(RbacError, 'Unavailable, try again'),
}

/** The failures of an operation, for the OpenAPI document. Any operation may return 429 and 503. */
export const failures = failuresOf(described)
