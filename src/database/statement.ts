/** SQL compiled once per isolate; a call only fills in its values. */
import { fillPlaceholders, sql, type SQL, type SQLWrapper } from 'drizzle-orm/sql'
import { drizzle } from 'drizzle-orm/d1'
import { SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core'

/** One statement ready to run; `Row` is what it answers. */
export interface Statement<Row = never> {
  readonly sql: string
  readonly params: readonly unknown[]
  /** What a row becomes, where it is not a Row as D1 answers it. */
  readonly read?: ((row: never) => Row) | undefined
  /** Whether webhooks are to be told of what it does. */
  readonly notifiesWebhooks?: boolean
}

export type Values = Record<string, string | number | null>

/** Drizzle's builders, here for their SQL alone: only `Database.batch` runs anything. */
export const build = drizzle(undefined as unknown as D1Database)

const dialect = new SQLiteAsyncDialect()

/** LIMIT by a placeholder. Of a bare one SQLite looks at the value, and so plans the statement anew each time it is used. */
export const limit = (placeholder: string): SQL => sql`LIMIT CAST(${sql.placeholder(placeholder)} AS INTEGER)`

/** Compiles SQL whose shape depends on the call; what is the same every time goes through `prepare`. */
export function compile<Row = never>(query: SQLWrapper): Statement<Row> {
  return dialect.sqlToQuery(query.getSQL())
}

/** Compiles `query` at its first use; each call then names the values of its placeholders. */
export function prepare<V extends Values | void, Row = never>(
  query: () => SQLWrapper,
  read?: (row: never) => Row,
): (values: V) => Statement<Row> {
  let compiled: Statement<Row> | undefined
  return (values) => {
    compiled ??= compile<Row>(query())
    return { sql: compiled.sql, params: fillPlaceholders([...compiled.params], values ?? {}), read }
  }
}

/** The same for SQL that has a few shapes: compiles each at its first use. */
export function prepareEach<Shape, V extends Values, Row = never>(
  query: (shape: Shape) => SQLWrapper,
  read?: (row: never) => Row,
): (shape: Shape, values: V) => Statement<Row> {
  const prepared = new Map<string, (values: V) => Statement<Row>>()
  return (shape, values) => {
    const key = JSON.stringify(shape)
    let statement = prepared.get(key)
    if (!statement) prepared.set(key, (statement = prepare<V, Row>(() => query(shape), read)))
    return statement(values)
  }
}
