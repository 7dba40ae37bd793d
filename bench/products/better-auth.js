/** better-auth with its admin plugin: the schema of its own migrations and the documented session cookie. */
import { getMigrations } from 'better-auth/db/migration'
import { draws } from '../people.js'
import { options } from '../workers/better-auth-options.js'

const email = 'admin@example.org'
const password = 'a passphrase that everyone has'

export const name = 'better-auth'
export const title = 'better-auth'
export const flags = ['nodejs_compat']

const origin = 'http://127.0.0.1'

export const variables = { BETTER_AUTH_SECRET: 'k3Yp0Qx7vT9mZr2LwB5nHs8DfGjC1aUe', BETTER_AUTH_URL: origin }

export async function applySchema(database) {
  const { runMigrations } = await getMigrations(options(database, variables))
  await runMigrations()
}

export async function begin(call, withDatabase) {
  await call(post('/sign-up/email', { email, password, name: 'Admin' }))
  await withDatabase((database) => database.exec(`UPDATE user SET role = 'admin'`))
}

export async function signIn(call) {
  const { headers } = await call(post('/sign-in/email', { email, password }))
  const cookies = headers.getSetCookie().map((cookie) => cookie.split(';')[0])
  return { cookie: cookies.join('; '), origin }
}

// Only a sort gives the order of creation, because ids are random.
const inOrder = 'sortBy=createdAt&sortDirection=asc'
const list = ({ page, size }) => ({
  path: `/api/auth/admin/list-users?limit=${size}&offset=${(page - 1) * size}&${inOrder}`,
})

export const requests = {
  get: (person) => ({ path: `/api/auth/admin/get-user?id=${idOf(person)}` }),
  first: list,
  deep: list,
  numbered: list,
  search: ({ search, size }) => ({
    path: `/api/auth/admin/list-users?limit=${size}&searchValue=${search}&searchField=name&searchOperator=contains&${inOrder}`,
  }),
  create: ({ email, name }) => post('/admin/create-user', { email, name, password, role: 'user' }),
  update: (person) => post('/admin/update-user', { userId: idOf(person), data: { name: person.newName } }),
  login: ({ email }) => post('/sign-in/email', { email, password }),
  delete: (person) => post('/admin/remove-user', { userId: idOf(person) }),
}

export function people({ body }) {
  return body.users ? { emails: body.users.map((user) => user.email), total: body.total } : { emails: [body.email] }
}

export function rows(person, like) {
  const at = new Date(person.createdAt * 1000).toISOString()
  const id = idOf(person)
  return {
    user: {
      id,
      name: person.name,
      email: person.email,
      emailVerified: 0,
      image: null,
      createdAt: at,
      updatedAt: at,
      role: 'user',
      banned: 0,
      banReason: null,
      banExpires: null,
    },
    account: {
      id: idOf(person, 'account'),
      accountId: id,
      providerId: 'credential',
      userId: id,
      accessToken: null,
      refreshToken: null,
      idToken: null,
      accessTokenExpiresAt: null,
      refreshTokenExpiresAt: null,
      scope: null,
      password: like.account.password,
      createdAt: at,
      updatedAt: at,
    },
  }
}

export function rowsOf(database, { email }) {
  const user = database.prepare('SELECT * FROM user WHERE email = ?').get(email)
  return { user, account: database.prepare('SELECT * FROM account WHERE userId = ?').get(user.id) }
}

export const ownColumns = ['id', 'userId', 'accountId', 'createdAt', 'updatedAt', 'password']

/** Users that the Worker created today sort first here too, because all others were created in earlier years. */
export function writing(database) {
  database.exec(
    `UPDATE user SET createdAt = iif(role = 'admin', '2024-12-30T00:00:00.000Z', '2024-12-31T00:00:00.000Z')`,
  )
  return {}
}

function post(path, body) {
  return { method: 'POST', path: `/api/auth${path}`, headers: { origin }, body, expect: 200 }
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** 32 letters and digits, in the format of better-auth. */
function idOf({ index }, of = 'user') {
  const draw = draws(of === 'user' ? index + 0x40000000 : index + 0x20000000)
  return Array.from({ length: 32 }, () => letters[Math.floor(draw() * letters.length)]).join('')
}
