/** Defines how `npm run rehearse` compares v1 with another API that speaks it, and how it signs in. */
import type { Rehearsal } from '../../http/contract/rehearsal'

export const rehearsal: Rehearsal = {
  signIn: {
    operation: 'v1Login',
    identifier: 'identifier',
    password: 'password',
    encoding: 'json',
    token: 'access_token',
  },
  sessionOperations: ['v1Login', 'v1Refresh', 'v1Logout'],
  creates: ['v1CreateUser'],
  identifiers: {
    id: 'user',
    user_id: 'user',
    user: 'user',
    actor_id: 'user',
    actor: 'user',
    'roles.id': 'role',
    'credential.id': 'credential',
    subject_id: 'subject',
    number: 'role number',
  },
  volatile: [
    'created_at',
    'updated_at',
    'at',
    'last_used_at',
    'expires_at',
    'expires_in',
    'request_id',
    'address',
    // The rehearsal names itself, and not the recorded program.
    'program',
    // Fields of the diagnostics: facts of the deployment.
    'now',
    'version',
    'region',
    'size_bytes',
    'trip_milliseconds',
    'milliseconds',
  ],
  tokens: ['access_token', 'refresh_token', 'token', 'key', 'secret', 'previous_secret', 'next_cursor'],
  naturalKeys: ['email', 'username', 'matricule'],
  listsAreOrdered: true,
  listsArePaged: true,
  counts: ['$.pagination.total'],
  succeeded: ({ status }) => status < 400,
  isInactive: ({ status }) => status === 'inactive',
}
