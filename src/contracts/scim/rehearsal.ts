/** Defines how `npm run rehearse` compares scim with another server of SCIM 2.0, and how it signs in. */
import type { Rehearsal } from '../../http/contract/rehearsal'

export const rehearsal: Rehearsal = {
  // SCIM has no sign-in. A session of v1 acts for the same user as an API key.
  signIn: {
    operation: undefined,
    path: '/v1/auth/login',
    identifier: 'identifier',
    password: 'password',
    encoding: 'json',
    token: 'access_token',
  },
  sessionOperations: [],
  readOperations: ['scimSearchUsers', 'scimSearchGroups'],
  creates: ['scimCreateUser', 'scimCreateGroup'],
  // Every identifier is a uuid, so users and groups need no separate kinds.
  identifiers: { id: 'user', 'members.value': 'user', 'groups.value': 'user' },
  volatile: ['created', 'lastModified', 'version'],
  tokens: ['nextCursor'],
  addresses: ['location', '$ref', 'documentationUri'],
  naturalKeys: ['userName', 'externalId'],
  listsAreOrdered: true,
  listsArePaged: true,
  counts: ['$.totalResults', '$.itemsPerPage'],
  succeeded: ({ status }) => status < 400,
  isInactive: ({ active }) => active === false,
}
