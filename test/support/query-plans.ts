/**
 * How SQLite would go about each statement the Worker sends: none may read a table that grows with the users from end to end, and
 * none may be more than D1 takes.
 */
import { overLimits } from './d1-limits'
import type { Env } from '../../src/env'

/** The statements sent and not looked at yet, by their SQL, with values of one call. */
const sent = new Map<string, unknown[]>()
/** Those looked at, and the scans of them. */
export const plans = new Map<string, string[]>()

const proxies = new WeakMap<D1Database, D1Database>()

/** The same database, which writes down what is prepared on it. */
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

/** What of `sql` reads a whole table; a table that does not grow with the users is none, and neither is a bounded read in order. */
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
 * Nothing, a subquery (whose own steps are in the plan), a parameter's values, the roles and other tables of a few rows; and of the search index what it looks up:
 * a MATCH, a rowid or a range of them, and of its vocabulary (whose plan is a bit mask) what lies between two terms.
 */
const harmless =
  /^SCAN (CONSTANT ROW|\(subquery-\d+\)|(word|page|reached|span|part|new|client|hits|everyone|candidate)\b|(json_each|word|holder|role|place) VIRTUAL TABLE|(roles|user_counts|upstreams|sweep_positions|webhooks|d1_migrations|sqlite_sequence)\b|user_search (EXISTS )?VIRTUAL TABLE INDEX \d+:(M|=|[<>])|user_search_terms VIRTUAL TABLE INDEX 153\d:)/

/** The first page of everything: no condition, in the order of an index, as far as its limit. */
const isPageInOrder = /FROM (users WHERE 1|"audit_events") ORDER BY [^()]* LIMIT \?\)?$/i
/** The same inside of what gathers it, which is then no more than the page. */
const isGatheredPage =
  /FROM users WHERE 1 ORDER BY ([^()]|coalesce\([^()]*\))* LIMIT CAST\(\? AS INTEGER\)( OFFSET CAST\(\? AS INTEGER\))?\)\)$/i

/** Looks at what was sent since the last time; throws where that scans, or is over a limit of D1's. */
export async function expectNoScan(env: Pick<Env, 'DB'>): Promise<void> {
  for (const [sql, values] of [...sent]) {
    sent.delete(sql)
    const scans = await scansOf(env.DB, sql, values)
    plans.set(sql, scans)
    const wrong = [...scans, ...overLimits(sql)]
    if (wrong.length > 0) throw new Error(`${wrong.join(', ')}: ${sql}`)
  }
}
