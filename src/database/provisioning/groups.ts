/** Statements about roles as groups: pages of members, and changes of many memberships at once. */
import { sql, type SQL } from 'drizzle-orm'
import { refuseIf } from '../guard'
import { limit, prepare, prepareEach, type Statement } from '../statement'
import { roles, userCounts, userRoles, users } from '../tables'
import { defaultRole } from '../users/user-filter'
import { partLength } from '../users/user-pages'
import { countApart, countTogether } from '../moving/imports'
import { clientNumber, externalIdOf, type ClientKind } from '../users/user-row'
import type { RoleRow } from '../access/roles'

const value = sql.placeholder

export type GroupRow = RoleRow & { external_id: string | null; holders: number }

const groupColumns = (client: ClientKind): SQL => sql`${roles.number}, ${roles.id}, ${roles.name}, ${roles.name_key},
  ${roles.description}, ${roles.permissions}, ${roles.built_in}, ${roles.created_at}, ${roles.updated_at},
  ${externalIdOf('role', clientNumber[client], roles.number)} AS external_id,
  (SELECT count FROM ${userCounts} WHERE scope = 'role:' || ${roles.number}) AS holders`

const allGroups = prepareEach<ClientKind, { client: string }, GroupRow>(
  (client) => sql`SELECT ${groupColumns(client)} FROM ${roles} ORDER BY ${roles.number}`,
)
const oneGroup = prepareEach<ClientKind, { client: string; id: string }, GroupRow>(
  (client) => sql`
    SELECT ${groupColumns(client)} FROM ${roles} WHERE ${roles.id} = ${value('id')} AND ${roles.number} <> ${defaultRole}`,
)

interface Client {
  kind: ClientKind
  credential: string
}

/** Every role, the default one included, in order of number. */
export const selectGroups = ({ kind, credential }: Client): Statement<GroupRow> =>
  allGroups(kind, { client: credential })

/** Selects the group with this id: one row or none. */
export const selectGroup = ({ kind, credential }: Client, id: string): Statement<GroupRow> =>
  oneGroup(kind, { client: credential, id })

export interface MemberRow {
  /** The position of the group in the list. */
  place: number
  number: number
  id: string
}

/**
 * Selects the members of `groups`, a JSON array of role numbers. Groups are in the given order, and members in order of
 * number. Begins after member `number` of the group at `place`.
 */
export const selectMembers = prepare<{ groups: string; place: number; number: number; limit: number }, MemberRow>(
  () => sql`
    SELECT place.key AS place, ${userRoles.user_number} AS number, ${users.id} AS id
    FROM json_each(${value('groups')}) AS place
      CROSS JOIN ${userRoles} ON ${userRoles.role_number} = place.value
        AND ${userRoles.user_number} > iif(place.key = ${value('place')}, ${value('number')}, 0)
      CROSS JOIN ${users} ON ${users.number} = ${userRoles.user_number}
    WHERE place.key >= ${value('place')} ${limit('limit')}`,
)

/** Selects the same for the group with this id. */
export const selectMembersOf = prepare<{ id: string; number: number; limit: number }, MemberRow>(
  () => sql`
    SELECT 0 AS place, ${userRoles.user_number} AS number, ${users.id} AS id
    FROM ${userRoles} CROSS JOIN ${users} ON ${users.number} = ${userRoles.user_number}
    WHERE ${userRoles.role_number} = (SELECT number FROM roles WHERE id = ${value('id')} AND number <> ${defaultRole})
      AND ${userRoles.user_number} > CAST(${value('number')} AS INTEGER)
    ORDER BY ${userRoles.user_number} ${limit('limit')}`,
)

/** Selects the roles of the users with these ids, a JSON array. */
export const selectRolesHeld = prepare<{ ids: string }, { id: string; role_number: number }>(
  () => sql`
    SELECT ${users.id}, ${userRoles.role_number} FROM json_each(${value('ids')})
      CROSS JOIN ${users} ON ${users.id} = value
      CROSS JOIN ${userRoles} ON ${userRoles.user_number} = ${users.number}`,
)

export interface HolderRow {
  id: string
  number: number
  version: number
  /** JSON: the numbers of the roles, in order. */
  roles: string
}

const holderColumns = sql`${users.id}, ${users.number}, ${users.version},
  CASE WHEN ${users.role_count} = 1 THEN json_array(${users.primary_role}) ELSE (
    SELECT json_group_array(role_number) FROM (
      SELECT ${userRoles.role_number} FROM ${userRoles} WHERE ${userRoles.user_number} = ${users.number}
      ORDER BY ${userRoles.position})) END AS roles`

