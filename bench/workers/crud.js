/**
 * A user directory as tutorials write it with Hono and drizzle: a JWT and its user, zod, LIKE with percent signs,
 * count(*), LIMIT and OFFSET, one unique index. A password hash is one PBKDF2 call of 100,000 iterations, the most that
 * a Worker may make.
 */
import { zValidator } from '@hono/zod-validator'
import { asc, count, eq, like, or } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { Hono } from 'hono'
import { jwt, sign } from 'hono/jwt'
import { z } from 'zod'

const users = sqliteTable('users', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  email: text('email').notNull().unique(),
  name: text('name').notNull(),
  phone: text('phone'),
  birthDate: text('birth_date'),
  role: text('role').notNull().default('user'),
  active: integer('active', { mode: 'boolean' }).notNull().default(true),
  passwordHash: text('password_hash').notNull(),
  createdAt: integer('created_at', { mode: 'timestamp' }).notNull(),
  updatedAt: integer('updated_at', { mode: 'timestamp' }).notNull(),
})

const shown = {
  id: users.id,
  email: users.email,
  name: users.name,
  phone: users.phone,
  birthDate: users.birthDate,
  role: users.role,
  active: users.active,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
}

const newUser = z.object({
  email: z.email(),
  name: z.string().min(1).max(200),
  password: z.string().min(8).max(128),
  phone: z.string().max(32).optional(),
  birthDate: z.iso.date().optional(),
})
const changes = newUser.omit({ password: true }).partial()
const credentials = z.object({ email: z.email(), password: z.string() })
const page = z.object({
  page: z.coerce.number().int().min(1).default(1),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  search: z.string().max(40).optional(),
})

const app = new Hono()

app.use(async (c, next) => {
  c.set('db', drizzle(c.env.DB))
  await next()
})

app.post('/register', zValidator('json', newUser), (c) => create(c))

app.post('/login', zValidator('json', credentials), async (c) => {
  const { email, password } = c.req.valid('json')
  const user = await c.var.db.select().from(users).where(eq(users.email, email)).get()
  if (!user || !user.active || !(await verify(password, user.passwordHash))) {
    return c.json({ error: 'Invalid credentials' }, 401)
  }
  const exp = Math.floor(Date.now() / 1000) + 86_400
  return c.json({ token: await sign({ sub: user.id, role: user.role, exp }, c.env.JWT_SECRET, 'HS256') })
})

app.use('/users/*', (c, next) => jwt({ secret: c.env.JWT_SECRET, alg: 'HS256' })(c, next))
app.use('/users/*', async (c, next) => {
  const user = await c.var.db.select().from(users).where(eq(users.id, c.var.jwtPayload.sub)).get()
  if (!user?.active) return c.json({ error: 'Unauthorized' }, 401)
  if (user.role !== 'admin') return c.json({ error: 'Forbidden' }, 403)
  await next()
})

app.get('/users', zValidator('query', page), async (c) => {
  const { page, limit, search } = c.req.valid('query')
  const where = search ? or(like(users.email, `%${search}%`), like(users.name, `%${search}%`)) : undefined
  const [data, [{ total }]] = await Promise.all([
    c.var.db
      .select(shown)
      .from(users)
      .where(where)
      .orderBy(asc(users.id))
      .limit(limit)
      .offset((page - 1) * limit),
    c.var.db.select({ total: count() }).from(users).where(where),
  ])
  return c.json({ data, total, page, limit })
})

app.post('/users', zValidator('json', newUser), (c) => create(c))

app.get('/users/:id', async (c) => {
  const user = await c.var.db
    .select(shown)
    .from(users)
    .where(eq(users.id, Number(c.req.param('id'))))
    .get()
  return user ? c.json(user) : c.json({ error: 'Not found' }, 404)
})

app.patch('/users/:id', zValidator('json', changes), async (c) => {
  const [user] = await c.var.db
    .update(users)
    .set({ ...c.req.valid('json'), updatedAt: new Date() })
    .where(eq(users.id, Number(c.req.param('id'))))
    .returning(shown)
  return user ? c.json(user) : c.json({ error: 'Not found' }, 404)
})

app.delete('/users/:id', async (c) => {
  await c.var.db.delete(users).where(eq(users.id, Number(c.req.param('id'))))
  return c.body(null, 204)
})

export default app

async function create(c) {
  const { password, ...columns } = c.req.valid('json')
  const existing = await c.var.db.select({ id: users.id }).from(users).where(eq(users.email, columns.email)).get()
  if (existing) return c.json({ error: 'Email already in use' }, 409)
  const now = new Date()
  const [user] = await c.var.db
    .insert(users)
    .values({ ...columns, passwordHash: await hash(password), createdAt: now, updatedAt: now })
    .returning(shown)
  return c.json(user, 201)
}

async function hash(password, salt = crypto.getRandomValues(new Uint8Array(16))) {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, ['deriveBits'])
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt, iterations: 100_000 }, key, 256)
  return `${hex(salt)}:${hex(new Uint8Array(bits))}`
}

async function verify(password, stored) {
  const salt = Uint8Array.from(stored.split(':')[0].match(/../g), (byte) => Number.parseInt(byte, 16))
  return (await hash(password, salt)) === stored
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
