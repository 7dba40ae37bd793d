/** The example hook checks passwords for Usher only: examples/password-hook/hook.js, in a process of its own. */
import { spawn } from 'node:child_process'
import { createHmac, randomBytes, scryptSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../examples/password-hook/hook.js', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'usher-hook-'))
const [secret, previous, foreign] = [randomBytes(32), randomBytes(32), randomBytes(32)]

let hook
let address

beforeAll(async () => {
  const salt = randomBytes(16)
  const user = { salt: salt.toString('hex'), scrypt: scryptSync('the old secret', salt, 32).toString('hex') }
  writeFileSync(join(home, 'users.json'), JSON.stringify({ 'mila@example.org': user }))
  const shown = [secret, previous].map((bytes) => `whsec_${bytes.toString('base64')}`).join(' ')
  const env = { ...process.env, PORT: '0', USERS: join(home, 'users.json'), WEBHOOK_SECRET: shown }
  hook = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise((resolve) => hook.stdout.once('data', resolve))
  address = /http:\S+/.exec(String(line))[0]
})
afterAll(() => {
  hook?.kill()
  rmSync(home, { recursive: true })
})

/** Asks as Usher does. */
async function ask({ identifier = 'mila@example.org', password = 'the old secret', key = secret, age = 0, sent } = {}) {
  const body = JSON.stringify({ user_id: 'usr_1', identifier, password })
  const timestamp = Math.floor(Date.now() / 1000) - age
  const signature = createHmac('sha256', key).update(`id.${timestamp}.${body}`).digest('base64')
  const headers = {
    'content-type': 'application/json',
    'webhook-id': 'id',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  }
  const response = await fetch(address, { method: 'POST', headers, body: sent ?? body })
  return response.status === 200 ? (await response.json()).result : response.status
}

describe('the example hook', () => {
  it('confirms the right password, signed by the current or the previous secret', async () => {
    expect(await ask()).toBe('match')
    expect(await ask({ key: previous, identifier: 'Mila@example.org' })).toBe('match')
  })

  it('does not confirm a wrong password or an unknown user', async () => {
    expect(await ask({ password: 'not the password' })).toBe('no_match')
    expect(await ask({ identifier: 'unknown@example.org' })).toBe('no_match')
  })

  it('returns 401 for a foreign signature, an old one, a changed body and a request without one', async () => {
    expect(await ask({ key: foreign })).toBe(401)
    expect(await ask({ age: 600 })).toBe(401)
    expect(await ask({ sent: '{"identifier":"mila@example.org","password":"the old secret"}' })).toBe(401)
    expect((await fetch(address, { method: 'POST', body: '{}' })).status).toBe(401)
  })
})
