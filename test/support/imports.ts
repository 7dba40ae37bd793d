/** Imports and exports as clients use them. */
import { call, type Answer, type Call } from './usher'

export interface Result {
  line: number
  status: 'created' | 'skipped' | 'refused' | 'stopped' | 'done'
  id?: string
  errors?: { field: string; message: string }[]
  problem?: { status: number; detail: string }
}

export interface Done {
  status: 'done'
  dry_run: boolean
  created: number
  skipped: number
  refused: number
  rows_written: number
  passwords: number
  password_hashes: { kind: string; users: number; milliseconds: number }[]
  unknown_fields: { field: string; lines: number }[]
}

export const ndjson = { 'content-type': 'application/x-ndjson' }

/** The response of an import: a result for each row, and the last line separately. */
export interface Imported {
  answer: Answer
  results: Result[]
  last: Done & Result
  /** A short summary of each row's result. */
  outcomes: string[]
}

/** Imports these rows, or a body as given. */
export async function importing(
  token: string,
  rows: readonly unknown[] | BodyInit,
  { path = '/v1/imports', ...options }: Call & { path?: string } = {},
): Promise<Imported> {
  const body = Array.isArray(rows) ? asLines(rows) : (rows as BodyInit)
  const answer = await call(path, {
    method: 'POST',
    token,
    body,
    ...options,
    headers: { ...ndjson, ...options.headers },
  })
  if (answer.status !== 200) throw new Error(`import failed: ${answer.status} ${answer.text}`)
  const lines: Result[] = answer.body
  const results = lines.slice(0, -1)
  return { answer, results, last: lines.at(-1) as Imported['last'], outcomes: results.map(inShort) }
}

export const asLines = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n')

function inShort({ status, errors }: Result): string {
  return errors ? errors.map(({ field, message }) => `${field} ${message}`).join('; ') : status
}

export async function exported(token: string, query = ''): Promise<{ answer: Answer; users: Record<string, any>[] }> {
  const answer = await call(`/v1/exports${query}`, { token })
  if (answer.status !== 200) throw new Error(`export failed: ${answer.status} ${answer.text}`)
  return { answer, users: answer.body ?? [] }
}
