/** Where clinic differs from the original on purpose. The README has the table, with the responses of the original. */
import type { Answer, Deviation, Exchange } from '../../http/contract/rehearsal'

const [create, edit, login, logout, info, search] = [
  'clinicCreateUser',
  'clinicEditUser',
  'clinicLogin',
  'clinicLogout',
  'clinicGetUser',
  'clinicSearchUsers',
]
const forms = [create, edit]
const switches = ['clinicActivateUser', 'clinicDeactivateUser']

const envelopeOf = ({ json }: Answer) => Object(json) as { success?: unknown; errors?: unknown }
const errorsOf = (answer: Answer) => String(envelopeOf(answer).errors ?? '')
const isDone = (answer: Answer) => answer.status === 200 && envelopeOf(answer).success === true
const isFailure = (answer: Answer) => answer.status === 200 && envelopeOf(answer).success === false
const isHtml = ({ json }: Answer) => json === undefined
const isRedirect = ({ status }: Answer) => status === 301 || status === 302
const isLoginPage = (answer: Answer) => isRedirect(answer) && /\/login\/\?next=/.test(answer.headers['location'] ?? '')

/** The original accepted the request, and Usher refuses it with this line. */
const refuses = ({ recorded, received }: Exchange, line: RegExp) =>
  isDone(recorded) && isFailure(received) && line.test(errorsOf(received))
/** The original refused the request with this sentence, and Usher accepts it. */
const accepts = ({ recorded, received }: Exchange, sentence: RegExp) =>
  isFailure(recorded) && isDone(received) && sentence.test(errorsOf(recorded))

const wordsThatDjangoKnows = ['', 'False', 'false', '0', 'True', 'true', '1', 'on']
const isOddWord = (word: unknown) => word !== undefined && !wordsThatDjangoKnows.includes(String(word))

/** Whether LIKE finds every word somewhere in the record. SQL ignores the case of ASCII letters only. */
function isFoundLiterally(record: unknown, query: string): boolean {
  const fields = Object(record) as Record<string, unknown>
  const texts = ['username', 'last_name', 'first_name', 'email', 'certified_email'].map((name) =>
    String(fields[name] ?? ''),
  )
  const folded = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
  return query
    .split(' ')
    .filter((word) => word !== '')
    .every((word) => texts.some((text) => folded(text).includes(folded(word))))
}

