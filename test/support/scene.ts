/** A small directory for every kind of request, and a dump of its rows. */
import { emptyDirectory, restoreDirectory, saveDirectory, type SavedDirectory } from './saved-directory'
import { call, firstAdmin, rows, signIn, signedInPerson, testEnv, uuidOf, type SignedIn } from './usher'
import type { Known, Person } from './drawn-requests'

export interface Scene {
  admin: SignedIn
  /** The session of `known.one`, who holds the default role. */
  one: SignedIn
  apiKey: string
  known: Known
}

export function personNamed(word: string, matricule: number): Person {
  return {
    email: `${word}@example.org`,
    username: word,
    matricule,
    name: `${word} example`,
    givenName: word,
    familyName: 'example',
    password: `the passphrase of ${word}`,
  }
}

/**
 * Starts with an empty directory and adds the first admin, a second user, an inactive user, and one of every other
 * resource.
 */
export async function newScene(): Promise<Scene> {
  if (!built || Date.now() - built.at > freshMilliseconds) {
    await emptyDirectory()
    built = { at: Date.now(), scene: await sceneIn(), directory: await saveDirectory() }
  }
  await restoreDirectory(built.directory)
  return structuredClone(built.scene)
}

let built: { at: number; scene: Scene; directory: SavedDirectory } | undefined

/** A scene is reused while its access tokens are still valid. */
const freshMilliseconds = 300_000

async function sceneIn(): Promise<Scene> {
  const admin = await signIn(firstAdmin.email, firstAdmin.password)
  const token = admin.access_token
  const one = personNamed('someone', 4711)
  const { email, username, matricule, name, password } = one
  const { id, uuid, ...signedIn } = await signedInPerson(token, { email, username, matricule, name, password })
  const post = async <Body>(path: string, json: object) => (await call<Body>(path, { token, json })).body
  const input = { email: 'gone@example.org', name: 'Gone Already', password: 'a fine passphrase' }
  const gone = await post<{ id: string }>('/v1/users', input)
  await post(`/v1/users/${gone.id}/deactivate`, {})
  const role = await post<Known['role']>('/v1/roles', { name: 'door', permissions: [] })
  const key = await post<{ id: string; key: string }>('/v1/api-keys', { name: 'a key', permissions: ['users:read'] })
  await rows(
    `INSERT INTO api_keys (id, hash, user_number, generation, name, permissions, created_at)
     SELECT ?1, ?2, number, key_generation, 'a key', 0, 1 FROM users WHERE id = ?3`,
    crypto.randomUUID(),
    crypto.randomUUID(),
    uuid,
  )
  const webhook = await post<{ id: string }>('/v1/webhooks', { url: 'http://127.0.0.1:9/hook', status: 'inactive' })
  const issued = await post<{ token: string }>(`/v1/users/${id}/password-token`, {})
  const [session] = await rows<{ id: string }>(
    'SELECT id FROM sessions WHERE user_number = (SELECT number FROM users WHERE id = ?)',
    uuid,
  )
  const numberOf = async (of: string) =>
    (await rows<{ number: number }>('SELECT number FROM users WHERE id = ?', of))[0]?.number as number
  return {
    admin,
    one: signedIn,
    apiKey: key.key,
    known: {
      one,
      ids: [
        ...[id, uuid, await numberOf(uuid), uuid.replaceAll('-', '')],
        ...[gone.id, uuidOf(gone.id), await numberOf(uuidOf(gone.id)), role.id, role.number, key.id, webhook.id],
      ],
      newcomer: personNamed('newcomer', 4712),
      ownPassword: firstAdmin.password,
      role,
      sessionId: String(session?.id),
      refreshToken: signedIn.refresh_token,
      passwordToken: issued.token,
    },
  }
}

export type Dump = Record<string, Record<string, unknown>[]>

let tables: string[] | undefined

/** Every row of every table, the tables of the search index included. */
export async function dump(): Promise<Dump> {
  tables ??= (await rows<{ name: string; type: string }>('PRAGMA table_list'))
    .filter(({ name, type }) => ['table', 'shadow'].includes(type) && !/^(sqlite_|_cf_|d1_)/.test(name))
    .map(({ name }) => name)
  const results = await testEnv.DB.batch<Record<string, unknown>>(
    tables.map((name) => testEnv.DB.prepare(`SELECT * FROM ${name}`)),
  )
  return Object.fromEntries(results.map(({ results: all }, index) => [tables?.[index] as string, all]))
}
