/** The directory, as the page asks it: v1 through the typed client, and the same person as the other contracts show them. */
import { createClient, ProblemError, type User } from '../client/index.ts'
import { send } from './session.ts'

export const usher = createClient({ baseUrl: `${location.origin}/v1`, fetch: send })

/** The text of a failure, with the request id to report. */
export function describeFailure(error: unknown): { text: string; requestId?: string | undefined } {
  if (error instanceof ProblemError) {
    const wait = error.retryAfterSeconds === undefined ? '' : ` Try again in ${error.retryAfterSeconds} seconds.`
    return { text: error.message + wait, requestId: error.requestId }
  }
  return { text: error instanceof TypeError ? 'The directory did not answer.' : String((error as Error).message) }
}

export const isProblem = (error: unknown, status: number): error is ProblemError =>
  error instanceof ProblemError && error.status === status

export type Contract = 'personnel' | 'v1' | 'rbac' | 'clinic' | 'backoffice' | 'scim'

/** A field of a record, with the value as JSON has it. */
export type Fields = Record<string, unknown>

/** The answer of a contract: its record, or the reason why the contract has no record. */
export type Shown = { fields: Fields; path: string } | { why: string; path: string }

export const toUuid = (id: string) =>
  id.replace(/^usr_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/, '$1-$2-$3-$4-$5')

export const toId = (uuid: string) => `usr_${uuid.replaceAll('-', '').toLowerCase()}`

/** Asks a contract's own operation for the person. */
export async function showIn(contract: Contract, user: User): Promise<Shown> {
  const { path, find } = reads[contract](user)
  const answer = await read(path)
  if (!answer.ok) return { why: answer.why, path }
  const fields = find(answer.body)
  return fields ? { fields, path } : { why: 'The contract does not find this person.', path }
}

type Body = Record<string, any>

/**
 * How each contract is asked. clinic and backoffice know people by number, which v1 does not show, so they are searched
 * by email.
 */
const reads: Record<Contract, (user: User) => { path: string; find: (body: Body) => Fields | undefined }> = {
  personnel: ({ id }) => ({ path: `/personnel/users/${toUuid(id)}`, find: (body) => body }),
  v1: ({ id }) => ({ path: `/v1/users/${id}`, find: (body) => body }),
  rbac: ({ id }) => ({ path: `/rbac/api/v1/users/${toUuid(id)}`, find: (body) => body }),
  clinic: ({ id, email }) => ({
    path: `/clinic/users/user/search/?query_string=${encodeURIComponent(email)}`,
    find: (body) => (body['data'] as Body[]).find(({ uid }) => toId(uid) === id),
  }),
  backoffice: ({ email }) => ({
    path: `/backoffice/api/v1/users?search=${encodeURIComponent(email)}`,
    find: (body) => (body['data'] as Body[]).find((record) => record['email'] === email),
  }),
  scim: ({ id }) => ({ path: `/scim/v2/Users/${toUuid(id)}`, find: (body) => body }),
}

async function read(path: string): Promise<{ ok: true; body: Body } | { ok: false; why: string }> {
  const response = await send(location.origin + path, { method: 'GET', headers: {} })
  const text = await response.text()
  if (response.ok) return { ok: true, body: JSON.parse(text) as Body }
  if (response.status === 410) return { ok: false, why: 'The contract is retired.' }
  return { ok: false, why: `The contract answered ${response.status}.` }
}

/** The people with exactly this id, matricule or number. A list finds them by words only. */
export async function findByIdentifier(text: string): Promise<{ user: User; by: string }[]> {
  const [, hex] = /^(?:usr_)?([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})$/i.exec(text) ?? []
  const keys = hex
    ? [{ by: 'id', id: toId(hex) }]
    : /^\d{1,15}$/.test(text)
      ? ['matricule', 'number'].map((by) => ({ by, id: `${by}:${text}` }))
      : []
  const found = await Promise.all(keys.map(async ({ by, id }) => ({ by, user: await findUser(id) })))
  return found.flatMap(({ by, user }) => (user ? [{ by, user }] : []))
}

async function findUser(id: string): Promise<User | undefined> {
  try {
    return (await usher.getUser({ id })).body
  } catch (error) {
    if (isProblem(error, 404)) return undefined
    throw error
  }
}

const names = new Map<string, Promise<string | undefined>>()

/** The name of a person; undefined for a person who is gone. */
export function nameOf(id: string): Promise<string | undefined> {
  let name = names.get(id)
  if (!name) {
    name = usher.getUser({ id }).then(
      ({ body }) => body.name,
      () => undefined,
    )
    names.set(id, name)
  }
  return name
}

export const forgetName = (id: string) => names.delete(id)