export const deviations: readonly Deviation[] = [
  {
    id: 'not-signed-in',
    title: 'not signed in; not allowed',
    reason: 'A script cannot read a login page.',
    explains: (_, { recorded, received }) => isLoginPage(recorded) && [401, 403].includes(received.status),
  },
  {
    id: 'server-errors',
    title: 'unknown id; missing `query_string`, username or password',
    reason: 'The documentation says so.',
    explains: (_, { recorded, received }) => recorded.status === 500 && isHtml(recorded) && isFailure(received),
  },
  {
    id: 'reading',
    title: 'read and search',
    reason:
      'Not every user who can sign in may read a directory of patients’ doctors. [Move in](../../../docs/move-in.md#2-create-the-roles) names the role that gives the permission.',
    operations: [info, search],
    explains: (_, { recorded, received }) => recorded.status === 200 && received.status === 403,
  },
  {
    id: 'editing',
    title: 'edit',
    reason: 'Otherwise every user could become an administrator.',
    operations: [edit],
    explains: ({ place }, exchange) =>
      (isDone(exchange.recorded) && exchange.received.status === 403) ||
      refuses(exchange, /You are not allowed to change this/) ||
      (isDone(exchange.received) && /^\$\.data\.is_(active|admin|staff)$/.test(place)),
  },
  {
    id: 'last-admin',
    title: 'the last active administrator',
    reason: 'An administrator must remain to give other users access.',
    explains: (_, exchange) => refuses(exchange, /last active administrator/),
  },
  {
    id: 'students',
    title: 'students',
    reason: 'Here an administrator is a user with the role `admin`, of any `user_type`.',
    operations: forms,
    explains: (_, exchange) => accepts(exchange, /Students could not be admin users/),
  },
  {
    id: 'shared-emails',
    title: 'shared emails',
    reason:
      'Users sign in with their email, so it must identify one user. They also sign in with their username, in any spelling.',
    operations: forms,
    explains: (_, exchange) => refuses(exchange, /This (email|username) is already taken/),
  },
  {
    id: 'inactive-login',
    title: 'inactive user with the right password',
    reason: 'The response must not confirm a password.',
    operations: [login],
    explains: ({ place }, { recorded, received }) =>
      place === '$.errors' &&
      /^User \d+ disabled\.$/.test(errorsOf(recorded)) &&
      errorsOf(received) === 'Invalid login.',
  },
  {
    id: 'deactivated-session',
    title: 'open session of a deactivated user',
    reason: 'A deactivated user must lose access.',
    explains: (_, { callerIsInactive, received }) => callerIsInactive && received.status === 401,
  },
  {
    id: 'lockout',
    title: 'wrong passwords',
    reason: 'A limit on attempts prevents the guessing of passwords.',
    operations: [login],
    explains: (_, { recorded, received }) => recorded.status === 200 && received.status === 429,
  },
  {
    id: 'logout-by-others',
    title: '`logout` by a GET from another site, a prefetch or HEAD',
    reason: 'Another site, or a prefetch by a browser, must not end a session.',
    operations: [logout],
    explains: (_, { recorded, received, request }) =>
      recorded.status === 200 && (received.status === 403 || (request.method === 'HEAD' && received.status === 405)),
  },
  {
    id: 'cookie',
    title: 'the cookie',
    reason:
      'Other sites and plain http cannot use the cookie. Forms need no CSRF token, because the origin of a request is checked.',
    explains: ({ kind, place }, exchange) => {
      if (kind !== 'header' || !/^set-cookie: (sessionid|__Host-sessionid|csrftoken)$/.test(place)) return false
      // A client cannot use a sign-in without a session cookie.
      const isSignIn = exchange.operation === login && isDone(exchange.received)
      const hasCookie = exchange.received.cookies.some((cookie) => /^(__Host-)?sessionid=./.test(cookie))
      return !isSignIn || hasCookie || place.endsWith('csrftoken')
    },
  },
  {
    id: 'get-only',
    title: 'search, info and logout by POST',
    reason: 'The documentation defines them as GET.',
    explains: (_, { operation, request, recorded, received }) =>
      operation === undefined && request.method === 'POST' && recorded.status === 403 && received.status === 405,
  },
  {
    id: 'get-new',
    title: '`GET new`',
    reason: 'A GET request creates nothing.',
    explains: (_, { operation, request, recorded, received }) =>
      operation === undefined &&
      recorded.status === 200 &&
      request.method === 'GET' &&
      /\/new\/?$/.test(request.path) &&
      received.status === 405,
  },
  {
    id: 'failure-bodies',
    title: 'bodies of 404 and 405',
    reason: 'Clients parse JSON.',
    explains: ({ place }, { recorded, received }) =>
      isHtml(recorded) &&
      [404, 405].includes(recorded.status) &&
      recorded.status === received.status &&
      place === 'content-type',
  },
  {
    id: 'slash',
    title: 'a path without its slash',
    reason: '301 lets clients change the method.',
    explains: (_, { request, recorded, received }) =>
      !request.path.endsWith('/') &&
      // With DEBUG, Django refuses to redirect a POST.
      (isRedirect(recorded) || recorded.status === 500) &&
      [308, 404].includes(received.status),
  },
  {
    id: 'messages',
    title: 'messages',
    reason: '`MOST` is the name of the original’s product.',
    operations: forms,
    explains: ({ place, expected, received }) =>
      place === '$.message' &&
      // The original repeats the id as the path has it.
      String(expected).replace(/^MOST (User )0*(?=\d)/, '$1') === received,
  },
  {
    id: 'activated',
    title: '`activate`',
    reason: 'The message of the original is a mistake.',
    operations: switches,
    explains: ({ place, expected, received }) =>
      place === '$.message' &&
      String(expected)
        .replace(/^(User )0*(?=\d)/, '$1')
        .replace(/deactivated$/, 'activated') === received,
  },
  {
    id: 'wrong-input',
    title: 'wrong input',
    reason: 'A client can tell which field is wrong, and the text is not HTML.',
    operations: forms,
    explains: ({ place }, { recorded, received }) =>
      place === '$.errors' &&
      /^Unable to (create|edit) MOST user\b/.test(errorsOf(recorded)) &&
      /^Unable to (create|edit) user\b/.test(errorsOf(received)),
  },
  {
    id: 'sentences',
    title: 'sentences',
    reason: 'A response never repeats the input.',
    operations: [login, search],
    explains: ({ place }, { recorded, received }) =>
      place === '$.errors' && isFailure(recorded) && isFailure(received) && /^\w+: /.test(errorsOf(received)),
  },
  {
    id: 'ids-as-numbers',
    title: 'ids in responses',
    reason: 'Each user has exactly one id.',
    operations: [edit, info, ...switches],
    explains: ({ place, expected, received }, { request }) =>
      /\/0\d*\/\w+\/?$/.test(request.path) &&
      ((place === '$.data.id' && Number(expected) === Number(received)) ||
        (place === '$.message' && String(expected).replace(/^(User )0+(?=\d)/, '$1') === received)),
  },
  {
    id: 'uid',
    title: '`uid`',
    reason: 'All contracts share this identifier.',
    explains: ({ kind, place, received }) =>
      kind === 'form' && place.endsWith('.uid') && /^[0-9a-f]{32}$/.test(String(received)),
  },
  {
    id: 'clinicians',
    title: 'clinicians',
    reason: 'Neither the documentation nor the directory has these fields.',
    explains: ({ kind, place }) =>
      kind === 'missing key' && /\.(clinician_type|specialization|is_health_care_provider)$/.test(place),
  },
  {
    id: 'new-is-active',
    title: 'absent `is_active` in `new`',
    reason: 'The documentation states this default.',
    operations: [create],
    explains: ({ place, received }, { request }) =>
      place === '$.data.is_active' && received === true && request.fields['is_active'] === undefined,
  },
  {
    id: 'is-staff',
    title: '`is_staff`',
    reason: 'The documentation states this default, and the original’s clients never send the field.',
    explains: ({ kind, place }) => kind === 'value' && place.endsWith('.is_staff'),
  },
  {
    id: 'booleans',
    title: 'other words for a boolean',
    reason: 'A typing error must not make an administrator.',
    operations: forms,
    explains: ({ place }, exchange) =>
      refuses(exchange, /: Enter yes or no\./) ||
      ['is_active', 'is_admin'].some((name) => place === `$.data.${name}` && isOddWord(exchange.request.fields[name])),
  },
  {
    id: 'birth-dates',
    title: '`birth_date` in requests',
    reason: 'A record can be sent back as it was shown.',
    operations: forms,
    explains: (_, exchange) => accepts(exchange, /Enter a valid date/),
  },
  {
    id: 'pin',
    title: '`numeric_password`',
    reason: 'The documentation says so. Four digits cannot protect an account.',
    operations: forms,
    explains: (_, exchange) => refuses(exchange, /^numeric_password: /m),
  },
  {
    id: 'password',
    title: '`password`',
    reason: 'Without a password the user cannot sign in.',
    operations: forms,
    explains: (_, exchange) =>
      refuses(exchange, /^password: /m) ||
      (isDone(exchange.recorded) && exchange.received.status === 403 && Boolean(exchange.request.fields['password'])),
  },
  {
    id: 'certified-email',
    title: '`certified_email`',
    reason: 'The longest valid address has 254 characters.',
    operations: forms,
    explains: (_, exchange) => refuses(exchange, /^(certified_)?email: Ensure this value has at most/m),
  },
  {
    id: 'json-bodies',
    title: 'JSON bodies',
    reason: 'Many clients send only JSON.',
    operations: [...forms, login],
    explains: (_, { request, recorded, received }) =>
      /[/+]json\b/i.test(request.contentType) &&
      (recorded.status === 500 || (isFailure(recorded) && (isDone(received) || isFailure(received)))),
  },
  {
    id: 'json-text',
    title: 'JSON in responses',
    reason: 'Every JSON parser reads both.',
  },
  {
    id: 'search-order',
    title: 'members of `search`',
    reason: 'The results are streamed in any number.',
  },
  {
    id: 'search-words',
    title: 'words of `search`',
    reason: 'Names are found without their accents. Many short words alone would read the whole directory.',
    operations: [search],
    explains: ({ kind, received }, exchange) => {
      const query = exchange.request.query['query_string'] ?? ''
      if (kind === 'extra item') return !isFoundLiterally(received, query)
      return exchange.recorded.status === 200 && /^query_string: /.test(errorsOf(exchange.received))
    },
  },
]
