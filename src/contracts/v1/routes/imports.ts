/** Imports of users. */
import { createRoute, type z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Caller } from '../../../core/access/caller'
import { beginImport, type Import, type ImportRow } from '../../../core/moving/imports'
import { authenticated } from '../../../http/credentials/authentication'
import { withConfiguredMinLength } from '../../../http/contract/contract'
import type { ContractEnv } from '../../../http/contract/contract-types'
import { maxIssues, toFailure, toIssues } from '../../../http/contract/failure'
import { ndjson, ndjsonBody, streamedLines } from '../../../http/contract/json'
import { linesOf, type Line } from '../../../http/bodies/ndjson'
import { failures, lookalikeMessage, toErrors, toProblem, toRowErrors, unreadableLine } from '../errors'
import { fromPresent, fromTotals, toImportedUser } from '../mapping/imports'
import { countFields, lookalikesIn, unknownFieldsOf } from '../mapping/unknown-fields'
import { V1ImportQuery, V1ImportResult, V1ImportedUser } from '../schemas/imports'
import type { V1Problem } from '../schemas/problem'
import { app } from './contract'

const tags = ['imports']

/**
 * The maximum size of all results of an import. A client may send the whole body before it reads, so that many bytes
 * must be buffered.
 */
const aheadBytes = 16_777_216

const importRoute = createRoute({
  ...authenticated(['users:import'], undefined, { streams: true }),
  method: 'post',
  path: '/imports',
  operationId: 'v1ImportUsers',
  tags,
  summary: 'Import users, one per line, with the hashes of their passwords',
  description:
    'Up to 26,214,400 bytes and 100,000 lines. The response has one line per line of the body, in order: created, skipped or refused, with reasons. A row is skipped when its user exists: by id or, without an id, by email, unless another field contradicts it. The last line has the totals and the unknown fields. Existing users are left unchanged, so you can run the import again. A line with an unknown field that looks like a status or a hash is refused. A role other than `user` needs `roles:assign` and every permission of that role; `status: inactive` needs `users:deactivate`.',
  request: { query: V1ImportQuery, body: ndjsonBody(app, { V1ImportedUser }) },
  responses: {
    200: ndjson(app, { V1ImportResult }, 'One line per line of the body, and one at the end'),
    ...failures(400, 401, 403, 413, 415),
  },
})

app.openapi(importRoute, (c) => {
  const dryRun = c.req.valid('query').dry_run === true
  return streamedLines(resultsOf(c, linesOf(c), dryRun), (result) => result, { aheadBytes })
})

type Result = z.infer<typeof V1ImportResult>
type Importing = Context<ContractEnv & { Variables: { caller: Caller } }>

/** A failure before the first results becomes the response. A later failure becomes the last line of the response. */
async function* resultsOf(
  c: Importing,
  parts: AsyncGenerator<Line[], void, undefined>,
  dryRun: boolean,
): AsyncGenerator<Result[], void, undefined> {
  const running = beginImport(c.var.caller, { dryRun })
  const unknownFields = new Map<string, number>()
  let next = 0
  try {
    for await (const part of parts) {
      for (const line of part) if ('value' in line) countFields(unknownFields, unknownFieldsOf(line.value))
      yield await resultsOfPart(c, part, running)
      next = (part.at(-1)?.number ?? next) + 1
    }
    if (next === 0) await running.add([])
  } catch (error) {
    if (next === 0) throw error
    const { body } = toProblem(toFailure(error, c.var.requestId))
    return yield [{ status: 'stopped', line: next, problem: body as z.infer<typeof V1Problem> }]
  }
  yield [fromTotals(running.totals, unknownFields, dryRun)]
}

async function resultsOfPart(c: Importing, part: Line[], running: Import): Promise<Result[]> {
  const rows: ImportRow[] = []
  const refused: Result[] = []
  for (const line of part) {
    const read = readLine(c, line)
    if ('user' in read) rows.push(read)
    else refused.push({ line: line.number, status: 'refused', errors: read.errors })
  }
  running.refuse(refused.length)
  const results = (await running.add(rows)).map((result) =>
    result.status === 'refused'
      ? { line: result.line, status: result.status, errors: toRowErrors(result.problems) }
      : fromPresent(result),
  )
  return [...results, ...refused].sort((a, b) => lineOf(a) - lineOf(b))
}

const lineOf = (result: Result) => ('line' in result ? result.line : 0)

function readLine(c: Importing, line: Line): ImportRow | { errors: ReturnType<typeof toErrors> } {
  if ('unreadable' in line) return { errors: [{ field: '', message: unreadableLine[line.unreadable] }] }
  const result = V1ImportedUser.safeParse(line.value)
  const lookalikes = lookalikesIn(line.value)
  if (result.success && lookalikes.length === 0) return { line: line.number, user: toImportedUser(result.data) }
  const issues = result.success ? [] : toErrors(withConfiguredMinLength(c, toIssues(result.error, line.value)))
  const errors = [
    ...issues,
    ...lookalikes.map(({ field, lookalike }) => ({ field, message: lookalikeMessage[lookalike] })),
  ]
  return { errors: errors.slice(0, maxIssues) }
}
