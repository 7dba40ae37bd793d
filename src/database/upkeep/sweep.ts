/**
 * Removes expired rows, one range of a table at a time, in the order of its key. No index serves this: an index would
 * add a written row to every sign-in, and a row read costs a thousandth of a row written.
 */
import { sql, type SQL } from 'drizzle-orm/sql'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { compile, type Statement } from '../statement'
import {
  adoptionAttempts,
  apiKeys,
  auditEvents,
  externalIds,
  idempotencyRecords,
  passwordTokens,
  sessions,
  signInFailures,
  sweepPositions,
  usage,
  users,
  webhookFailures,
  webhooks,
} from '../tables'

/**
 * Unix seconds. Rows that expired by `now` are removed; the other times are the limits for rows that are kept for a
 * while.
 */
export interface Times {
  now: number
  idempotencyBefore: number
  failuresBefore: number
  /** Undefined when events are kept indefinitely. */
  auditBefore: number | undefined
  /** In days since 1970. */
  usageBeforeDay: number
}

interface Task {
  table: SQLiteTable
  key: readonly [SQLiteColumn, ...SQLiteColumn[]]
  /** The condition of the rows to remove; undefined to remove none. */
  expired: (times: Times) => SQL | undefined
  /**
   * Rows to remove come first in the key's order. If a range has none, no later range has any, so each run starts at
   * the beginning.
   */
  oldestFirst?: true
}

/** A credential of an earlier generation than its user's was revoked. */
const revoked = (table: typeof sessions | typeof apiKeys, generation: SQLiteColumn) =>
  sql`${table.generation} <> (SELECT ${generation} FROM ${users} WHERE ${users.number} = ${table.user_number})`

const tasks = {
  sessions: {
    table: sessions,
    key: [sessions.id],
    expired: ({ now }) => sql`${sessions.expires_at} <= ${now} OR ${revoked(sessions, users.session_generation)}`,
  },
  api_keys: {
    table: apiKeys,
    key: [apiKeys.hash],
    expired: ({ now }) => sql`${apiKeys.expires_at} <= ${now} OR ${revoked(apiKeys, users.key_generation)}`,
  },
  password_tokens: {
    table: passwordTokens,
    key: [passwordTokens.user_number, passwordTokens.hash],
    expired: ({ now }) => sql`${passwordTokens.expires_at} <= ${now}`,
  },
  idempotency_records: {
    table: idempotencyRecords,
    key: [idempotencyRecords.principal, idempotencyRecords.key],
    expired: ({ idempotencyBefore }) => sql`${idempotencyRecords.created_at} <= ${idempotencyBefore}`,
  },
  sign_in_failures: {
    table: signInFailures,
    key: [signInFailures.account],
    expired: ({ now, failuresBefore }) =>
      sql`${signInFailures.last_failed_at} < ${failuresBefore} AND ${signInFailures.locked_until} <= ${now}`,
  },
  // Attempts of an interrupted Worker, or attempts during which the user got another password.
  adoption_attempts: {
    table: adoptionAttempts,
    key: [adoptionAttempts.user_number, adoptionAttempts.id],
    expired: ({ now }) => sql`${adoptionAttempts.expires_at} <= ${now}`,
  },
  audit_events: {
    table: auditEvents,
    key: [auditEvents.sequence],
    oldestFirst: true,
    // The newest event stays, because the next event's number is one above the highest and no number may be reused.
    // Events that an active webhook has not received yet stay too.
    expired: ({ auditBefore }) =>
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
  usage: {
    table: usage,
    key: [usage.contract, usage.operation, usage.principal, usage.program, usage.day],
    expired: ({ usageBeforeDay }) => sql`${usage.day} < ${usageBeforeDay}`,
  },
  // A client may have given an id to everyone, too many rows for the transaction that deletes the client.
  external_ids: {
    table: externalIds,
    key: [externalIds.kind, externalIds.subject_number, externalIds.client_number],
    expired: () => sql`NOT EXISTS (SELECT 1 FROM ${users} WHERE ${users.number} = ${externalIds.client_number})`,
  },
} satisfies Record<string, Task>

export type TaskName = keyof typeof tasks
export const taskNames = Object.keys(tasks) as TaskName[]

const task = (name: TaskName): Task => tasks[name]

export const isOldestFirst = (name: TaskName): boolean => task(name).oldestFirst === true

/** A position in a table: the values of its key. */
export type Position = readonly (string | number)[]

/** Where each task stopped in the last run. */
export const selectSweepPositions = (): Statement<{ task: string; position: string }> =>
  compile(sql`SELECT ${sweepPositions.task}, ${sweepPositions.position} FROM ${sweepPositions}`)

/**
 * Returns the position of the `rows`-th row after another position, or after the beginning. No row if fewer are left.
 */
export function selectRangeEnd(name: TaskName, after: Position | undefined, rows: number): Statement<{ end: string }> {
  const { table, key } = task(name)
  return compile(sql`
    SELECT json_array(${list(key)}) AS "end" FROM ${table} WHERE ${afterKey(key, after)}
    ORDER BY ${list(key)} LIMIT 1 OFFSET ${sql.raw(String(rows - 1))}`)
}

/**
 * Removes rows after one position up to another, or up to the end. Returns their number. Undefined if the task removes
 * nothing.
 */
export function sweepRange(
  name: TaskName,
  times: Times,
  { after, end }: { after: Position | undefined; end: Position | undefined },
): [Statement, Statement<{ removed: number }>] | undefined {
  const { table, key, expired: isExpired } = task(name)
  const expired = isExpired(times)
  if (!expired) return undefined
  const upTo = end ? sql`(${list(key)}) <= (${list(end)})` : sql`1`
  return [
    compile(sql`DELETE FROM ${table} WHERE ${afterKey(key, after)} AND ${upTo} AND (${expired})`),
    compile(sql`SELECT changes() AS removed`),
  ]
}

/** Saves the position where the next run continues. Undefined makes the next run start at the beginning. */
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

/** Every key is greater than the empty one, so a table is read from its beginning as from any other position. */
function afterKey(key: Task['key'], after: Position | undefined): SQL {
  return sql`(${list(key)}) > (${list(after ?? key.map((column) => (column.dataType === 'number' ? -1 : '')))})`
}
