/**
 * Users as a provisioning client sees them: with ids of its own, and with attributes that the core record has no field
 * for.
 */
import type { ActorRow } from '../../database/guard'
import {
  deleteAttributes,
  saveAttributes,
  saveExternalId,
  selectKept,
  selectUserAndKept,
} from '../../database/provisioning/kept'
import type { Statement } from '../../database/statement'
import { maxUsersRead, selectConditionPage, selectFewUsers } from '../../database/users/user-condition-page'
import { selectUserPage } from '../../database/users/user-list'
import type { KeptRow, ListedUser } from '../../database/users/user-row'
import { selectNumberedPage } from '../../database/users/user-pages'
import { guard, translateRefusals, type Caller } from '../access/caller'
import { Refused } from '../refusal'
import { fold } from '../users/text'
import { toUser, type NewUser, type User, type UserChanges } from '../users/user'
import { updateUserWith } from '../users/user-changes'
import type { ChangeOptions, FurtherChange } from '../users/user-decisions'
import type { Position, SortKey } from '../users/user-list'
import { createUser } from '../users/users'
import type { UserCondition } from './conditions'

/** Attributes without a core field, by the names of the contract. */
export type Attributes = Readonly<Record<string, unknown>>

export interface ProvisionedUser {
  user: User
  /** The client's own id of the user. */
  externalId: string | null
  attributes: Attributes
}

/** The changes of a user that a request makes. Undefined values stay as they are. */
export interface ProvisionedChanges {
  changes: UserChanges
  externalId?: string | null | undefined
  attributes?: Attributes | undefined
}

/** The maximum size of all attributes of a user, in bytes of JSON. */
export const maxAttributeBytes = 8192

export async function getProvisionedUser(caller: Caller, id: string): Promise<ProvisionedUser> {
  const { kind, credential: client } = clientOf(caller)
  const [[row]] = await translateRefusals(caller, () =>
    caller.database.batch(guard(caller), selectUserAndKept[kind]({ id, client })),
  )
  if (!row) throw new Refused({ kind: 'user_not_found', selector: { id } })
  return provisioned(toUser(row.user), row.kept)
}

export interface ProvisionedList {
  condition: UserCondition
  sort: SortKey
  descending: boolean
  /** The start of the page: after a user, or at an offset. */
  after: Position | undefined
  offset: number
  limit: number
}

/** A page, with the exact total of all pages. `next` is the start of the next page, if there is one. */
export async function listProvisionedUsers(
  caller: Caller,
  list: ProvisionedList,
): Promise<{ users: ProvisionedUser[]; total: number; next: Position | undefined }> {
  const { limit, sort } = list
  const few = await fewUsers(caller, list)
  if (few) return few
  const [[page]] = await translateRefusals(caller, () =>
    caller.database.batch(guard(caller), selectPage(caller, { ...list, limit: limit + 1 })),
  )
  const { users = [], total } = page ?? {}
  if (total === undefined) throw new Refused({ kind: 'too_many', of: 'users', max: maxUsersRead })
  // Pages by offset can have any order.
  if (sort === 'number' && list.after === undefined) users.sort((one, other) => one.user.number - other.user.number)
  const listed = users.slice(0, limit)
  const last = listed.at(-1)
  return {
    users: listed.map(({ user, kept }) => provisioned(toUser(user), kept as KeptRow)),
    total,
    next: users.length > limit && last ? positionOf(last) : undefined,
  }
}

/**
 * Returns the page of a look-up, which reads only the users that it finds. Undefined if the list is not a look-up, or
 * finds many users.
 */
async function fewUsers(caller: Caller, list: ProvisionedList) {
  const { offset, limit, after } = list
  const statement = after ? undefined : selectFewUsers({ ...list, client: clientOf(caller) })
  if (!statement) return undefined
  const [[page]] = await translateRefusals(caller, () => caller.database.batch(guard(caller), statement))
  const { users = [], total } = page ?? {}
  if (total === undefined) return undefined
  const listed = users.slice(offset, offset + limit)
  const last = listed.at(-1)
  return {
    users: listed.map(({ user, kept }) => provisioned(toUser(user), kept as KeptRow)),
    total,
    next: last && offset + limit < users.length ? positionOf(last) : undefined,
  }
}

