/** Renders every failure as clinic does: an envelope, with HTTP 200 when the request was understood. */
import { unrendered, type Failure, type Issue } from '../../http/contract/failure'
import type { FailureResponse } from '../../http/contract/contract-types'
import { failuresOf, json } from '../../http/contract/json'
import { wireName } from './mapping'
import { ClinicFailure, ClinicUserEdit } from './schemas'

/** `path` is the path of the request. It names the user, and validation failures start with the action that failed. */
export function toFailureResponse(failure: Failure, path: string): FailureResponse {
  switch (failure.kind) {
    case 'no_credentials':
    case 'unauthenticated':
      return failed('Authentication required.', 401)
    case 'forbidden':
      if (failure.fields) return invalid(path, inOrder(failure.fields.map(wireName)).map(notYours))
      return failed('You are not allowed to do this.', 403)
    case 'own_password':
      return failed('You are not allowed to do this.', 403)
    case 'cross_site':
      return failed('Cross-site request refused.', 403)
    case 'no_such_path':
    case 'resource_not_found':
      return failed('Not found.', 404)
    case 'method_not_allowed':
      return failed(`Method not allowed: use ${failure.allowed.join(' or ')}.`, 405)
    case 'body_too_large':
    case 'too_many':
      return failed('The request is too large.', 413)
    case 'locked_out':
    case 'rate_limited':
      return failed('Too many attempts, try again later.', 429)
    case 'retired':
      return failed('This service has been retired.', 410)
    case 'contended':
    case 'upstream_unavailable':
    case 'unavailable':
      return failed('The service is unavailable, try again later.', 503)
    case 'invalid_credentials':
    case 'invalid_refresh_token':
    case 'invalid_password_token':
      return failed('Invalid login.')
    case 'user_not_found':
      return failed(`User ${askedOf(path)} not found.`)
    case 'role_not_found':
      return failed('Role not found.')
    case 'last_admin':
      return failed('The last active administrator must stay one.')
    case 'role_refused':
    case 'idempotency_key_reused':
    case 'version_mismatch':
      return failed('The request conflicts with what is there.')
    case 'unreadable_body':
    case 'unsupported_media_type':
      return failed('The request could not be read.')
    case 'unsupported_encoding':
      return failed('The request could not be read: its Content-Encoding must be identity.')
    case 'already_taken':
      return invalid(
        path,
        failure.fields.map((field) => [field, `This ${field} is already taken.`]),
      )
    case 'invalid':
      return invalid(
        path,
        failure.problems.map(({ field, problem }) => [wireName(field), describe(problem)]),
      )
    case 'invalid_request':
      if (failure.part === 'path') return failed('Not found.', 404)
      return invalid(
        path,
        failure.issues.map(({ path: [field = 'body'], problem }) => [String(field), describe(problem)]),
      )
    default:
      return unrendered(failure)
  }
}

function failed(errors: string, status: FailureResponse['status'] = 200): FailureResponse {
  return { status, body: { success: false, errors } }
}

/** The number of the user as the client sent it, at most 64 digits. */
function askedOf(path: string): string {
  return /\/(\d+)\/\w+\/$/.exec(path)?.[1]?.slice(0, 64) ?? ''
}

function invalid(path: string, lines: readonly [field: string, sentence: string][]): FailureResponse {
  const headline = path.endsWith('/edit/')
    ? [`Unable to edit user ${askedOf(path)}.`]
    : path.endsWith('/new/')
      ? ['Unable to create user.']
      : []
  return failed([...headline, ...lines.map(([field, sentence]) => `${field}: ${sentence}`)].join('\n'))
}

/** Sorts fields in the order of the original's documentation. */
function inOrder(names: readonly string[]): string[] {
  return Object.keys(ClinicUserEdit.shape).filter((name) => names.includes(name))
}

const notYours = (field: string): [field: string, sentence: string] => [field, 'You are not allowed to change this.']

function describe(problem: Issue['problem']): string {
  switch (problem.rule) {
    case 'missing':
    case 'blank':
      return 'This field is required.'
    case 'unparsable':
      return problem.expected === 'boolean' ? 'Enter yes or no.' : 'Enter a valid value.'
    case 'wrong_type':
    case 'fractional':
    case 'not_a_webhook_url':
    case 'malformed':
    case 'characters':
    case 'not_a_time_to_come':
    case 'not_a_uuid':
    case 'not_confirmed':
    case 'repeated':
    case 'wrong':
      return 'Enter a valid value.'
    case 'too_many':
      return `Ensure this value has at most ${problem.max} ${problem.of}.`
    case 'not_one_of':
      return `Select one of ${problem.options.join(', ')}.`
    case 'too_long':
      return `Ensure this value has at most ${problem.max} characters.`
    case 'password_too_short':
      return `Ensure this value has at least ${problem.min} characters.`
    case 'below':
      return `Ensure this value is at least ${problem.min}.`
    case 'above':
      return `Ensure this value is at most ${problem.max}.`
    case 'has_blanks':
      return 'This value may not contain blanks.'
    case 'not_an_email':
      return 'Enter a valid email address.'
    case 'not_a_date':
      return 'Enter a valid date.'
    case 'not_four_digits':
      return 'Enter four digits.'
    case 'password_common':
      return 'This password is too common.'
    case 'too_many_short_words':
      return `Use at most ${problem.max} words, or a word of at least ${problem.longWord} characters.`
    case 'password_personal':
      return 'This password may not be the email, username or name.'
    default:
      return unrendered(problem)
  }
}

const described = {
  401: json(ClinicFailure, 'Not signed in'),
  403: json(ClinicFailure, 'A permission is missing, or the request comes from another site'),
  404: json(ClinicFailure, 'The id is no number'),
  413: json(ClinicFailure, 'The body is too large'),
  429: json(ClinicFailure, 'Too many attempts'),
  503: json(ClinicFailure, 'Unavailable, try again'),
}

/**
 * The failures of an operation with a status other than 200, for the OpenAPI document. Any operation may return 429 and
 * 503.
 */
export const failures = failuresOf(described)