/** Selects the users with these ids, a JSON array. */
export const selectHoldersById = prepare<{ ids: string }, HolderRow>(
  () => sql`SELECT ${holderColumns} FROM json_each(${value('ids')}) CROSS JOIN ${users} ON ${users.id} = value`,
)

/** Selects the holders of the role with this id. */
export const selectHoldersOfRole = prepare<{ id: string; limit: number }, HolderRow>(
  () => sql`
    SELECT ${holderColumns} FROM ${userRoles} CROSS JOIN ${users} ON ${users.number} = ${userRoles.user_number}
    WHERE ${userRoles.role_number} = (SELECT number FROM roles WHERE id = ${value('id')}) ${limit('limit')}`,
)

/** Selects no row, for a change that does not remove all members. */
export const selectNoHolders = prepare<void, HolderRow>(
  () => sql`SELECT NULL AS id, NULL AS number, NULL AS version, NULL AS roles WHERE 0`,
)

/** A user and the new roles of the user, in order. */
export interface RolesChange {
  number: number
  version: number
  before: readonly number[]
  after: readonly number[]
}

/**
 * Writes the roles of many users and raises their versions. Writes only the differences. Changes every user or none.
 */
export function replaceRolesOfMany(changes: readonly RolesChange[], now: number): Statement[] {
  const gone = changes.flatMap(({ number, before, after }) =>
    before.filter((role) => !after.includes(role)).map((role) => [number, role]),
  )
  const placed = changes.flatMap(({ number, before, after }) =>
    after.flatMap((role, position) => (before[position] === role ? [] : [[number, role, position]])),
  )
  const joined = changes.flatMap(({ number, before, after }) =>
    after.filter((role) => !before.includes(role)).map((role) => [number, role]),
  )
  const users = JSON.stringify(changes.map(({ number, version, after }) => [number, version, after[0], after.length]))
  return [
    updateHolders({ rows: users, now }),
    // `changes()` counts the rows of the previous statement.
    refuseIf('stale', sql`changes() <> ${changes.length}`),
    deleteMemberships({ rows: JSON.stringify(gone) }),
    countTogether(),
    insertMemberships({ rows: JSON.stringify(placed) }),
    countJoined({ rows: JSON.stringify(joined) }),
    countApart(),
  ]
}

const deleteMemberships = prepare<{ rows: string }>(
  () => sql`
    DELETE FROM ${userRoles} WHERE (user_number, role_number) IN (
      SELECT value ->> 0, value ->> 1 FROM json_each(${value('rows')}))`,
)

const insertMemberships = prepare<{ rows: string }>(
  () => sql`
    INSERT INTO ${userRoles} (user_number, role_number, position)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${value('rows')}) WHERE 1
    ON CONFLICT DO UPDATE SET position = excluded.position`,
)

/** Changes the counters once for all users who join a role and share a part of a span. */
const countJoined = prepare<{ rows: string }>(
  () => sql`
    INSERT INTO user_count_changes
    SELECT 'role:' || (value ->> 1), min(value ->> 0), count(*) FROM json_each(${value('rows')})
    GROUP BY value ->> 1, (value ->> 0) / ${sql.raw(String(partLength))}`,
)

const updateHolders = prepare<{ rows: string; now: number }>(
  () => sql`
    UPDATE ${users} SET primary_role = holder.value ->> 2, role_count = holder.value ->> 3, version = version + 1,
      updated_at = ${value('now')}
    FROM json_each(${value('rows')}) AS holder
    WHERE ${users.number} = holder.value ->> 0 AND ${users.version} = holder.value ->> 1`,
)

/** Refuses the batch as `stale` if the permissions of these roles have changed since the decision. */
export function refuseUnlessPermissions(known: readonly Pick<RoleRow, 'number' | 'permissions'>[]): Statement {
  const rows = JSON.stringify(known.map(({ number, permissions }) => [number, permissions]))
  return refuseIf(
    'stale',
    sql`EXISTS (
      SELECT 1 FROM json_each(${rows}) AS role LEFT JOIN ${roles} ON ${roles.number} = role.value ->> 0
        AND ${roles.permissions} = role.value ->> 1 WHERE ${roles.number} IS NULL)`,
  )
}

/** Selects the number of the next role. Numbers are never reused. */
export const selectNextRoleNumber = prepare<void, { number: number }>(
  () => sql`SELECT seq + 1 AS number FROM sqlite_sequence WHERE name = 'roles'`,
)
