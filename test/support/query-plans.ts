/**
 * Checks SQLite's plan for each statement that the Worker sends. No statement may scan a table that grows with the
 * users, or exceed D1's limits.
 */
import { overLimits } from './d1-limits'
import type { Env } from '../../src/env'

/** Statements that were sent and not checked yet, by their SQL, with the values of one call. */
const sent = new Map<string, unknown[]>()
/** Statements that were checked, with the scans in their plans. */
export const plans = new Map<string, string[]>()

const proxies = new WeakMap<D1Database, D1Database>()

/** The same database, but it records every prepared statement. */
export function watched(db: D1Database): D1Database {
  const known = proxies.get(db)
  if (known) return known
  const proxy = new Proxy(db, {
    get(target, name) {
      if (name !== 'prepare') {
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      }
      return (sql: string) => {
        const statement = target.prepare(sql)
        if (plans.has(sql)) return statement
        return {
          bind(...values: unknown[]) {
            sent.set(sql, values)
            return statement.bind(...values)
          },
        }
      }
    },
  })
  proxies.set(db, proxy)
  return proxy
}

interface Step {
  id: number
  parent: number
  detail: string
}

/** The scans in the plan of `sql`. Small tables and bounded reads in index order do not count. */
export async function scansOf(db: D1Database, sql: string, values: unknown[] = []): Promise<string[]> {
  if (/\bLIMIT 0$/.test(sql)) return []
  const { results } = await db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...values)
    .all<Step>()
  const scans = results.map(({ detail }) => detail).filter((step) => step.startsWith('SCAN ') && !harmless.test(step))
  const ofEachRow = (step: Step | undefined): boolean =>
    step !== undefined &&
    (step.detail.startsWith('CORRELATED') || ofEachRow(results.find(({ id }) => id === step.parent)))
  const text = sql.replace(/\s+/g, ' ').trim()
  const sorts = results.some(
    (step) =>
      step.detail.includes('TEMP B-TREE') &&
      !ofEachRow(step) &&
      !(isGatheredPage.test(text) && step.detail.includes('FOR group_concat')),
  )
  return (isPageInOrder.test(text) || isGatheredPage.test(text)) && !sorts ? [] : scans
}

/**
 * Steps that are allowed: subqueries (whose own steps are in the plan), a parameter's values, and the tables of a few
 * rows, such as roles. In the search index, lookups are allowed: a MATCH, a rowid or a rowid range, and a range of the
 * vocabulary (its plan is a bit mask).
 */
const harmless =
  /^SCAN (CONSTANT ROW|\(subquery-\d+\)|(word|page|reached|span|part|new|client|hits|everyone|candidate)\b|(json_each|word|holder|role|place) VIRTUAL TABLE|(roles|user_counts|upstreams|sweep_positions|webhooks|d1_migrations|sqlite_sequence)\b|user_search (EXISTS )?VIRTUAL TABLE INDEX \d+:(M|=|[<>])|user_search_terms VIRTUAL TABLE INDEX 153\d:)/

/** The first page of a whole list: no condition, in index order, up to its limit. */
const isPageInOrder = /FROM (users WHERE 1|"audit_events") ORDER BY [^()]* LIMIT \?\)?$/i
/** The same as a subquery. The outer query then reads no more than the page. */
const isGatheredPage =
  /FROM users WHERE 1 ORDER BY ([^()]|coalesce\([^()]*\))* LIMIT CAST\(\? AS INTEGER\)( OFFSET CAST\(\? AS INTEGER\))?\)\)$/i

/** Checks the statements sent since the last check. Throws when one scans, or exceeds a limit of D1. */
export async function expectNoScan(env: Pick<Env, 'DB'>): Promise<void> {
  for (const [sql, values] of [...sent]) {
    sent.delete(sql)
    const scans = await scansOf(env.DB, sql, values)
    plans.set(sql, scans)
    const wrong = [...scans, ...overLimits(sql)]
    if (wrong.length > 0) throw new Error(`${wrong.join(', ')}: ${sql}`)
  }
}
