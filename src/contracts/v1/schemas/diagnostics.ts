/** Diagnostics of the deployment and the directory. */
import { z } from '@hono/zod-openapi'
import { directoryChecks, findings } from '../../../core/upkeep/directory-checks'
import { hashStandings } from '../../../core/passwords/passwords'
import { bindingNames, variableNames } from '../../../http/deployment/deployment'
import { cursorPagination, page, time } from './fields'

const migration = z.array(z.string())

export const V1Diagnostics = z
  .strictObject({
    time: time.openapi({ description: "By the Worker's clock" }),
    version: z
      .strictObject({ id: z.string(), uploaded_at: z.string() })
      .nullable()
      .openapi({ description: 'The version of the Worker, if the platform reports it' }),
    database: z.strictObject({
      region: z.string().nullable(),
      size_bytes: z.int().nullable(),
      trip_milliseconds: z.int().openapi({ description: 'The shortest of a few round trips from the Worker' }),
      migrations: z.strictObject({ applied: migration, missing: migration, unknown: migration }),
    }),
    missing_bindings: z.array(z.enum(bindingNames).openapi('V1Binding')),
    variables: z
      .array(z.enum(variableNames).openapi('V1Variable'))
      .openapi({ description: 'The variables that are set' }),
    rate_limit: z.boolean(),
    server_timing: z.boolean(),
    request_log: z.boolean(),
    access_token_seconds: z.int().openapi({ description: 'How long the access tokens of v1 and rbac are valid' }),
    usage: z.strictObject({ recorded: z.boolean(), retention_days: z.int() }),
    retirements: z.array(
      z.strictObject({
        contract: z.string(),
        deprecated: time.nullable(),
        sunset: time.nullable(),
        brown_outs: z.array(z.strictObject({ from: time, until: time })),
      }),
    ),
    admins: z.int().openapi({ description: 'Holders of the role admin' }),
  })
  .openapi('V1Diagnostics')

export const V1HashingDiagnostics = z
  .strictObject({
    iterations: z.int().openapi({ description: 'PBKDF2 iterations per call' }),
    rounds: z.int().openapi({ description: 'Calls per password' }),
    milliseconds: z
      .int()
      .nullable()
      .openapi({ description: 'The time to hash a password; null if the platform refused' }),
    cap_enforced: z.boolean().openapi({ description: 'Whether the platform refuses a call with one iteration more' }),
  })
  .openapi('V1HashingDiagnostics')

export const V1UpstreamDiagnostics = z
  .strictObject({
    data: z.array(
      z.strictObject({
        upstream: z.string(),
        answer: z.string().openapi({
          description: '`no_match` as it should be; `match`, `timeout`, `unreachable`, `unreadable` or `http_<status>`',
        }),
      }),
    ),
  })
  .openapi('V1UpstreamDiagnostics')

export const V1DirectoryDiagnostics = z
  .strictObject({
    users: z.int().openapi({ description: 'Users checked' }),
    findings: z.array(
      z.strictObject({
        finding: z.enum(findings).openapi('V1Finding'),
        count: z.int(),
        users: z.array(z.string()).openapi({ description: 'The first affected users, `usr_…`' }),
        places: z.array(z.string()).openapi({ description: 'The first places of findings that affect no user' }),
      }),
    ),
    hashes: z
      .array(
        z.strictObject({
          format: z.string(),
          standing: z.enum(hashStandings).openapi('V1HashStanding'),
          count: z.int(),
        }),
      )
      .optional()
      .openapi({ description: 'Passwords by the format of their hashes, if `check` is `hashes`' }),
    pagination: cursorPagination,
  })
  .openapi('V1DirectoryDiagnostics')

export const V1DirectoryDiagnosticsQuery = z.object({
  check: z.enum(directoryChecks).openapi('V1DirectoryCheck'),
  cursor: page.cursor,
})
