/** The diagnostics of the deployment and the directory. */
import type { z } from '@hono/zod-openapi'
import type { DatabaseFacts, HashingFacts } from '../../../core/upkeep/diagnostics'
import type { Finding } from '../../../core/upkeep/directory-checks'
import type { Deployment } from '../../../http/deployment/deployment'
import { toUtc } from '../../../http/contract/times'
import type { V1Diagnostics, V1HashingDiagnostics } from '../schemas/diagnostics'
import { toId } from './ids'

export function fromDeployment(
  deployment: Deployment,
  { region, sizeBytes, tripMilliseconds, migrations, admins }: DatabaseFacts,
  now: number,
): z.infer<typeof V1Diagnostics> {
  const { version, missingBindings, variables, rateLimited, serverTiming, logsRequests } = deployment
  const { applied, missing, unknown } = migrations
  return {
    time: toUtc(now),
    version: version ? { id: version.id, uploaded_at: version.uploadedAt } : null,
    database: {
      region: region ?? null,
      size_bytes: sizeBytes ?? null,
      trip_milliseconds: tripMilliseconds,
      migrations: { applied: [...applied], missing: [...missing], unknown: [...unknown] },
    },
    missing_bindings: missingBindings,
    variables,
    rate_limit: rateLimited,
    server_timing: serverTiming,
    request_log: logsRequests,
    access_token_seconds: deployment.accessTokenSeconds,
    usage: { recorded: deployment.recordsUsage, retention_days: deployment.usageRetentionDays },
    retirements: [...deployment.retirements].map(([contract, { deprecated, sunset, brownOuts }]) => ({
      contract,
      deprecated: deprecated === undefined ? null : toUtc(deprecated),
      sunset: sunset === undefined ? null : toUtc(sunset),
      brown_outs: brownOuts.map(({ from, until }) => ({ from: toUtc(from), until: toUtc(until) })),
    })),
    admins,
  }
}

export function fromHashing(facts: HashingFacts): z.infer<typeof V1HashingDiagnostics> {
  const { iterations, rounds, milliseconds, refusesMore } = facts
  return { iterations, rounds, milliseconds: milliseconds ?? null, cap_enforced: refusesMore }
}

export function fromFinding({ kind, count, userIds, places }: Finding) {
  return { finding: kind, count, users: userIds.map(toId), places }
}
