/**
 * Statements about the data that provisioning clients store for users and roles: additional attributes and external
 * ids.
 */
import { sql } from 'drizzle-orm'
import { prepare, type Statement } from '../statement'
import { externalIds, keptAttributes, users } from '../tables'
import {
  clientNumber,
  keptOf,
  readUser,
  userText,
  type ClientKind,
  type KeptRow,
  type UserRow,
} from '../users/user-row'

const value = sql.placeholder

const kept = (client: ClientKind) => {
  const [attributes, externalId] = keptOf(clientNumber[client])
  return sql`${attributes} AS attributes, ${externalId} AS external_id`
}

/** One prepared statement for each kind of client. */
const ofClient = <Made>(make: (client: ClientKind) => Made): Record<ClientKind, Made> => ({
  session: make('session'),
  key: make('key'),
})

export const selectKept: Record<ClientKind, (values: { id: string; client: string }) => Statement<KeptRow>> = ofClient(
  (client) => prepare(() => sql`SELECT ${kept(client)} FROM ${users} WHERE ${users.id} = ${value('id')}`),
)

/** Selects a user with the data that the client stored: one row or none. */
export const selectUserAndKept = ofClient((client) =>
  prepare<{ id: string; client: string }, { user: UserRow; kept: KeptRow }>(
    () => sql`SELECT ${userText} AS user, ${kept(client)} FROM ${users} WHERE ${users.id} = ${value('id')}`,
    ({ user, ...row }: { user: string } & KeptRow) => ({ user: readUser(user), kept: row }),
  ),
)

/** `attributes` is JSON. */
export const saveAttributes = prepare<{ id: string; attributes: string; employee_number_key: string | null }>(
  () => sql`
    INSERT INTO ${keptAttributes} (user_number, attributes, employee_number_key)
    SELECT ${users.number}, ${value('attributes')}, ${value('employee_number_key')}
    FROM ${users} WHERE ${users.id} = ${value('id')}
    ON CONFLICT DO UPDATE SET attributes = excluded.attributes, employee_number_key = excluded.employee_number_key`,
)

export const deleteAttributes = prepare<{ id: string }>(
  () => sql`
    DELETE FROM ${keptAttributes}
    WHERE ${keptAttributes.user_number} = (SELECT ${users.number} FROM ${users} WHERE ${users.id} = ${value('id')})`,
)

export type Kind = 'user' | 'role'

/**
 * Writes by the id of the user or role, which may be inserted in the same batch. `client` is the number of the client.
 */
const saves = {
  user: prepare<{ id: string; client: number; value: string }>(() => saving('user')),
  role: prepare<{ id: string; client: number; value: string }>(() => saving('role')),
}
const deletions = {
  user: prepare<{ id: string; client: number }>(() => deletion('user')),
  role: prepare<{ id: string; client: number }>(() => deletion('role')),
}

const literal = (kind: Kind) => sql.raw(`'${kind}'`)
const subject = (kind: Kind) => sql`(SELECT number FROM ${sql.raw(`${kind}s`)} WHERE id = ${value('id')})`

const saving = (kind: Kind) => sql`
  INSERT INTO ${externalIds} (client_number, kind, subject_number, value)
  VALUES (${value('client')}, ${literal(kind)}, ${subject(kind)}, ${value('value')})
  ON CONFLICT DO UPDATE SET value = excluded.value`

const deletion = (kind: Kind) => sql`
  DELETE FROM ${externalIds} WHERE ${externalIds.client_number} = ${value('client')}
    AND ${externalIds.kind} = ${literal(kind)} AND ${externalIds.subject_number} = ${subject(kind)}`

/** Sets the client's id of a user or role; null removes it. */
export function saveExternalId(
  kind: Kind,
  { id, client, externalId }: { id: string; client: number; externalId: string | null },
): Statement {
  return externalId === null ? deletions[kind]({ id, client }) : saves[kind]({ id, client, value: externalId })
}
