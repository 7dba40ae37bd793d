/**
 * Removing what has had its time, a range of each table at a time in the order of its key. No index is kept for it: an index would be
 * a row more at every sign-in, and rows read are a thousandth of the price of rows written.
 */
import { sql, type SQL } from 'drizzle-orm/sql'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { compile, type Statement } from '../statement'
import {
  apiKeys,
  auditEvents,
  idempotencyRecords,
  passwordTokens,
  sessions,
  signInFailures,
  sweepPositions,
  users,
  webhookFailures,
  webhooks,
} from '../tables'

/** Unix seconds: what expired by `now`, what was kept long enough if it is from before the other times. */
export interface Times {
  now: number
  idempotencyBefore: number
  failuresBefore: number
  /** Undefined where events are kept for good. */
  auditBefore: number | undefined
}

interface Task {
  table: SQLiteTable
  key: readonly [SQLiteColumn, ...SQLiteColumn[]]
  /** What of it is to go; undefined for nothing. */
  dead: (times: Times) => SQL | undefined
  /** What is to go stands first: where nothing of a range goes, nothing after it does, and each run begins at the beginning. */
  oldestFirst?: true
}

/** A credential of an earlier generation than its user's was ended with all the others of its time. */
const ended = (table: typeof sessions | typeof apiKeys, generation: SQLiteColumn) =>
  sql`${table.generation} <> (SELECT ${generation} FROM ${users} WHERE ${users.number} = ${table.user_number})`

const tasks = {
  sessions: {
    table: sessions,
    key: [sessions.id],
    dead: ({ now }) => sql`${sessions.expires_at} <= ${now} OR ${ended(sessions, users.session_generation)}`,
  },
  api_keys: {
    table: apiKeys,
    key: [apiKeys.hash],
    dead: ({ now }) => sql`${apiKeys.expires_at} <= ${now} OR ${ended(apiKeys, users.key_generation)}`,
  },
  password_tokens: {
    table: passwordTokens,
    key: [passwordTokens.user_number, passwordTokens.hash],
    dead: ({ now }) => sql`${passwordTokens.expires_at} <= ${now}`,
  },
  idempotency_records: {
    table: idempotencyRecords,
    key: [idempotencyRecords.principal, idempotencyRecords.key],
    dead: ({ idempotencyBefore }) => sql`${idempotencyRecords.created_at} <= ${idempotencyBefore}`,
  },
  sign_in_failures: {
    table: signInFailures,
    key: [signInFailures.account],
    dead: ({ now, failuresBefore }) =>
      sql`${signInFailures.last_failed_at} < ${failuresBefore} AND ${signInFailures.locked_until} <= ${now}`,
  },
  audit_events: {
    table: auditEvents,
    key: [auditEvents.sequence],
    oldestFirst: true,
    // The newest stays: the next event's number comes after the highest there is, and no number may come twice. So does what an
    // active webhook has yet to tell.
    dead: ({ auditBefore }) =>
      auditBefore === undefined
        ? undefined
        : sql`${auditEvents.at} < ${auditBefore} AND ${auditEvents.sequence} < (SELECT max(sequence) FROM ${auditEvents})
            AND ${auditEvents.sequence} <= coalesce(
              (SELECT min(${webhooks.position}) FROM ${webhooks} WHERE ${webhooks.active} = 1), ${auditEvents.sequence})
            AND NOT EXISTS (
              SELECT 1 FROM ${webhookFailures} JOIN ${webhooks} ON ${webhooks.id} = ${webhookFailures.webhook_id}
              WHERE ${webhookFailures.sequence} = ${auditEvents.sequence}
                AND ${webhookFailures.next_attempt_at} IS NOT NULL AND ${webhooks.active} = 1)`,
  },
} satisfies Record<string, Task>

export type TaskName = keyof typeof tasks
export const taskNames = Object.keys(tasks) as TaskName[]

const task = (name: TaskName): Task => tasks[name]

export const isOldestFirst = (name: TaskName): boolean => task(name).oldestFirst === true

/** A place in a table: the values of its key. */
export type Position = readonly (string | number)[]

/** Where each task stopped the last time. */
export const selectSweepPositions = (): Statement<{ task: string; position: string }> =>
  compile(sql`SELECT ${sweepPositions.task}, ${sweepPositions.position} FROM ${sweepPositions}`)

/** The place of the `rows`-th row after another, or after the beginning: no row where fewer are left. */
export function selectRangeEnd(name: TaskName, after: Position | undefined, rows: number): Statement<{ end: string }> {
  const { table, key } = task(name)
  return compile(sql`
    SELECT json_array(${list(key)}) AS "end" FROM ${table} WHERE ${beyond(key, after)}
    ORDER BY ${list(key)} LIMIT 1 OFFSET ${sql.raw(String(rows - 1))}`)
}

/** Removes what is dead after one place up to another, or to the end; answers how many rows went. Undefined where nothing is to. */
export function sweepRange(
  name: TaskName,
  times: Times,
  { after, end }: { after: Position | undefined; end: Position | undefined },
): [Statement, Statement<{ removed: number }>] | undefined {
  const { table, key, dead: deadBy } = task(name)
  const dead = deadBy(times)
  if (!dead) return undefined
  const upTo = end ? sql`(${list(key)}) <= (${list(end)})` : sql`1`
  return [
    compile(sql`DELETE FROM ${table} WHERE ${beyond(key, after)} AND ${upTo} AND (${dead})`),
    compile(sql`SELECT changes() AS removed`),
  ]
}

/** Keeps where a task has come to: the next run goes on there, or begins again. */
export function keepSweepPosition(name: TaskName, position: Position | undefined): Statement {
  if (!position) return compile(sql`DELETE FROM ${sweepPositions} WHERE ${sweepPositions.task} = ${name}`)
  return compile(sql`
    INSERT INTO ${sweepPositions} (task, position) VALUES (${name}, ${JSON.stringify(position)})
    ON CONFLICT (task) DO UPDATE SET position = excluded.position`)
}

const list = (parts: readonly unknown[]) =>
  sql.join(
    parts.map((part) => sql`${part}`),
    sql`, `,
  )

/** Every key comes after the empty one: what a table is read by from its beginning, as from anywhere else. */
function beyond(key: Task['key'], after: Position | undefined): SQL {
  return sql`(${list(key)}) > (${list(after ?? key.map((column) => (column.dataType === 'number' ? -1 : '')))})`
}
