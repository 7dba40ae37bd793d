/**
 * Delivers events to webhooks, at least once. The audit trail is the queue. A step leases a webhook, sends the next
 * events, then saves the new position together with the failures. After an interruption the same events are sent again.
 */
import { v7 as uuid } from 'uuid'
import { BatchRefused, type Database } from '../../database/database'
import { unguarded } from '../../database/guard'
import {
  leaseWebhook,
  selectDueFailures,
  selectDueWebhooks,
  selectNewestSequence,
  selectUnsentEvents,
  saveProgress,
  windowLength,
  type LeasedWebhookRow,
} from '../../database/webhooks/webhook-delivery'
import { toAuditEvent, type AuditEvent } from '../audit/audit-trail'
import { signingNonces } from './webhook-secrets'

/** The outcome of an attempt. */
export type Outcome = 'delivered' | `http_${number}` | 'timeout' | 'unreachable'

/** The nonces identify the secrets to sign with. */
export type Send = (
  webhook: { id: string; url: string; secretNonces: readonly string[] },
  event: AuditEvent,
) => Promise<Outcome>

/** The limits of one run: attempts per connection in one step, and attempts and seconds in total. */
export interface Pace {
  rounds: number
  attempts: number
  seconds: number
}

/** For delivery after a response, where the platform allows half a minute. */
export const immediatePace: Pace = { rounds: 1, attempts: 50, seconds: 15 }
/** For the scheduled run each minute, within the platform's limit of requests per run. */
export const scheduledPace: Pace = { rounds: 4, attempts: 500, seconds: 45 }

export interface DeliveryReport {
  delivered: number
  /** Failed attempts, including the last attempt of each event in `given_up`. */
  failed: number
  given_up: number
}

/** Concurrent requests. The platform allows six. */
const connections = 5
/** Longer than the slowest step, which makes four attempts one after the other. */
const leaseSeconds = 60
/** Seconds from each attempt to the next. An event is given up after the attempt that follows the last pause. */
const pauses = [60, 300, 900, 3_600, 7_200, 14_400, 21_600, 28_800, 43_200]
/** After this many failures in a row a webhook is paused, each time twice as long. */
const failuresBeforePause = 5
const firstRestSeconds = 60
const longestRestSeconds = 900
/** The receiver asks for no more events. */
const gone: Outcome = 'http_410'

/** Serves all due webhooks, several at a time. */
export async function deliver(database: Database, send: Send, pace: Pace): Promise<DeliveryReport> {
  const report = { delivered: 0, failed: 0, given_up: 0 }
  const until = Date.now() + pace.seconds * 1000
  const [due] = await database.batch(unguarded, selectDueWebhooks({ now: seconds() }))
  const lanes = Math.min(connections, due.length)
  const width = Math.floor(connections / lanes)
  const serveNext = async () => {
    for (let webhook = due.shift(); webhook; webhook = due.shift()) {
      const { id } = webhook
      const goesOn = () => Date.now() < until && report.delivered + report.failed < pace.attempts
      while (goesOn() && (await step(database, send, { id, width, limit: width * pace.rounds, report })));
    }
  }
  await Promise.all(Array.from({ length: lanes }, serveNext))
  return report
}

interface Step {
  id: string
  width: number
  limit: number
  report: DeliveryReport
}

/** Makes one step for one webhook. Returns false when there is nothing to do or another run holds the lease. */
async function step(database: Database, send: Send, { id, width, limit, report }: Step): Promise<boolean> {
  const lease = uuid()
  const now = seconds()
  const [[webhook], failures, unsent, [end]] = await database.batch(
    unguarded,
    leaseWebhook({ id, lease, now, until: now + leaseSeconds }),
    selectDueFailures({ id, lease, now, limit }),
    selectUnsentEvents({ id, lease, limit }),
    selectNewestSequence(),
  )
  if (!webhook) return false

  const before = failures.map((row) => ({ row, attempts: row.attempts, isNew: false }))
  const work = [...before, ...unsent.map((row) => ({ row, attempts: 0, isNew: true }))].slice(0, limit)
  const { outcomes, inARow } = await attempt(
    webhook,
    work.map(({ row }) => toAuditEvent(row)),
    width,
    send,
  )

  const tried = work.slice(0, outcomes.length).map((item, index) => ({ ...item, outcome: outcomes[index] as Outcome }))
  const at = seconds()
  const failed = tried
    .filter(({ outcome }) => outcome !== 'delivered')
    .map(({ row, attempts, outcome }) => ({
      sequence: row.sequence,
      attempts: attempts + 1,
      at,
      outcome,
      next: nextAttempt(attempts, at),
    }))
  const news = tried.filter(({ isNew }) => isNew)
  const whole = news.length === unsent.length && unsent.length < limit
  const reached = Math.min(end?.newest ?? 0, webhook.position + windowLength)
  const last = tried.at(-1)
  try {
    await database.batch(
      unguarded,
      ...saveProgress({
        id,
        lease,
        failed,
        position: whole ? reached : (news.at(-1)?.row.sequence ?? webhook.position),
        delivered: tried
          .filter(({ isNew, outcome }) => !isNew && outcome === 'delivered')
          .map(({ row }) => row.sequence),
        failures: inARow,
        nextAttemptAt: inARow < failuresBeforePause ? 0 : at + rest(inARow),
        last: last && { at, outcome: last.outcome },
        gone: outcomes.includes(gone),
      }),
    )
  } catch (error) {
    // The lease expired, and another run has sent the events again.
    if (error instanceof BatchRefused) return false
    throw error
  }
  report.failed += failed.length
  report.given_up += failed.filter(({ next }) => next === null).length
  report.delivered += tried.length - failed.length
  return inARow < failuresBeforePause
}

/**
 * Sends `events` in order, `width` at a time, and stops after too many failures in a row. A webhook that failed too
 * often before gets a single attempt first. Returns the outcomes of the sent events, which are the first ones.
 */
async function attempt(webhook: LeasedWebhookRow, events: readonly AuditEvent[], width: number, send: Send) {
  const outcomes: Outcome[] = []
  const { id, url, secret_nonces } = webhook
  const receiver = { id, url, secretNonces: signingNonces(secret_nonces, seconds()) }
  let inARow = webhook.failures
  let begun = 0
  let refused = false
  const sendNext = async () => {
    while (begun < events.length && !refused && (inARow < failuresBeforePause || begun === 0)) {
      const index = begun
      begun += 1
      const outcome = await send(receiver, events[index] as AuditEvent)
      outcomes[index] = outcome
      inARow = outcome === 'delivered' ? 0 : inARow + 1
      refused ||= outcome === gone
    }
  }
  await Promise.all(Array.from({ length: width }, sendNext))
  return { outcomes, inARow }
}

const seconds = () => Math.floor(Date.now() / 1000)

/** Adds up to a tenth at random, so that events that failed together are not all retried at the same moment. */
const withJitter = (pause: number) => Math.round(pause * (1 + Math.random() / 10))

function nextAttempt(attempts: number, at: number): number | null {
  const pause = pauses[attempts]
  return pause === undefined ? null : at + withJitter(pause)
}

const rest = (inARow: number) =>
  withJitter(Math.min(firstRestSeconds * 2 ** (inARow - failuresBeforePause), longestRestSeconds))
