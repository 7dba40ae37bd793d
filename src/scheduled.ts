/** The scheduled runs. `[triggers]` in wrangler.toml sets their times. */
import { sweep } from './core/upkeep/sweep'
import { Database } from './database/database'
import { configurationOf, Misconfigured, type Env } from './env'
import { deliverOnSchedule } from './webhooks'

/** The trigger of the sweep. Any other trigger delivers to webhooks. */
export const sweepCron = '17 * * * *'

export async function scheduled({ cron }: Pick<ScheduledController, 'cron'>, env: Env): Promise<void> {
  try {
    await (cron === sweepCron ? sweepAndReport(env) : deliverOnSchedule(env))
  } catch (error) {
    console.error(error instanceof Misconfigured ? `Usher does not work: ${error.message}` : error)
    throw error
  }
}

async function sweepAndReport(env: Env): Promise<void> {
  const began = Date.now()
  const { auditRetentionDays, usageRetentionDays } = configurationOf(env)
  const database = new Database(env.DB)
  const { removed, unfinished } = await sweep(database, {
    now: Math.floor(began / 1000),
    auditRetentionDays,
    usageRetentionDays,
  })
  const { trips, rowsRead, rowsWritten } = database.cost
  const cost = { trips, rows_read: rowsRead, rows_written: rowsWritten, milliseconds: Date.now() - began }
  console.log(JSON.stringify({ message: 'sweep', removed, unfinished, ...cost }))
}
