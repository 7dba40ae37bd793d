/** Every statement of every operation and every kind of list, with SQLite's plan for it. */
import { beforeAll, describe, expect, it } from 'vitest'
import { contractAt } from './contracts'
import { operationsOf, type Operation } from './support/conformance'
import { overLimits } from './support/d1-limits'
import { placeOf, resolved } from './support/drawn-requests'
import { plans, scansOf } from './support/query-plans'
import { newScene } from './support/scene'
import { adminToken, call, migrate, openApi, testEnv } from './support/usher'

const document = await openApi()
const operations = operationsOf(document)
beforeAll(migrate)

describe('the check of query plans', () => {
  it.each([
    'SELECT count(*) FROM users',
    "SELECT * FROM users WHERE email LIKE '%a%' LIMIT 10",
    'SELECT * FROM users ORDER BY created_at LIMIT 10',
    'SELECT * FROM users WHERE active + 0 = 1 ORDER BY number LIMIT 10',
    'DELETE FROM sessions WHERE expires_at < 0',
    'UPDATE users SET active = 0',
    'SELECT u.id FROM users AS u JOIN roles ON roles.number = u.primary_role',
    'SELECT * FROM audit_events WHERE at > 0 ORDER BY sequence DESC LIMIT 10',
    'SELECT group_concat(DISTINCT name) FROM users WHERE 1 ORDER BY number LIMIT ?',
    'SELECT rowid FROM user_search',
    'SELECT * FROM user_search_terms',
    'SELECT sum(count) FROM user_spans',
  ])('finds the scan in: %s', async (sql) => {
    expect(await scansOf(testEnv.DB, sql, sql.includes('?') ? [1] : [])).not.toEqual([])
  })

  it.each([
    'SELECT * FROM users WHERE id = 1',
    'SELECT id FROM users WHERE 1 ORDER BY number LIMIT ?',
    'SELECT id FROM users WHERE 1 ORDER BY name_key, number LIMIT ?',
    "SELECT rowid FROM user_search WHERE user_search MATCH 'abc'",
    "SELECT sum(count) FROM user_spans WHERE scope = 'all'",
  ])('finds no scan in: %s', async (sql) => {
    expect(await scansOf(testEnv.DB, sql, sql.includes('?') ? [1] : [])).toEqual([])
  })
})

it('finds a statement that exceeds D1’s limits', () => {
  const calling = (count: number) =>
    `SELECT max(1, json_array(${Array.from({ length: count }, () => "'('").join()}), 2)`
  expect(overLimits(calling(33))).toEqual(['json_array of 33 arguments'])
  expect(overLimits(calling(32))).toEqual([])
  expect(overLimits(`SELECT ${'1 + '.repeat(25_000)} 1`)).toHaveLength(1)
})

// `call` throws when a statement of the request scans.

it('no operation scans a table that grows with the users', async () => {
  for (const operation of operations) {
    const scene = await newScene()
    const guarded = operation.security?.length !== 0
    await placeOf(document, operation, scene.known, async ({ path, ...asked }) => {
      const answer = await call(path, { ...asked, ...(guarded && { token: scene.admin.access_token }) })
      return { ...answer, written: answer.cost.written }
    })
    if (guarded) await call(operation.path, { method: operation.method, token: scene.apiKey })
  }
  expect(plans.size).toBeGreaterThan(operations.length)
})

/** The values of this query parameter that lead to different statements, and undefined for none. */
function valuesOf(
  path: string,
  { name, schema }: NonNullable<Operation['parameters']>[number],
): (string | undefined)[] {
  const { search, pageSize, page, others = {} } = contractAt(path).wire.query
  if (name === search) return [undefined, 'so', 'so me e', 'some', 'some one', 'so some on e']
  if (name === pageSize) return ['1']
  if (name === page?.name) return [page.first, page.second]
  const listed = (resolved(document, schema).enum as string[] | undefined) ?? []
  return [undefined, ...(others[name] ?? listed)]
}

/** The lists that take query parameters. */
const lists = operations.filter(({ method, path, parameters = [] }) => {
  const { pageSize, cursor } = contractAt(path).wire.query
  return method === 'GET' && parameters.some((one) => one.in === 'query' && ![pageSize, cursor].includes(one.name))
})

it.each(lists.map((operation) => [operation.operationId, operation] as const))(
  'no list of %s scans a table that grows with the users, for any filter, search, order and page',
  async (_, operation) => {
    await newScene()
    const token = await adminToken()
    const choices = (operation.parameters ?? [])
      .filter((one) => one.in === 'query' && one.name !== contractAt(operation.path).wire.query.cursor)
      .map((one) => valuesOf(operation.path, one).map((value) => [one.name, value] as const))
    const queries = choices.reduce<(readonly [string, string | undefined])[][]>(
      (all, values) => all.flatMap((query) => values.map((value) => [...query, value])),
      [[]],
    )
    for (const query of queries) {
      const sent = query.filter((pair): pair is [string, string] => pair[1] !== undefined)
      const path = `${operation.path}?${new URLSearchParams(sent)}`
      const { body } = await call(path, { token })
      const cursor = body.pagination?.next_cursor
      if (cursor) await call(`${path}&cursor=${cursor}`, { token })
    }
    expect(queries.length).toBeGreaterThan(1)
  },
  // v1ListUsers alone has more than a thousand combinations.
  240_000,
)
