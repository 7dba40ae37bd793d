/** Wrong values for rbac's create and update operations, and pydantic's messages for them. */
import { tamsin, type Entry } from './rbac'
import { roleIds } from './usher'

export const notAUuid = 'Input should be a valid UUID'
export const invalidUserId: Entry = [['path', 'user_id'], 'uuid_parsing', notAUuid]
export const notAString = 'Input should be a valid string'
export const notAnEmail = 'value is not a valid email address'
export const blank = 'Value error, must not be blank'
export const tooShort = 'String should have at least 8 characters'
export const tooLong = (most: number) => `String should have at most ${most} characters`
export const lastAdmin = 'The last active admin cannot be demoted, deactivated or deleted'
const notPlain = 'Value error, must not contain control or invisible characters'
const common = 'Value error, is among the most common passwords'
const personal = "Value error, must not be the user's own email, username or name"

type Wrong = [field: string, value: unknown, type: string, msg: string]
const each = (field: string, type: string, msg: string, ...values: unknown[]) =>
  values.map((value): Wrong => [field, value, type, msg])

const labels = (last: number) => `${'d'.repeat(63)}.${'d'.repeat(63)}.${'d'.repeat(last)}.org`
/** 254 characters, the longest email that is allowed. */
export const longestEmail = `${'m'.repeat(64)}@${labels(57)}`

/** Values that are wrong both when a user is created and when one is updated. */
export const wrongValues: Wrong[] = [
  ...each('email', 'string_type', notAString, 7, true, [], {}, ['maud@example.org']),
  ...each('email', 'value_error', notAnEmail, '', 'maud', 'maud@', '@example.org', 'maud@example', 'ma ud@example.org'),
  ...each('email', 'value_error', notAnEmail, 'a@b@example.org', '.maud@example.org', 'maud@example..org'),
  ...each('email', 'value_error', notAnEmail, 'maud@exam_ple.org', 'maud@[127.0.0.1]'),
  ...each('email', 'value_error', notAnEmail, 'Maud <maud>', 'Maud, M. <maud@example.org>', 'Maud maud@example.org'),
  ...each('email', 'value_error', notAnEmail, `${'m'.repeat(65)}@example.org`),
  ...each('email', 'string_too_long', tooLong(254), `${'m'.repeat(64)}@${labels(58)}`),
  ...each('email', 'value_error', notPlain, 'ma\u200bud@example.org', 'maud@example.org\u0000'),
  ...each('password', 'string_type', notAString, 20_302_030, true, {}, ['the tide is out']),
  ...each('password', 'string_too_short', tooShort, '', 'seven77', '🌊'.repeat(7)),
  ...each('password', 'string_too_long', tooLong(128), 'p'.repeat(129), '🌊'.repeat(129)),
  ...each('password', 'value_error', common, 'password123', 'PASSWORD123'),
  ...each('password', 'value_error', notPlain, 'the tide\u0000'),
  ...each('password', 'value_error', personal, tamsin.email.toUpperCase(), 'tamsin okello'),
  ...['first_name', 'last_name'].flatMap((field) => [
    ...each(field, 'string_type', notAString, 7, false, ['Maud'], { text: 'Maud' }),
    ...each(field, 'value_error', blank, '', ' ', '\u2003\u3000', '\u200d'),
    ...each(
      field,
      'value_error',
      notPlain,
      'Ma\u0000ud',
      'Ma\nud',
      'Ma\u202eud',
      'Ma\u200bud',
      'Ma\u2028ud',
      'Ma\ufeffud',
    ),
    ...each(field, 'string_too_long', tooLong(100), 'é'.repeat(101), '🌊'.repeat(101)),
  ]),
]

const at = (index: number, type: 'uuid_parsing' | 'uuid_type'): Entry => [
  ['body', 'role_ids', index],
  type,
  type === 'uuid_type' ? 'UUID input should be a string, bytes or UUID object' : notAUuid,
]
const { admin, user } = roleIds
const notAList: Entry = [['body', 'role_ids'], 'list_type', 'Input should be a valid list']
const misspelt = ['', 'user', user.slice(1), `${user}0`, ` ${user}`, `{${user}`, `URN:UUID:${user}`]

/** Wrong values of role_ids, whose items have locations of their own. */
export const wrongRoles: [unknown, ...Entry[]][] = [
  ...['user', user, 7, true, {}, { 0: user }].map((value): [unknown, Entry] => [value, notAList]),
  ...[...misspelt, `{${user.replaceAll('-', '')}}`].map((id): [unknown, Entry] => [[id], at(0, 'uuid_parsing')]),
  ...[7, null, true, [user], { id: user }].map((id): [unknown, Entry] => [[id], at(0, 'uuid_type')]),
  [[user, 'x', admin, 7], at(1, 'uuid_parsing'), at(3, 'uuid_type')],
]
