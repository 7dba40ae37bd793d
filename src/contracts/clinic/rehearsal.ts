/** Defines how `npm run rehearse` compares clinic with the original, and how it signs in. */
import type { Answer, Rehearsal } from '../../http/contract/rehearsal'

export const rehearsal: Rehearsal = {
  signIn: {
    operation: 'clinicLogin',
    identifier: 'username',
    password: 'password',
    encoding: 'form',
    cookies: ['sessionid', '__Host-sessionid'],
  },
  sessionOperations: ['clinicLogin', 'clinicLogout'],
  creates: ['clinicCreateUser'],
  identifiers: { id: 'user', user_id: 'user', uid: 'uid' },
  volatile: [],
  tokens: [],
  naturalKeys: ['username', 'email'],
  listsAreOrdered: false,
  listsArePaged: false,
  counts: ['$.success', '$.total_count', '$.message'],
  succeeded,
  isInactive: ({ is_active }) => is_active === false,
}

/** A search without hits has `success: false` and an empty list. It counts as a success. */
function succeeded({ status, json }: Answer): boolean {
  if (status !== 200) return false
  const { success, data } = Object(json) as { success?: unknown; data?: unknown }
  return success !== false || Array.isArray(data)
}
