/** Problems of a request in the terms of RFC 7644. */
import { Failed, type Part } from '../../http/contract/failure'

export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidCursor'
  | 'invalidCount'

/** A bad request. `detail` names attributes, never values of the client. */
export function badRequest(code: ScimType, detail: string, part: Part = 'body'): Failed {
  return new Failed({
    kind: 'invalid_request',
    part,
    issues: [{ path: [], problem: { rule: 'malformed' } }],
    own: { code, detail },
  })
}
