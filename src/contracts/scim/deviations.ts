/** Where scim differs from RFC 7643 and RFC 7644 on purpose. The README has the table. */
import type { Deviation, Exchange } from '../../http/contract/rehearsal'

/** Usher refuses a request that the other server accepts. */
const refuses = ({ recorded, received }: Exchange, status: number) =>
  recorded.status < 400 && received.status === status

/** The attributes that a request writes: the members of its body, or the paths of its operations. */
function written({ request: { fields } }: Exchange): string[] {
  const { Operations: operations } = fields
  if (!Array.isArray(operations)) return Object.keys(fields)
  return operations.flatMap((operation) => {
    const { path, value } = Object(operation) as { path?: unknown; value?: unknown }
    return typeof path === 'string' ? [path] : Object.keys(Object(value) as object)
  })
}

const writes = (exchange: Exchange, name: RegExp) => written(exchange).some((attribute) => name.test(attribute))

export const deviations: readonly Deviation[] = [
  {
    id: 'no-passwords',
    title: '`password`',
    reason: 'Okta sends a placeholder for every user, which would become a password that the user did not choose.',
  },
  {
    id: 'put-keeps',
    title: 'attributes that a PUT leaves out',
    reason: 'Other contracts own them too. A PUT without `active` must not reactivate a user.',
    operations: ['scimPutUser'],
    explains: ({ kind, place }, exchange) =>
      kind === 'extra key' &&
      !written(exchange).some((name) => place.toLowerCase().startsWith(`$.${name.toLowerCase()}`)),
  },
  {
    id: 'one-email',
    title: '`emails`',
    reason: 'The email identifies the user in every contract.',
    explains: ({ kind, place }) => kind !== 'status' && /\.emails\b/.test(place),
  },
  {
    id: 'unique-emails',
    title: 'uniqueness of `emails`',
    reason: 'Users sign in with their email, so two users cannot share one.',
    operations: ['scimCreateUser', 'scimPutUser', 'scimPatchUser'],
    explains: (_, exchange) => refuses(exchange, 409) && /\bemails\b/.test(JSON.stringify(exchange.received.json)),
  },
  {
    id: 'active-stays',
    title: 'PATCH that removes `active`',
    reason: 'The removal would deactivate or reactivate a user without an explicit request.',
    operations: ['scimPatchUser'],
    explains: (_, exchange) => refuses(exchange, 400) && writes(exchange, /^active$/i),
  },
  {
    id: 'groups-give-authority',
    title: '`roles` and `entitlements`',
    reason: 'Only groups give authority.',
    explains: ({ kind, place }, exchange) =>
      (refuses(exchange, 400) && writes(exchange, /^(roles|entitlements)\b/i)) ||
      (kind === 'missing key' && /\.(roles|entitlements)$/.test(place)),
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
    explains: (_, exchange) =>
      refuses(exchange, 400) && /"type":\s*"Group"/i.test(JSON.stringify(exchange.request.fields)),
  },
  {
    id: 'known-members',
    title: 'unknown members of a group',
    reason: 'A group is a role, and only users of the directory can hold a role.',
    operations: ['scimCreateGroup', 'scimPutGroup', 'scimPatchGroup'],
    explains: (_, exchange) => refuses(exchange, 400) && writes(exchange, /^members\b/i),
  },
  {
    id: 'groups-without-versions',
    title: 'versions of groups',
    reason: 'The members of a group change through every contract.',
    explains: ({ kind, place }, exchange) =>
      /Group/.test(exchange.operation ?? '') &&
      ((kind === 'missing key' && /\.meta\.version$/.test(place)) || refuses(exchange, 412)),
  },
  {
    id: 'group-patch-is-empty',
    title: 'PATCH of a group',
    reason: 'Entra expects it, and a group may have very many members.',
    operations: ['scimPatchGroup'],
    explains: (_, { recorded, received }) => recorded.status === 200 && received.status === 204,
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
