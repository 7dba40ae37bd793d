/** Describes the problem of a value in English, for contracts whose original has no words of its own. */
import { unrendered, type Issue } from './failure'

/** Returns the end of a sentence that begins with the name of the field: `must not be blank`. */
export function describe(problem: Issue['problem']): string {
  switch (problem.rule) {
    case 'missing':
      return 'is required'
    case 'wrong_type':
      return `must be ${article(problem.expected)}`
    case 'unparsable':
      return `does not read as ${article(problem.expected)}`
    case 'fractional':
      return 'must be a whole number'
    case 'too_many':
      return `must have at most ${problem.max} ${problem.of}`
    case 'not_one_of':
      return `must be one of ${problem.options.join(', ')}`
    case 'not_confirmed':
      return 'contradicts another field'
    case 'malformed':
      return 'is not valid'
    case 'blank':
      return 'must not be blank'
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
    case 'not_a_date':
      return 'must be a date, YYYY-MM-DD'
    case 'not_a_uuid':
      return 'must be a uuid'
    case 'not_a_time_to_come':
      return 'must be a time to come, as 2027-01-31T12:00:00Z'
    case 'not_a_webhook_url':
      return 'must be an https URL of at most 2,000 characters, without credentials or a fragment'
    case 'not_four_digits':
      return 'must be four digits'
    case 'password_too_short':
      return `must have at least ${problem.min} characters`
    case 'password_common':
      return 'is among the most common passwords'
    case 'wrong':
      return 'is wrong'
    case 'repeated':
      return 'is given twice'
    case 'too_many_short_words':
      return `must have at most ${problem.max} words, or a word of at least ${problem.longWord} characters`
    case 'password_personal':
      return "must not be the user's own email, username or name"
    default:
      return unrendered(problem)
  }
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}
