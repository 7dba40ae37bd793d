/**
 * Kills a webhook receiver and its sending server repeatedly while users change. Every change must be delivered at
 * least once, with a signature. The receiver is the one in examples/.
 */
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { admin, exitOf, freePort, hurried, newServer } from '../support/server'

const kills = Math.max(3, Math.round(20 * Number(process.env.SLOW_SCALE || 1)))
const everyMinute = '* * * * *'
const deliveredActions = ['created', 'updated', 'deactivated', 'activated', 'deleted', 'roles_set', 'password_set']

const home = mkdtempSync(join(tmpdir(), 'usher-receiver-'))
const kept = join(home, 'received.jsonl')

let server
let token
let port
let webhook
let receiver

beforeAll(async () => {
  server = await newServer({ ...hurried, ACCESS_TOKEN_TTL_SECONDS: '86400' })
  await server.start()
  token = (await send('POST', '/v1/auth/login', { identifier: admin.email, password: admin.password })).access_token
  port = await freePort()
  webhook = await send('POST', '/v1/webhooks', { url: `http://127.0.0.1:${port}/usher` })
  await startReceiver()
})

afterAll(async () => {
  await killReceiver()
  await server?.remove()
  rmSync(home, { recursive: true })
})

async function send(method, path, json) {
  const response = await fetch(server.address + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(json && { 'content-type': 'application/json' }),
    },
    body: json && JSON.stringify(json),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function startReceiver() {
  const script = fileURLToPath(new URL('../../examples/webhook-receiver/receiver.js', import.meta.url))
  const env = { ...process.env, WEBHOOK_SECRET: webhook.secret, PORT: String(port), RECEIVED: kept }
  receiver = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => receiver.stdout.once('data', resolve))
}

async function killReceiver() {
  if (!receiver) return
  receiver.kill('SIGKILL')
  await exitOf(receiver)
  receiver = undefined
}

const received = () =>
  existsSync(kept)
    ? readFileSync(kept, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line))
    : []

let people = 0
let made = 0

/**
 * Changes users until stopped. Interrupted requests do not matter here, because the audit trail shows which changes
 * were committed.
 */
async function write(going) {
  while (going()) {
    people += 1
    const one = { email: `person${people}@example.org`, name: 'Some Body', password: `the passphrase of ${people}` }
    try {
      const { id } = await send('POST', '/v1/users', one)
      await send('PATCH', `/v1/users/${id}`, { phone: '1' })
      await send('POST', `/v1/users/${id}/deactivate`)
      if (people % 2) await send('DELETE', `/v1/users/${id}`)
      made += 3 + (people % 2)
    } catch {
      await pause(50)
    }
  }
}

/** The committed changes, by the id of their event. */
const changes = () =>
  server.examine((database) => {
    const actions = deliveredActions.map((action) => `'user.${action}'`).join()
    const rows = database
      .prepare(`SELECT id, action, user_id FROM audit_events WHERE action IN (${actions}) AND actor_id IS NOT NULL`)
      .all()
    return new Map(rows.map(({ id, action, user_id }) => [id, `${action} usr_${user_id.replaceAll('-', '')}`]))
  })

/** The deliveries that failed and will be retried. */
async function waiting() {
  const ids = []
  for (let cursor = ''; cursor !== null;) {
    const page = await send('GET', `/v1/webhooks/${webhook.id}/failures?limit=100${cursor && `&cursor=${cursor}`}`)
    for (const failure of page.data) {
      expect(failure.next_attempt_at).not.toBeNull()
      ids.push(failure.event.id)
    }
    cursor = page.pagination.next_cursor
  }
  return ids
}

/** Runs the scheduled trigger, faster than every minute, until `isDone`. */
async function tickUntil(isDone, seconds) {
  for (const until = Date.now() + seconds * 1000; Date.now() < until; await pause(1000)) {
    await (await server.tick(everyMinute)).text()
    if (await isDone()) return
  }
  throw new Error(`not done after ${seconds} s`)
}

it(`every change is delivered despite ${kills} kills`, async () => {
  for (let killed = 0; killed < kills; killed += 1) {
    let going = true
    const enough = made + 12
    const writing = Promise.all(Array.from({ length: 3 }, () => write(() => going)))
    while (made < enough) await pause(20)
    const [ofReceiver, ofServer] = [killed % 3 !== 1, killed % 3 !== 0]
    await Promise.all([ofReceiver && killReceiver(), ofServer && server.kill()])
    if (!ofServer) await pause(300)
    if (ofServer) await server.start()
    if (!ofServer) while (made < enough + 6) await pause(20)
    going = false
    await writing
    if (!receiver) await startReceiver()
    // The test requests retries instead of waiting for the pause after repeated failures.
    await send('POST', `/v1/webhooks/${webhook.id}/retry`)
  }

  const all = await changes()
  const missing = () => {
    const ids = new Set(received().map(({ id }) => id))
    return [...all.keys()].filter((id) => !ids.has(id))
  }
  // A run that was killed keeps its lease on the webhook for a minute.
  await tickUntil(async () => {
    const again = new Set(await waiting())
    return missing().every((id) => again.has(id))
  }, 180)
  await send('POST', `/v1/webhooks/${webhook.id}/retry`)
  await tickUntil(() => missing().length === 0, 120)

  const events = received()
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
  for (const { id, type, data } of events) expect([id, `${type} ${data.user_id}`]).toEqual([id, all.get(id)])
  expect(events.length).toBe(all.size)
  expect(await waiting()).toEqual([])
  console.log(`${kills} kills: ${events.length} changes delivered and verified, none lost`)
}, 1_800_000)

it('the receiver rejects unsigned, outdated and repeated events', async () => {
  const before = received().length
  const secret = Buffer.from(webhook.secret.replace('whsec_', ''), 'base64')
  const now = Math.floor(Date.now() / 1000)
  const body = JSON.stringify({ id: 'forged', type: 'user.deleted', data: {} })
  const post = async ({ id = 'forged', at = now, key = secret, text = body, signature }) => {
    const signed = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(at),
      'webhook-signature': signature ?? `v1,${signed}`,
    }
    return (await fetch(`http://127.0.0.1:${port}/usher`, { method: 'POST', headers, body: text })).status
  }
  for (const forgery of [
    { key: Buffer.alloc(32) },
    { text: body.replace('deleted', 'created') },
    { at: now - 3600 },
    { at: now + 3600 },
    { at: 'soon' },
    { signature: '' },
    { signature: 'v1,' },
    { signature: 'v1a,AAAA' },
  ]) {
    expect([forgery, await post(forgery)]).toEqual([forgery, 401])
  }
  expect(received()).toHaveLength(before)
  // During a rotation both secrets sign. One valid signature is enough.
  const good = createHmac('sha256', secret).update(`forged.${now}.${body}`).digest('base64')
  for (let sent = 0; sent < 2; sent += 1) expect(await post({ signature: `v1,AAAA v1,${good}` })).toBe(204)
  expect(received()).toHaveLength(before + 1)
  expect((await send('POST', `/v1/webhooks/${webhook.id}/ping`)).outcome).toBe('delivered')
})
