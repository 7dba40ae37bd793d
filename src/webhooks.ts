/** Composition: delivers the directory's events to webhooks, in v1's format. */
import { toWebhookMessage } from './contracts/v1/mapping/webhooks'
import { immediatePace, scheduledPace, deliver, type Pace } from './core/webhooks/webhook-delivery'
import { Database } from './database/database'
import { configurationOf, type Env } from './env'
import { postToWebhook } from './http/deployment/webhook-post'

/** Delivers after a response. A failure is only logged, because the scheduled run delivers again. */
export async function deliverAfterResponse(env: Env): Promise<void> {
  try {
    await run(env, immediatePace)
  } catch (error) {
    console.error('webhooks', error)
  }
}

export function deliverOnSchedule(env: Env): Promise<void> {
  return run(env, scheduledPace)
}

async function run(env: Env, pace: Pace): Promise<void> {
  const began = Date.now()
  const configuration = configurationOf(env)
  const database = new Database(env.DB)
  const report = await deliver(
    database,
    (webhook, event) => postToWebhook(configuration, webhook, { id: event.id, body: toWebhookMessage(event) }),
    pace,
  )
  if (!configuration.logsRequests || report.delivered + report.failed === 0) return
  const { trips, rowsRead, rowsWritten } = database.cost
  const cost = { trips, rows_read: rowsRead, rows_written: rowsWritten, milliseconds: Date.now() - began }
  console.log(JSON.stringify({ message: 'webhooks', ...report, ...cost }))
}
