/** Where personnel differs from the original on purpose. The README has the table. */
import type { Deviation } from '../../http/contract/rehearsal'

export const deviations: readonly Deviation[] = [
  {
    id: 'no-hash',
    title: '`password` in responses',
    reason:
      'A published hash can be attacked offline. The original shows the constant for two of its own users, so clients know it.',
    explains: ({ kind, place, received }) =>
      kind === 'value' && place.endsWith('.password') && received === 'password_hashed',
  },
  {
    id: 'unknown-user-404',
    title: 'unknown user',
    reason:
      'The server did not fail. The identifier in the sentence is input, so it is escaped and cut at 64 characters.',
    explains: (_, { recorded, received }) => recorded.status === 500 && received.status === 404,
  },
  {
    id: 'reading-takes-a-token',
    title: '`GET /users/{user_id}` without a token',
    reason: 'Otherwise anyone could read records by guessing identifiers.',
    operations: ['personnelGetUser'],
    explains: (_, { recorded, received }) => recorded.status < 400 && received.status === 401,
  },
  {
    id: 'no-echo',
    title: 'entries of a 422',
    reason: 'Passwords would come back in responses and end in logs.',
    explains: ({ kind, place }) => kind === 'missing key' && /^\$\.detail\[\*\]\.(input|ctx|url)$/.test(place),
  },
  {
    id: 'no-position',
    title: '`uuid_parsing` and `json_invalid`',
    reason: 'The position would reveal parts of the input.',
    explains: ({ kind, place, recorded, received }) =>
      (kind === 'value' &&
        place === '$.detail[*].msg' &&
        [recorded, received].every((text) => String(text).startsWith('Input should be a valid UUID'))) ||
      (kind === 'value' && place === '$.detail[*].loc[*]' && typeof recorded === 'number' && received === 0),
  },
  {
    id: 'bearer-error',
    title: '`WWW-Authenticate` for an invalid token',
    reason: 'RFC 6750 requires it, and a client can distinguish it from a missing token.',
    explains: ({ kind, place, received }) =>
      kind === 'header' && place === 'www-authenticate' && String(received).startsWith('Bearer'),
  },
  {
    id: 'no-content-length',
    title: '`Content-Length` of the list',
    reason: 'The list is streamed, so that it is complete at any size.',
  },
]
