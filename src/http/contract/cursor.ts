/**
 * Cursors: the end of a page as opaque text that a client sends back. A cursor is valid only for the list it came from.
 */
import type { z } from '@hono/zod-openapi'
import { fromBase64Url, toBase64Url, utf8 } from '../../core/encoding'
import { Failed } from './failure'

/** `list` identifies the list by its sort and filters. */
export function writeCursor(position: unknown, list: unknown): string {
  return toBase64Url(utf8(JSON.stringify([position, list])))
}

/**
 * Returns the position, or undefined without a cursor. A cursor that `writeCursor` did not write for this list is
 * invalid input.
 */
export function readCursor<Schema extends z.ZodType>(
  cursor: string | undefined,
  list: unknown,
  schema: Schema,
): z.output<Schema> | undefined {
  if (cursor === undefined) return undefined
  const [position, of] = read(cursor)
  const result = schema.safeParse(position)
  if (result.success && JSON.stringify(of) === JSON.stringify(list)) return result.data
  const problem = { rule: 'malformed' as const }
  throw new Failed({ kind: 'invalid_request', part: 'query', issues: [{ path: ['cursor'], problem }] })
}

function read(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(fromBase64Url(cursor)))
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}
