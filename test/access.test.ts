/** Who may do what: every operation of the document, by everyone who might try. */
import { describe, expect, it } from 'vitest'
import { sign } from 'hono/jwt'
import { operationsOf } from './support/conformance'
import {
  adminToken,
  call,
  freshDirectory,
  openApi,
  person,
  roleIds,
  rows,
  signedInPerson,
  testEnv,
} from './support/usher'

freshDirectory()

const guarded = operationsOf(await openApi()).filter(({ security }) => security?.length !== 0)
const named = guarded.map((operation) => [operation.operationId, operation] as const)

/** Enough of a request to be let in, or not. */
function attempt(operation: (typeof guarded)[number], token: string | undefined, headers?: Record<string, string>) {
  const path = operation.path.replace(/\{[^}]+\}/g, '4821')
  return call(path, { method: operation.method, token, ...(headers && { headers }) })
}

describe('every guarded operation', () => {
  it.each(named)('%s refuses nobody with a bare challenge', async (_, operation) => {
    const { status, headers } = await attempt(operation, undefined)
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toBe('Bearer')
  })

  it.each(named)('%s refuses a credential that is not ours, or no longer, and says so', async (_, operation) => {
    const admin = await adminToken()
    const ended = await signedInPerson(admin)
    await call('/v1/auth/logout', { method: 'POST', token: ended.access_token })
    const deactivated = await signedInPerson(admin)
    await call(`/personnel/users/delete/${deactivated.uuid}`, { method: 'DELETE', token: admin })
    const deleted = await signedInPerson(admin)
    await call(`/v1/users/${deleted.id}`, { method: 'DELETE', token: admin })
    const tokens = ['nonsense', `${admin}x`, ended.access_token, deactivated.access_token, deleted.access_token]
    for (const token of tokens) {
      const { status, headers } = await attempt(operation, token)
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    }
    expect((await attempt(operation, undefined, { authorization: 'Basic eDp5' })).status).toBe(401)
  })

  it.each(named)('%s answers an unfit request only to those who may make it', async (_, operation) => {
    if (!operation.requestBody) return
    const admin = await adminToken()
    const ended = await signedInPerson(admin)
    await call('/v1/auth/logout', { method: 'POST', token: ended.access_token })
    const unfit = { headers: { 'content-type': 'application/json' }, body: '{', method: operation.method }
    expect((await call(operation.path, { ...unfit, token: ended.access_token })).status).toBe(401)
  })
})

const openToAll = [
  'v1GetMe',
  'v1PatchMe',
  'v1ChangePassword',
  'v1Logout',
  'personnelLogout',
  'personnelUpdateUser',
  'clinicLogout',
]

describe('a plain user', () => {
  it.each(named.filter(([id]) => !openToAll.includes(id)))('may not %s', async (_, operation) => {
    const admin = await adminToken()
    const plain = await signedInPerson(admin)
    const before = await rows('SELECT * FROM users')
    expect((await attempt(operation, plain.access_token)).status).toBe(403)
    expect(await rows('SELECT * FROM users')).toEqual(before)
  })

  it('may read their own record, through every contract', async () => {
    const admin = await adminToken()
    const plain = await signedInPerson(admin, { matricule: 61 })
    for (const path of ['/v1/me', `/v1/users/${plain.id}`, `/personnel/users/${plain.uuid}`, '/personnel/users/61']) {
      expect((await call(path, { token: plain.access_token })).status).toBe(200)
    }
  })
})

