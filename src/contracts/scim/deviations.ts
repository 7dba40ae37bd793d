/** Where scim differs from RFC 7643 and RFC 7644 on purpose. The README has the table. */
import type { Deviation } from '../../http/contract/rehearsal'

export const deviations: readonly Deviation[] = [
  {
    id: 'no-passwords',
    title: '`password`',
    reason: 'Okta sends everyone a placeholder, which would be a credential that nobody chose.',
  },
  {
    id: 'put-keeps',
    title: 'attributes that a PUT leaves out',
    reason: 'Other contracts own them too. A PUT without `active` must not reactivate anyone.',
    operations: ['scimPutUser'],
  },
  {
    id: 'one-email',
    title: '`emails`',
    reason: 'The email identifies the user in every contract.',
  },
  {
    id: 'unique-emails',
    title: 'uniqueness of `emails`',
    reason: 'The email signs in, so no two users share one.',
  },
  {
    id: 'active-stays',
    title: 'PATCH that removes `active`',
    reason: 'It would be a deactivation or a reactivation that the client does not name.',
    operations: ['scimPatchUser'],
  },
  {
    id: 'groups-give-authority',
    title: '`roles` and `entitlements`',
    reason: 'Authority is given through groups alone.',
  },
  {
    id: 'own-external-id',
    title: '`externalId`',
    reason: 'Several providers may provision one directory.',
  },
  {
    id: 'users-in-groups',
    title: 'members of a group',
    reason: 'Roles do not nest.',
  },
  {
    id: 'known-members',
    title: 'unknown members of a group',
    reason: 'A group is a role, which only users of the directory hold.',
  },
  {
    id: 'groups-without-versions',
    title: 'versions of groups',
    reason: 'The members of a group change through every contract.',
  },
  {
    id: 'group-patch-is-empty',
    title: 'PATCH of a group',
    reason: 'Entra expects it, and a group may have very many members.',
    operations: ['scimPatchGroup'],
  },
  {
    id: 'own-last-modified',
    title: '`meta.lastModified` of a group',
    reason: 'A change of roles through another contract writes users only.',
  },
  {
    id: 'not-offered',
    title: '`/Bulk`, `/Me` and `/.search`',
    reason: 'No provider needs them.',
  },
]
