/** Where v1 differs from the page that describes it. The README has the table. */
import type { Deviation } from '../../http/contract/rehearsal'

export const deviations: readonly Deviation[] = [
  {
    id: 'more-fields',
    title: 'fields of a user',
    reason: 'The house contract shows the whole record. A client ignores fields that it does not know.',
    explains: ({ kind, record }) => kind === 'extra key' && record !== undefined,
  },
  {
    id: 'user-ids',
    title: 'ids of users',
    reason: 'A client cannot guess ids by counting.',
    explains: ({ kind, received }) => kind === 'form' && /^usr_[0-9a-f]{32}$/.test(String(received)),
  },
  {
    id: 'more-statuses',
    title: 'statuses of failures',
    reason: 'A client can tell these failures apart.',
    explains: (_, { recorded, received }) =>
      recorded.status >= 400 &&
      recorded.status !== received.status &&
      [403, 405, 409, 412, 413, 415, 422, 503].includes(received.status),
  },
]