describe('power over others', () => {
  /** A role with these permissions, made as its own rows until v1 can make one. */
  async function managerWith(admin: string, mask: number) {
    const manager = await signedInPerson(admin)
    await rows(
      "INSERT INTO roles (number, id, name, name_key, description, permissions, built_in) VALUES (7, '019a0000-0000-7000-8000-000000000007', 'manager', 'manager', '', ?, 0)",
      mask,
    )
    await rows('UPDATE users SET primary_role = 7 WHERE id = ?', manager.uuid)
    await rows(
      'UPDATE user_roles SET role_number = 7 WHERE user_number = (SELECT number FROM users WHERE id = ?)',
      manager.uuid,
    )
    return manager
  }
  const allButRolesManage = 32767 & ~(1 << 10)

  it('is not had over one who holds a permission the actor does not', async () => {
    const admin = await adminToken()
    const manager = await managerWith(admin, allButRolesManage)
    const { body: boss } = await call('/v1/me', { token: admin })
    const uuid = boss.id.replace(/^usr_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    const token = manager.access_token
    const edit = (json: object) =>
      call('/personnel/users/update', { method: 'PUT', token, json: { user_id: uuid, ...json } })
    for (const { status, text } of [
      await edit({ nom: 'Taken Over' }),
      await edit({ password: 'now it is mine' }),
      await call(`/personnel/users/delete/${uuid}`, { method: 'DELETE', token }),
      await call(`/v1/users/${boss.id}`, { method: 'DELETE', token }),
    ]) {
      expect(status).toBe(403)
      expect(text).toContain('roles:manage')
    }
    expect((await call('/v1/me', { token: admin })).body).toEqual(boss)
  })

  it('does not let anyone give a role with a permission they do not hold', async () => {
    const admin = await adminToken()
    const manager = await managerWith(admin, allButRolesManage)
    const json = {
      matricule: 9,
      nom: 'New Boss',
      email: 'boss@example.org',
      password: 'a fine passphrase',
      role_id: roleIds.admin,
    }
    expect((await call('/personnel/users/create', { token: manager.access_token, json })).status).toBe(403)
    const asAdmin = person({ role: 'admin' })
    expect((await call('/v1/users', { token: manager.access_token, json: asAdmin })).status).toBe(403)
    expect(await rows('SELECT * FROM users WHERE primary_role = 1')).toHaveLength(1)
  })

  it('takes roles:assign to give any role but the default one', async () => {
    const admin = await adminToken()
    const creator = await managerWith(admin, 1 << 1)
    const plain = person({ role: 'user' })
    expect((await call('/v1/users', { token: creator.access_token, json: plain })).status).toBe(201)
    const other = await call('/v1/users', { token: creator.access_token, json: person({ role: 'manager' }) })
    expect(other.status).toBe(403)
    expect(other.body.detail).toContain('roles:assign')
  })

  it('is lost between deciding and committing when the permission is', async () => {
    const admin = await adminToken()
    const manager = await managerWith(admin, allButRolesManage)
    let batches = 0
    // The role loses users:create after the first batch has allowed it and before the second commits.
    const overtaking = {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        batches += 1
        if (batches === 2) await rows('UPDATE roles SET permissions = 1 WHERE number = 7')
        return testEnv.DB.batch(statements)
      },
    }
    const answer = await call('/v1/users', { token: manager.access_token, json: person(), env: { DB: overtaking } })
    expect(answer.status).toBe(403)
    expect(batches).toBe(2)
    expect(await rows('SELECT * FROM users')).toHaveLength(2)
  })
})

