/** Defines how `npm run rehearse` compares personnel with the original, and how it signs in. */
import type { Rehearsal } from '../../http/contract/rehearsal'

export const rehearsal: Rehearsal = {
  signIn: {
    operation: 'personnelToken',
    identifier: 'username',
    password: 'password',
    encoding: 'form',
    token: 'access_token',
  },
  sessionOperations: ['personnelToken', 'personnelLogout'],
  creates: ['personnelCreateUser'],
  identifiers: { user_id: 'user', role_id: 'role' },
  volatile: ['timestamp', 'expires_in'],
  tokens: ['access_token', 'refresh_token'],
  naturalKeys: ['email', 'matricule'],
  listsAreOrdered: true,
  listsArePaged: false,
  counts: [],
  succeeded: ({ status }) => status < 400,
  isInactive: ({ status }) => status === 'deactivated',
}
