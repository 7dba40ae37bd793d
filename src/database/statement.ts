/** SQL is compiled once per isolate. A call only fills in the values. */
import { fillPlaceholders, sql, type SQL, type SQLWrapper } from 'drizzle-orm/sql'
import { CasingCache } from 'drizzle-orm/casing'

/** A statement with its values. `Row` is the type of its rows. */
export interface Statement<Row = never> {
  readonly sql: string
  readonly params: readonly unknown[]
  /** Converts a row of D1 to a `Row`, where they differ. */
  readonly read?: ((row: never) => Row) | undefined
  /** Whether the statement writes an event that webhooks may receive. */
  readonly notifiesWebhooks?: boolean
  /** Called after the transaction with this statement has been committed. */
  readonly onCommit?: (() => void) | undefined
}

export type Values = Record<string, string | number | null>

/** How SQLite writes names and parameters. */
const syntax = {
  casing: new CasingCache(),
  escapeName: (name: string) => `"${name}"`,
  escapeParam: () => '?',
  escapeString: (text: string) => `'${text.replaceAll("'", "''")}'`,
}

/** The names of columns, as INSERT lists them. */
export const names = (columns: readonly string[]): SQL =>
  sql.join(
    columns.map((column) => sql.identifier(column)),
    sql`, `,
  )

/** The assignments of an UPDATE, for each value that is not undefined. */
export const assignments = (columns: Readonly<Record<string, unknown>>): SQL =>
  sql.join(
    Object.entries(columns)
      .filter(([, value]) => value !== undefined)
      .map(([column, value]) => sql`${sql.identifier(column)} = ${value}`),
    sql`, `,
  )

/** LIMIT with a placeholder. SQLite would replan the statement for each value of a bare placeholder. */
export const limit = (placeholder: string): SQL => sql`LIMIT CAST(${sql.placeholder(placeholder)} AS INTEGER)`

/** Compiles SQL whose shape depends on the call. Fixed SQL uses `prepare`. */
export function compile<Row = never>(query: SQLWrapper): Statement<Row> {
  return query.getSQL().toQuery(syntax)
}

/** Compiles `query` at its first use. Each call names the values of its placeholders. */
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

/** As `prepare`, for SQL with a few shapes. Compiles each shape at its first use. */
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
