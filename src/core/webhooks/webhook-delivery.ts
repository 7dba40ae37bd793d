/**
 * Telling webhooks what happened, at least once. The trail is the queue: a step takes a webhook in hand for a while, sends what comes
 * next, and only then moves its position, together with what could not be sent. Whatever is cut off in between is sent again.
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

/** What an attempt came to. */
export type Outcome = 'delivered' | `http_${number}` | 'timeout' | 'unreachable'

/** The nonces are those of the secrets to sign with. */
export type Send = (
  webhook: { id: string; url: string; secretNonces: readonly string[] },
  event: AuditEvent,
) => Promise<Outcome>

/** How much one run does: attempts that each connection makes in one step, attempts and seconds in all. */
export interface Pace {
  rounds: number
  attempts: number
  seconds: number
}

/** Behind an answer that was given: a platform that lets that go on for half a minute. */
export const immediatePace: Pace = { rounds: 1, attempts: 50, seconds: 15 }
/** By the clock, each minute, within what one run may ask of other servers. */
export const scheduledPace: Pace = { rounds: 4, attempts: 500, seconds: 45 }

export interface DeliveryReport {
  delivered: number
  /** Attempts, of which the last of `given_up` events. */
  failed: number
  given_up: number
}

/** Requests under way at a time; the platform allows six. */
const connections = 5
/** As long as the slowest step may take, four attempts one after the other, and some more. */
const leaseSeconds = 60
/** Seconds after the first attempt, the second, and so on; an event is given up with the attempt after the last of them. */
const pauses = [60, 300, 900, 3_600, 7_200, 14_400, 21_600, 28_800, 43_200]
/** Failures in a row after which a webhook is left alone for a while, which doubles. */
const patience = 5
const firstRestSeconds = 60
const longestRestSeconds = 900
/** The receiver says that it wants no more. */
const gone: Outcome = 'http_410'

/** Serves every webhook that is due, several at a time. */
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

/** One step of one webhook; false where there was nothing to do, or somebody else is doing it. */
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

  const tried = work.slice(0, outcomes.length).map((one, index) => ({ ...one, outcome: outcomes[index] as Outcome }))
  const at = seconds()
  const failed = tried
    .filter(({ outcome }) => outcome !== 'delivered')
    .map(({ row, attempts, outcome }) => ({
      ...{ sequence: row.sequence, attempts: attempts + 1, at, outcome },
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
        ...{ id, lease, failed },
        position: whole ? reached : (news.at(-1)?.row.sequence ?? webhook.position),
        delivered: tried
          .filter(({ isNew, outcome }) => !isNew && outcome === 'delivered')
          .map(({ row }) => row.sequence),
        failures: inARow,
        nextAttemptAt: inARow < patience ? 0 : at + rest(inARow),
        last: last && { at, outcome: last.outcome },
        gone: outcomes.includes(gone),
      }),
    )
  } catch (error) {
    // Too slow, and somebody else went on: they have sent it again.
    if (error instanceof BatchRefused) return false
    throw error
  }
  report.failed += failed.length
  report.given_up += failed.filter(({ next }) => next === null).length
  report.delivered += tried.length - failed.length
  return inARow < patience
}

/**
 * Sends `events` in order, `width` at a time, until too many in a row have failed; one that had failed too often before gets a single
 * try first. Answers the outcomes of those that were sent, which are the first ones.
 */
async function attempt(webhook: LeasedWebhookRow, events: readonly AuditEvent[], width: number, send: Send) {
  const outcomes: Outcome[] = []
  const { id, url, secret_nonces } = webhook
  const receiver = { id, url, secretNonces: signingNonces(secret_nonces, seconds()) }
  let inARow = webhook.failures
  let begun = 0
  let refused = false
  const sendNext = async () => {
    while (begun < events.length && !refused && (inARow < patience || begun === 0)) {
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

/** A tenth more at random: what failed together is not all tried again in the same moment. */
const spread = (pause: number) => Math.round(pause * (1 + Math.random() / 10))

function nextAttempt(attempts: number, at: number): number | null {
  const pause = pauses[attempts]
  return pause === undefined ? null : at + spread(pause)
}

const rest = (inARow: number) => spread(Math.min(firstRestSeconds * 2 ** (inARow - patience), longestRestSeconds))