const positionOf = ({ user: { number }, key }: ListedUser): Position => ({ key: key ?? String(number), number })

/** If one counter counts the users of the condition, the total reads no users. */
function selectPage(
  caller: Caller,
  { condition, sort, descending, after, offset, limit }: ProvisionedList,
): Statement<{ users: ListedUser[]; total: number | undefined }> {
  const client = clientOf(caller)
  const counted = countedBy(condition)
  if (counted && sort === 'number' && !descending && after === undefined) {
    return selectNumberedPage({ ...counted, client, offset, limit })
  }
  if (counted && sort !== 'createdAt')
    return selectUserPage({ ...counted, client, sort, descending, after, offset, limit })
  return selectConditionPage({ condition, client, sort, descending, after, offset, limit })
}

function countedBy(condition: UserCondition): { active?: boolean; role?: { id: string } } | undefined {
  if (condition.kind === 'constant') return condition.holds ? {} : undefined
  if (condition.kind === 'active') return { active: condition.is }
  if (condition.kind !== 'role') return undefined
  const { condition: role } = condition
  return role.kind === 'text' && role.field === 'id' && role.comparison === 'eq'
    ? { role: { id: role.value } }
    : undefined
}

/** Creates a user, by default with the default role. */
export async function createProvisionedUser(
  caller: Caller,
  input: NewUser,
  { externalId, attributes }: Omit<ProvisionedUser, 'user'>,
): Promise<ProvisionedUser> {
  const user = await createUser(caller, input, (id, actor) =>
    further(id, actor, { externalId: null, attributes: {} }, { externalId, attributes }),
  )
  return { user, externalId, attributes }
}

/**
 * Like `updateUser`; calls `changesTo` with the present state of the user. A change of the additional attributes or the
 * external id raises the version too.
 */
export async function updateProvisionedUser(
  caller: Caller,
  id: string,
  changesTo: (present: ProvisionedUser | undefined) => ProvisionedChanges,
  options: Pick<ChangeOptions, 'condition'>,
): Promise<ProvisionedUser> {
  const { kind, credential: client } = clientOf(caller)
  let kept: Omit<ProvisionedUser, 'user'> = { externalId: null, attributes: {} }
  const user = await updateUserWith(
    caller,
    { id },
    selectKept[kind]({ id, client }),
    (record, row, actor) => {
      const present = record && provisioned(record, row as KeptRow)
      const { changes, ...wanted } = changesTo(present)
      if (!present) return { changes }
      kept = {
        externalId: wanted.externalId === undefined ? present.externalId : wanted.externalId,
        attributes: wanted.attributes ?? present.attributes,
      }
      return { changes, further: further(id, actor, present, kept) }
    },
    { ...options, keepsNameParts: true },
  )
  return { user, ...kept }
}

/** Returns the additional attributes that change, and the statements that write them. */
function further(
  id: string,
  actor: ActorRow,
  present: Omit<ProvisionedUser, 'user'>,
  { externalId, attributes }: Omit<ProvisionedUser, 'user'>,
): FurtherChange {
  const names = new Set([...Object.keys(present.attributes), ...Object.keys(attributes)])
  const fields = [...names].filter((name) => !isSame(present.attributes[name], attributes[name]))
  const statements: Statement[] = []
  if (fields.length > 0) {
    const number = attributes['employeeNumber']
    statements.push(
      Object.keys(attributes).length === 0
        ? deleteAttributes({ id })
        : saveAttributes({
            id,
            attributes: JSON.stringify(attributes),
            employee_number_key: typeof number === 'string' ? fold(number) : null,
          }),
    )
  }
  if (externalId !== present.externalId) {
    fields.push('externalId')
    statements.push(saveExternalId('user', { id, client: actor.number, externalId }))
  }
  return { fields, statements }
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

const noAttributes: Attributes = {}

function provisioned(user: User, { attributes, external_id }: KeptRow): ProvisionedUser {
  const parsed = attributes === null ? noAttributes : (JSON.parse(attributes) as Attributes)
  return { user, externalId: external_id, attributes: parsed }
}

/** The provisioning client of a request: the user of its credential. */
export function clientOf({ credential }: Caller): { kind: 'session' | 'key'; credential: string } {
  return credential.kind === 'key'
    ? { kind: 'key', credential: credential.hash }
    : { kind: 'session', credential: credential.sessionId }
}
