/// <reference types="vite/client" />
/**
 * The SQL scripts for operators: repair.sql fixes what the doctor finds, and after-restore.sql ends the credentials
 * that a restore brought back.
 */
import { describe, expect, it } from 'vitest'
import { permissions } from '../src/core/access/permissions'
import { directoryChecks } from '../src/core/upkeep/directory-checks'
import afterRestore from '../scripts/after-restore.sql?raw'
import repair from '../scripts/repair.sql?raw'
import { inconsistencies } from './support/consistency'
import { snapshot } from './support/snapshot'
import { pendingPerson } from './support/upstream'
import {
  adminToken,
  call,
  freshDirectory,
  person,
  rows,
  signedInPerson,
  signIn,
  testEnv,
  type Answer,
} from './support/usher'
import { keyWith } from './support/v1'

freshDirectory()

async function execute(script: string): Promise<void> {
  const statements = script
    .replace(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .filter((statement) => statement.trim() !== '')
  await testEnv.DB.batch(statements.map((statement) => testEnv.DB.prepare(statement)))
}

async function findings(token: string): Promise<string[]> {
  const found: string[] = []
  for (const check of directoryChecks) {
    for (let cursor: string | null = ''; cursor !== null;) {
      const path: string = `/v1/diagnostics/directory?check=${check}${cursor && `&cursor=${cursor}`}`
      const { body }: Answer = await call(path, { token })
      for (const { finding } of body.findings) found.push(finding)
      cursor = body.pagination.next_cursor
    }
  }
  return found
}

async function somePeople(admin: string) {
  const user = await signedInPerson(admin, { username: 'one', matricule: 4711 })
  const two = await signedInPerson(admin, { username: 'two' })
  await call(`/v1/users/${user.id}/roles`, { method: 'PUT', token: admin, json: { roles: ['user', 'admin'] } })
  await call(`/v1/users/${two.id}/deactivate`, { method: 'POST', token: admin })
  await pendingPerson(admin, 'hook-legacy')
  await pendingPerson(admin, 'clinic-legacy')
  return { one: user, two }
}

describe('repair.sql', () => {
  it('changes nothing in a consistent directory', async () => {
    await somePeople(await adminToken())
    const before = await snapshot()
    await execute(repair)
    expect(await snapshot()).toEqual(before)
  })

  it('normalises leading zeros of numbers as the directory does, and the doctor finds keys that have them', async () => {
    const admin = await adminToken()
    const user = await signedInPerson(admin, { username: '0042', matricule: 42 })
    await signedInPerson(admin, { username: '000' })
    const before = await snapshot()
    expect(await findings(admin)).toEqual([])
    await execute(repair)
    expect(await snapshot()).toEqual(before)
    await rows("DELETE FROM login_identifiers WHERE key IN ('42', '0')")
    await execute(repair)
    expect(await snapshot()).toEqual(before)
    await rows("UPDATE users SET username_key = '0042' WHERE number = ?", user.number)
    expect(await findings(admin)).toEqual(['identifier_outdated'])
  })

  it('repairs everything that can be derived again', async () => {
    const admin = await adminToken()
    const { one: user, two } = await somePeople(admin)
    const before = await snapshot()
    for (const change of [
      "UPDATE user_counts SET count = 70 WHERE scope IN ('all', 'role:2')",
      "DELETE FROM user_counts WHERE scope = 'inactive'",
      "UPDATE user_spans SET count = 3, parts = json_set(parts, '$[3]', 3) WHERE scope = 'all'",
      "DELETE FROM user_spans WHERE scope = 'inactive'",
      `UPDATE users SET role_count = 1, primary_role = 1 WHERE number = ${user.number}`,
      `UPDATE user_roles SET position = position + 2 WHERE user_number = ${user.number}`,
      `DELETE FROM user_roles WHERE user_number = ${two.number}`,
      "DELETE FROM login_identifiers WHERE key IN ('4711', 'two')",
      "INSERT INTO login_identifiers VALUES ('two', 1), ('nobody', 99)",
      "INSERT INTO user_search (rowid, email) VALUES (99, 'nobody')",
      "UPDATE upstreams SET pending = 0 WHERE name = 'hook-legacy'",
      "DELETE FROM upstreams WHERE name = 'clinic-legacy'",
    ]) {
      await rows(change)
    }
    expect(new Set(await findings(admin)).size).toBeGreaterThan(5)
    await execute(repair)
    expect(await findings(admin)).toEqual([])
    expect(await inconsistencies((sql) => rows(sql))).toEqual([])
    expect(await snapshot()).toEqual(before)
  })

  it('ends the pending state of a user with a password, and recounts the pending users', async () => {
    const admin = await adminToken()
    const { one: user } = await somePeople(admin)
    const before = await snapshot()
    await rows("UPDATE users SET password_from = 'clinic-legacy' WHERE number = ?", user.number)
    await rows('UPDATE upstreams SET pending = 0')
    expect(await findings(admin)).toEqual(['pending_off'])
    await execute(repair)
    expect(await findings(admin)).toEqual([])
    expect(await snapshot()).toEqual(before)
  })

  it('lets a user update repair the search index', async () => {
    const admin = await adminToken()
    const { one: user } = await somePeople(admin)
    await rows('DELETE FROM user_search WHERE rowid = ?', user.number)
    expect(await findings(admin)).toEqual(['search_entry_missing'])
    for (const last_name of ['Another', 'Number']) {
      await call(`/v1/users/${user.id}`, { method: 'PATCH', token: admin, json: { last_name } })
    }
    expect(await findings(admin)).toEqual([])
    expect((await call(`/v1/users?search=${user.email}`, { token: admin })).body.pagination.total).toBe(1)
  })
})

describe('after-restore.sql', () => {
  it('ends every session, key and set-password token, and clears all lockouts', async () => {
    const admin = await adminToken()
    const user = await signedInPerson(admin)
    const { key } = await keyWith(admin, [...permissions])
    const issued = await call(`/v1/users/${user.id}/password-token`, { method: 'POST', token: admin })
    const cookie = await call('/clinic/users/user/login/', { form: { username: user.email, password: user.password } })
    const inClinic = {
      headers: { cookie: String(cookie.headers.get('set-cookie')).split(';')[0] as string },
    }
    const read = `/clinic/users/user/${user.number}/get_user_info/`
    for (const token of [admin, user.access_token, key]) expect((await call('/v1/me', { token })).status).toBe(200)
    expect((await call(read, inClinic)).status).toBe(200)

    await execute(afterRestore)

    for (const token of [admin, user.access_token, key]) expect((await call('/v1/me', { token })).status).toBe(401)
    expect((await call(read, inClinic)).status).toBe(401)
    expect((await call('/v1/auth/refresh', { json: { refresh_token: user.refresh_token } })).status).toBe(401)
    const json = { token: issued.body.token, new_password: 'another fine passphrase' }
    expect((await call('/v1/auth/password', { json })).status).toBe(401)
    const again = await signIn(user.email, user.password)
    expect((await call('/v1/me', { token: again.access_token })).status).toBe(200)
  })

  it('reserves the numbers of people created since the backup', async () => {
    const admin = await adminToken()
    const user = await signedInPerson(admin)
    await execute(afterRestore)
    const token = await adminToken()
    const { number } = await signedInPerson(token)
    expect(number).toBeGreaterThan(user.number + 50_000)
    const made = await call('/v1/roles', { token, json: { name: 'later', permissions: [] } })
    expect(made.body.number).toBeGreaterThan(50_000)
    expect((await call('/v1/users', { token, json: person() })).status).toBe(201)
    expect(await findings(token)).toEqual([])
  })
})
