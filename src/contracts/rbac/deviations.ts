/** Where rbac differs from the original on purpose. The README has the table. */
import type { Answer, Deviation } from '../../http/contract/rehearsal'

interface Entry {
  loc?: unknown[]
  type?: unknown
}

/** The entries of a 422. */
function entriesOf({ status, json }: Answer): Entry[] {
  const { detail } = Object(json) as { detail?: unknown }
  return status === 422 && Array.isArray(detail) ? (detail as Entry[]) : []
}

export const deviations: readonly Deviation[] = [
  {
    id: 'no-echo',
    title: 'entries of a 422',
    reason: 'Passwords would come back in responses and end in logs.',
    explains: ({ kind, place }) => kind === 'missing key' && /^\$\.detail\[\*\]\.(input|ctx|url)$/.test(place),
  },
  {
    id: 'no-position',
    title: '`uuid_parsing`, and `value_error` of an email',
    reason: 'The position would reveal parts of the input.',
    explains: ({ kind, place, recorded, received }) =>
      kind === 'value' &&
      place === '$.detail[*].msg' &&
      ['Input should be a valid UUID', 'value is not a valid email address'].some((start) =>
        [recorded, received].every((text) => String(text).startsWith(start)),
      ),
  },
  {
    id: 'no-blank-names',
    title: 'a blank first or last name',
    reason:
      'A list of users without names is of no use. A user from another contract without a last name shows `""`, and keeps it.',
    operations: ['rbacCreateUser', 'rbacUpdateUser'],
    explains: (_, { recorded, received }) =>
      recorded.status < 400 &&
      entriesOf(received).some(({ loc = [] }) => ['first_name', 'last_name'].includes(String(loc.at(-1)))),
  },
  {
    id: 'last-page',
    title: 'the largest page number',
    reason: 'Up to this page, the number of users before the page is an exact integer.',
    operations: ['rbacListUsers'],
    explains: (_, { request, received }) =>
      received.status === 422 && Number(request.query['page']) > 90_071_992_547_409,
  },
  {
    id: 'trailing-slash',
    title: 'a trailing slash',
    reason: 'A redirect would send the token to its target.',
    explains: (_, { request, recorded, received }) =>
      request.path.endsWith('/') && [301, 307, 308].includes(recorded.status) && received.status === 404,
  },
  {
    id: 'head',
    title: 'HEAD',
    reason: 'RFC 9110 requires it.',
    explains: (_, { request, recorded, received }) =>
      request.method === 'HEAD' && recorded.status === 405 && received.status !== 405,
  },
  {
    id: 'not-utf8',
    title: 'a body that is not UTF-8',
    reason: 'Such a body is unreadable JSON, and all other unreadable JSON is 422.',
    explains: (_, { recorded, received }) =>
      recorded.status === 400 && entriesOf(received).some(({ type }) => type === 'json_invalid'),
  },
  {
    id: 'bearer-error',
    title: '`WWW-Authenticate` for an invalid token',
    reason: 'RFC 6750 requires it, and a client can distinguish it from a missing token.',
    explains: ({ kind, place, received }) =>
      kind === 'header' && place === 'www-authenticate' && String(received).startsWith('Bearer'),
  },
]
