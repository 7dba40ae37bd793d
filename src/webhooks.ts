/** Composition: the directory's events, in v1's words, to whoever is to be told of them. */
import { toWebhookMessage } from './contracts/v1/mapping/webhooks'
import { immediatePace, scheduledPace, deliver, type Pace } from './core/webhooks/webhook-delivery'
import { Database } from './database/database'
import { configurationOf, type Env } from './env'
import { postToWebhook } from './http/deployment/webhook-post'

/** Behind an answer: nobody hears of a failure but the log, and nothing is lost by it. */
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
