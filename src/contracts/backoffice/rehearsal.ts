/** Defines how `npm run rehearse` compares backoffice with the original, and how it signs in. */
import type { Rehearsal } from '../../http/contract/rehearsal'

export const rehearsal: Rehearsal = {
  signIn: {
    operation: 'backofficeLogin',
    identifier: 'username',
    password: 'password',
    encoding: 'json',
    token: 'token',
  },
  sessionOperations: ['backofficeLogin', 'backofficeLogout'],
  creates: ['backofficeCreateUser'],
  identifiers: { user_id: 'user', role_id: 'role' },
  volatile: [],
  tokens: ['token'],
  naturalKeys: ['email', 'username'],
  listsAreOrdered: true,
  listsArePaged: true,
  counts: ['$.meta.total'],
  succeeded: ({ status }) => status < 400,
  isInactive: ({ user_status }) => user_status === 'inactive',
}
