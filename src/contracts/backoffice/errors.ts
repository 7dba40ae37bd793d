/** Renders every failure as backoffice does: `{"message": ...}`, and Laravel's sentences by field for invalid input. */
import { unrendered, type Failure, type Issue } from '../../http/contract/failure'
import type { FailureResponse } from '../../http/contract/contract-types'
import { failuresOf, json } from '../../http/contract/json'
import { wireName } from './mapping'
import { BackofficeMessage, BackofficeValidationError } from './schemas'

export function toFailureResponse(failure: Failure): FailureResponse {
  switch (failure.kind) {
    case 'unreadable_body':
      return message(400, 'The request body could not be read.')
    case 'no_credentials':
    case 'unauthenticated':
    case 'invalid_refresh_token':
    case 'invalid_password_token':
      return message(401, 'Unauthenticated.')
    case 'invalid_credentials':
      return message(401, 'Invalid credentials')
    case 'cross_site':
    case 'forbidden':
    case 'own_password':
      return message(403, 'This action is unauthorized.')
    case 'no_such_path':
    case 'resource_not_found':
      return message(404, 'Not Found')
    case 'user_not_found':
      return message(404, 'User not found')
    case 'method_not_allowed':
      return message(405, `The method is not supported here. Supported methods: ${failure.allowed.join(', ')}.`)
    case 'last_admin':
      return message(409, 'The last active administrator cannot be demoted, deactivated or deleted.')
    case 'role_refused':
    case 'idempotency_key_reused':
    case 'version_mismatch':
      return message(409, 'Conflict')
    case 'body_too_large':
    case 'too_many':
      return message(413, 'The request body is too large.')
    case 'unsupported_media_type':
      return message(415, 'The request body must be JSON.')
    case 'unsupported_encoding':
      return message(415, 'The Content-Encoding of the request must be identity.')
    case 'invalid_request':
      return invalid(failure.issues.map(({ path, problem }) => [String(path[0] ?? 'body'), problem]))
    case 'invalid':
      return invalid(failure.problems.map(({ field, problem }) => [wireName(field), problem]))
    case 'already_taken':
      return unprocessable(failure.fields.map((field) => [field, `The ${field} has already been taken.`]))
    case 'role_not_found':
      return unprocessable([['role_id', 'The selected role id is invalid.']])
    case 'locked_out':
    case 'rate_limited':
      return message(429, 'Too Many Attempts.')
    case 'retired':
      return message(410, 'This API has been retired.')
    case 'contended':
    case 'upstream_unavailable':
    case 'unavailable':
      return message(503, 'Service Unavailable')
    default:
      return unrendered(failure)
  }
}

function message(status: FailureResponse['status'], sentence: string): FailureResponse {
  return { status, body: { message: sentence } }
}

function invalid(problems: readonly [field: string, problem: Issue['problem']][]): FailureResponse {
  return unprocessable(problems.map(([field, problem]) => [field, describe(field, problem)]))
}

/** The message is the first sentence and the number of the others. */
function unprocessable(sentences: readonly [field: string, sentence: string][]): FailureResponse {
  const errors = new Map<string, string[]>()
  for (const [field, sentence] of sentences) errors.set(field, [...(errors.get(field) ?? []), sentence])
  const others = sentences.length - 1
  const more = others > 0 ? ` (and ${others} more error${others > 1 ? 's' : ''})` : ''
  return { status: 422, body: { message: `${sentences[0]?.[1]}${more}`, errors: Object.fromEntries(errors) } }
}

function describe(field: string, problem: Issue['problem']): string {
  const name = field.replaceAll('_', ' ')
  switch (problem.rule) {
    case 'missing':
    case 'blank':
      return `The ${name} field is required.`
    case 'wrong_type':
      return `The ${name} field must be ${problem.expected === 'integer' ? 'an' : 'a'} ${problem.expected}.`
    case 'unparsable':
    case 'fractional':
      return `The ${name} field must be an integer.`
    case 'too_many':
      return `The ${name} field must not have more than ${problem.max} ${problem.of}.`
    case 'not_one_of':
    case 'not_a_webhook_url':
    case 'malformed':
    case 'repeated':
      return `The selected ${name} is invalid.`
    case 'too_long':
      return `The ${name} field must not be greater than ${problem.max} characters.`
    case 'password_too_short':
      return `The ${name} field must be at least ${problem.min} characters.`
    case 'below':
      // Role numbers start at 1, so no role has a smaller one.
      return field === 'role_id'
        ? `The selected ${name} is invalid.`
        : `The ${name} field must be at least ${problem.min}.`
    case 'above':
      return field === 'role_id'
        ? `The selected ${name} is invalid.`
        : `The ${name} field must not be greater than ${problem.max}.`
    case 'not_an_email':
      return `The ${name} field must be a valid email address.`
    case 'not_a_date':
    case 'not_a_time_to_come':
      return `The ${name} field must be a valid date.`
    case 'not_a_uuid':
      return `The ${name} field must be a valid UUID.`
    case 'not_confirmed':
      return `The ${name} field confirmation does not match.`
    case 'not_four_digits':
      return `The ${name} field must be 4 digits.`
    case 'characters':
    case 'has_blanks':
      return `The ${name} field format is invalid.`
    case 'wrong':
      return 'The password is incorrect.'
    case 'password_common':
      return `The ${name} field must not be a common password.`
    case 'too_many_short_words':
      return `The ${name} field must have at most ${problem.max} words, or a word of at least ${problem.longWord} characters.`
    case 'password_personal':
      return `The ${name} field must not be the email, username or name.`
    default:
      return unrendered(problem)
  }
}

const described = {
  400: json(BackofficeMessage, 'The body is not valid JSON'),
  401: json(BackofficeMessage, 'No valid credentials'),
  403: json(BackofficeMessage, 'A permission is missing, or the user is the caller'),
  404: json(BackofficeMessage, 'User not found'),
  409: json(BackofficeMessage, 'This is the last active administrator'),
  413: json(BackofficeMessage, 'The body is too large'),
  415: json(BackofficeMessage, 'The body is not JSON'),
  422: json(BackofficeValidationError, 'Invalid, missing or taken fields'),
  429: json(BackofficeMessage, 'Too many requests'),
  503: json(BackofficeMessage, 'Unavailable, try again'),
}

/** The failures of an operation, for the OpenAPI document. Any operation may return 429 and 503. */
export const failures = failuresOf(described)
