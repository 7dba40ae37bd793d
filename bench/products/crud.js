/** A Worker as tutorials write it. */
import { readFileSync } from 'node:fs'

const email = 'admin@example.org'
const password = 'a passphrase that everyone has'

export const name = 'crud'
export const title = 'Hono + drizzle CRUD'
export const variables = { JWT_SECRET: 'k3Yp0Qx7vT9mZr2LwB5nHs8DfGjC1aUeXi4oR6tVyKbM' }

export async function applySchema(database) {
  database.exec(readFileSync(new URL('../workers/crud.sql', import.meta.url), 'utf8'))
}

export async function begin(call, withDatabase) {
  await call(post('/register', { email, password, name: 'Admin' }, 201))
  await withDatabase((database) => database.exec(`UPDATE users SET role = 'admin'`))
}

export async function signIn(call) {
  const { body } = await call(post('/login', { email, password }))
  return { authorization: `Bearer ${body.token}` }
}

const list = ({ page = 1, size }) => ({ path: `/users?limit=${size}&page=${page}` })

export const requests = {
  get: (person) => ({ path: `/users/${idOf(person)}` }),
  first: list,
  deep: list,
  numbered: list,
  search: ({ search, size }) => ({ path: `/users?limit=${size}&search=${search}` }),
  create: (person) =>
    post(
      '/users',
      { email: person.email, name: person.name, password, phone: person.phone, birthDate: person.birthdate },
      201,
    ),
  update: (person) => ({ ...post(`/users/${idOf(person)}`, { name: person.newName }), method: 'PATCH' }),
  login: ({ email }) => post('/login', { email, password }),
  delete: (person) => ({ method: 'DELETE', path: `/users/${idOf(person)}`, expect: 204 }),
}

export function people({ body }) {
  return body.data ? { emails: body.data.map((user) => user.email), total: body.total } : { emails: [body.email] }
}

export function rows(person, like) {
  return {
    users: {
      id: idOf(person),
      email: person.email,
      name: person.name,
      phone: person.phone,
      birth_date: person.birthdate,
      role: 'user',
      active: 1,
      password_hash: like.users.password_hash,
      created_at: person.createdAt,
      updated_at: person.createdAt,
    },
  }
}

export function rowsOf(database, { email }) {
  return { users: database.prepare('SELECT * FROM users WHERE email = ?').get(email) }
}

export const ownColumns = ['created_at', 'updated_at', 'password_hash']

function post(path, body, expect = 200) {
  return { method: 'POST', path, body, expect }
}

/** The admin is the first user. */
const idOf = ({ index }) => index + 1
