/** Defines how `npm run rehearse` compares rbac with the original, and how it signs in. */
import type { Rehearsal } from '../../http/contract/rehearsal'

export const rehearsal: Rehearsal = {
  signIn: {
    operation: 'rbacLogin',
    identifier: 'email',
    password: 'password',
    encoding: 'json',
    token: 'access_token',
  },
  sessionOperations: ['rbacLogin', 'rbacRefresh', 'rbacLogout'],
  creates: ['rbacCreateUser'],
  identifiers: { id: 'user', user_id: 'user', 'roles.id': 'role', role_id: 'role' },
  volatile: ['created_at', 'updated_at'],
  tokens: ['access_token', 'refresh_token'],
  naturalKeys: ['email'],
  listsAreOrdered: true,
  listsArePaged: true,
  counts: ['$.pagination.total', '$.pagination.pages'],
  succeeded: ({ status }) => status < 400,
  isInactive: ({ is_active }) => is_active === false,
}
