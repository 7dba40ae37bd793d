/** Where a page ended, as an opaque word a client hands back. */
import { fromBase64Url, toBase64Url, utf8 } from '../core/encoding'
import { Failed } from './failure'

export function writeCursor(after: number): string {
  return toBase64Url(utf8(JSON.stringify({ after })))
}

/** 0 without a cursor; anything `writeCursor` did not write is bad input. */
export function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  const text = new TextDecoder().decode(fromBase64Url(cursor))
  const after = /^\{"after":(\d{1,15})\}$/.exec(text)?.[1]
  if (after !== undefined) return Number(after)
  const problem = { rule: 'malformed' as const }
  throw new Failed({ kind: 'invalid_request', part: 'query', issues: [{ path: ['cursor'], problem }] })
}