describe('the last active admin', () => {
  it('can be neither deactivated nor deleted', async () => {
    const admin = await adminToken()
    const { body: me } = await call('/v1/me', { token: admin })
    const uuid = me.id.replace(/^usr_(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    expect((await call(`/personnel/users/delete/${uuid}`, { method: 'DELETE', token: admin })).status).toBe(409)
    expect((await call(`/v1/users/${me.id}`, { method: 'DELETE', token: admin })).status).toBe(409)
    expect((await call('/v1/me', { token: admin })).status).toBe(200)
  })

  it('stays, when all admins remove each other and themselves at once', async () => {
    const admin = await adminToken()
    const admins = await Promise.all(Array.from({ length: 6 }, () => signedInPerson(admin, { role: 'admin' })))
    await Promise.all(
      admins.flatMap((one, index) => {
        const next = admins[(index + 1) % admins.length]!
        return [
          call(`/v1/users/${one.id}`, { method: 'DELETE', token: one.access_token }),
          call(`/personnel/users/delete/${next.uuid}`, { method: 'DELETE', token: one.access_token }),
        ]
      }),
    )
    const { body: me } = await call('/v1/me', { token: admin })
    await call(`/v1/users/${me.id}`, { method: 'DELETE', token: admin })
    expect(
      (await rows('SELECT * FROM users JOIN user_roles ON user_number = number WHERE role_number = 1 AND active = 1'))
        .length,
    ).toBeGreaterThanOrEqual(1)
  })
})

describe('a token', () => {
  const secret = String(testEnv.JWT_SECRET)

  /** The claims of a good token, to be spoilt one at a time. */
  async function parts() {
    const token = await adminToken()
    const [header, payload, signature] = token.split('.') as [string, string, string]
    const decode = (text: string) => JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/')))
    return { token, header: decode(header), claims: decode(payload), raw: { header, payload, signature } }
  }
  const encode = (value: unknown) =>
    btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')

  async function forge(header: object, claims: object): Promise<string> {
    const body = `${encode(header)}.${encode(claims)}`
    const bytes = new TextEncoder().encode(secret)
    const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(body))
    return `${body}.${btoa(String.fromCharCode(...new Uint8Array(mac)))
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replace(/=+$/, '')}`
  }

  it('is taken when made as ours are: the control of the forgeries below', async () => {
    const { header, claims } = await parts()
    expect((await call('/v1/me', { token: await forge(header, claims) })).status).toBe(200)
  })

  it('is refused in every forgery', async () => {
    const { header, claims, raw, token } = await parts()
    const now = Math.floor(Date.now() / 1000)
    const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))
    const forgeries = [
      `${encode({ ...header, alg: 'none' })}.${raw.payload}.`,
      `${encode({ ...header, alg: 'none' })}.${raw.payload}.${raw.signature}`,
      await forge({ ...header, alg: 'HS512' }, claims),
      await forge({ ...header, alg: 'hs256' }, claims),
      await forge({ ...header, kid: 'another' }, claims),
      await forge({ alg: 'HS256', typ: 'JWT' }, claims),
      await forge({ ...header, crit: ['exp'] }, claims),
      await forge({ ...header, typ: 'at+jwt' }, claims),
      await forge({ ...header, jwk: { kty: 'oct', k: 'AAAA' } }, claims),
      await forge(header, without('exp')),
      await forge(header, without('iat')),
      await forge(header, without('sid')),
      await forge(header, without('user_id')),
      await forge(header, { ...claims, exp: now }),
      await forge(header, { ...claims, exp: String(now + 900) }),
      await forge(header, { ...claims, exp: 1e400 }),
      await forge(header, { ...claims, iat: now + 120 }),
      await forge(header, { ...claims, nbf: now + 120 }),
      await forge(header, { ...claims, nbf: 'soon' }),
      await forge(header, { ...claims, iss: 'someone' }),
      await forge(header, { ...claims, aud: 'someone' }),
      await forge(header, { ...claims, aud: ['usher', 'someone'] }),
      await forge(header, { ...claims, token_type: 'refresh' }),
      await forge(header, { ...claims, user_id: '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66' }),
      await forge(header, { ...claims, sid: '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e66' }),
      await forge(header, { ...claims, sid: { id: claims.sid } }),
      await forge(header, [claims]),
      `${raw.header}.${raw.payload}`,
      `${raw.header}.${raw.payload}.${raw.signature}.`,
      `${raw.header}.${raw.payload}.${raw.signature}=`,
      `${raw.header}.${raw.payload}.${raw.signature.slice(0, -1)}${raw.signature.endsWith('A') ? 'B' : 'A'}`,
      `${raw.header}.${raw.payload}.`,
      `.${raw.payload}.${raw.signature}`,
      `${raw.header}.${encode({ ...claims, role_name: 'owner' })}.${raw.signature}`,
      await sign(claims, 'another secret that is long enough to be one', 'HS256'),
      `${token} ${token}`,
    ]
    for (const [index, forged] of forgeries.entries()) {
      const read = await call('/v1/me', { token: forged })
      expect([index, read.status]).toEqual([index, 401])
      const write = await call('/v1/users', { token: forged, json: person() })
      expect([index, write.status]).toEqual([index, 401])
    }
    expect(await rows('SELECT * FROM users')).toHaveLength(1)
  })

  it('of the previous secret is taken while it is being rotated, and not after', async () => {
    const token = await adminToken()
    const JWT_SECRET = 'Zt8Kq1Lw5Xr0Vn7Bd3Hs9Jf2Gm6Pc4Ty8Ua1Ei5Ro'
    expect((await call('/v1/me', { token, env: { JWT_SECRET, JWT_SECRET_PREVIOUS: secret } })).status).toBe(200)
    expect((await call('/v1/me', { token, env: { JWT_SECRET } })).status).toBe(401)
  })
})
