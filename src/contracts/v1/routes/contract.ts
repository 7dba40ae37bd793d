/** The contract that the routes of this folder belong to. */
import { createContract } from '../../../http/contract/contract'
import { toFailureResponse } from '../errors'
import { originalSignIn } from '../original-sign-in'

export const contract = createContract({
  name: 'v1',
  title: 'The house contract',
  description: 'The complete API, for new applications.',
  keepsBasePathOnHost: true,
  tags: [
    { name: 'auth', description: 'Signing in, refreshing and signing out' },
    { name: 'me', description: 'The signed-in user' },
    { name: 'users', description: 'Users: create, find, change, deactivate, delete, and their roles' },
    { name: 'passwords', description: 'Set-password tokens' },
    { name: 'sessions', description: 'The sessions of a user' },
    { name: 'roles', description: 'Roles and their permissions' },
    { name: 'api-keys', description: 'Keys for programs' },
    { name: 'audit-events', description: 'The audit trail' },
    { name: 'webhooks', description: 'Webhooks for changes of users' },
    { name: 'imports', description: 'Moving users in' },
    { name: 'migration', description: 'How far the adoption of passwords has come' },
    { name: 'exports', description: 'Moving users out' },
    { name: 'usage', description: 'Which users and programs use which operations' },
    { name: 'diagnostics', description: 'The state of the deployment and of the directory' },
  ],
  toFailureResponse,
  originalSignIn,
})

export const { app } = contract
