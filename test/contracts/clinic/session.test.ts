/// <reference types="vite/client" />
/** clinic: signing in and out, the cookie, and the origins from which it works. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { contracts } from '..'
import { operationsOf } from '../../support/conformance'
import {
  activate,
  asForm,
  cookieOf,
  created,
  deactivate,
  edit,
  expectFailure,
  expectSuccess,
  ines,
  inesInFull,
  inesShown,
  info,
  kinds,
  login,
  logout,
  notAllowed,
  notSignedIn,
  plainUser,
  users,
  type Fields,
} from '../../support/clinic'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, firstAdmin, freshDirectory, openApi, rows, signIn, type Call } from '../../support/usher'

freshDirectory()
afterEach(() => void vi.useRealTimers())

const { password } = inesInFull
const fortnight = 14 * 86_400
const jwt = '[\\w-]+\\.[\\w-]+\\.[\\w-]+'

const withCookie = (cookie: string, more: Record<string, string> = {}): Call => ({ headers: { cookie, ...more } })
const read = (options: Call, id = '1') => call(`${users}/${id}/get_user_info/`, options)

/** Ines, signed in with a cookie, and the admin's token. */
async function inesSignedIn(fields: Fields = {}) {
  const admin = await adminToken()
  const { id, uid } = await created(admin, fields)
  return { admin, id, uid, cookie: cookieOf(await login('ines.caron', password)) }
}

describe('POST /users/user/login/', () => {
  it('returns success, a welcome and the record, byte for byte, for any kind of body', async () => {
    const { id, uid } = await created(await adminToken())
    for (const [, kind] of kinds) {
      const answer = await call(`${users}/login/`, kind({ username: 'ines.caron', password }))
      expectSuccess(answer, 'Welcome ines.caron.', { id, uid, ...inesShown })
    }
  })

  it('accepts a username or an email, in any case, and greets the user by username', async () => {
    await created(await adminToken())
    for (const username of ['ines.caron', ' Ines.Caron ', 'INES.caron@Example.org']) {
      expect((await login(username, password)).body.message).toBe('Welcome ines.caron.')
    }
  })

  it('greets a user without a username by email', async () => {
    const { input } = await plainUser(await adminToken())
    expect((await login(input.email, String(input.password))).body.message).toBe(`Welcome ${input.email}.`)
  })

  it('creates the first admin, with an email that is too long for a username', async () => {
    const { body } = await login(firstAdmin.email, firstAdmin.password)
    expect(body).toMatchObject({ success: true, message: `Welcome ${firstAdmin.email}.`, data: { is_admin: true } })
  })

  it('fails in the same way for an unknown user, a wrong password, an inactive user and one without a password', async () => {
    const admin = await adminToken()
    await created(admin)
    await created(admin, { username: 'away', email: 'away@example.org', is_active: false })
    await created(admin, { username: 'wordless', email: 'wordless@example.org', password: '' })
    const wrong: [string, string][] = [
      ['nobody', password],
      ['ines.caron', 'not the password'],
      ['ines.caron', password.trim().toUpperCase()],
      ['ines.caron', inesInFull.numeric_password],
      ['away', password],
      ['wordless', password],
    ]
    for (const [username, tried] of wrong) {
      const answer = await login(username, tried)
      expectFailure(answer, 'Invalid login.')
      expect(answer.headers.get('set-cookie')).toBeNull()
    }
  })

  it('names the missing fields', async () => {
    const [noName, noWord] = ['username: This field is required.', 'password: This field is required.']
    for (const [, kind] of kinds) {
      const sent = (fields: Fields) => call(`${users}/login/`, { method: 'POST', ...kind(fields) })
      expectFailure(await sent({}), `${noName}\n${noWord}`)
      expectFailure(await sent({ username: '  ', password }), noName)
      expectFailure(await sent({ username: 'ines.caron', password: '' }), noWord)
    }
  })

  it('locks an account after five failures with any identifier, even for the right password', async () => {
    await created(await adminToken())
    for (const username of ['ines.caron', 'ines.caron@example.org', 'ines.caron', 'INES.CARON', 'ines.caron']) {
      expectFailure(await login(username, 'not the password'), 'Invalid login.')
    }
    const answer = await login('ines.caron', password)
    expectFailure(answer, 'Too many attempts, try again later.', 429)
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(answer.headers.get('set-cookie')).toBeNull()
  })

  it('begins a session of fourteen days, which v1 lists', async () => {
    const { admin, uid } = await inesSignedIn()
    const { body } = await call(`/v1/users/usr_${uid}/sessions`, { token: admin })
    const [{ contract, created_at, expires_at }] = body.data
    expect([contract, Date.parse(expires_at) - Date.parse(created_at)]).toEqual(['clinic', fortnight * 1000])
  })
})

describe('GET /users/user/logout/', () => {
  it('returns success and a goodbye, byte for byte, without data', async () => {
    const { cookie } = await inesSignedIn()
    const answer = await logout(withCookie(cookie))
    expect([answer.status, answer.text]).toEqual([200, '{"success":true,"message":"Bye."}'])
  })

  it('ends the session on the server and clears the cookie', async () => {
    const { id, cookie } = await inesSignedIn()
    expect((await read(withCookie(cookie), id)).status).toBe(200)
    const { headers } = await logout(withCookie(cookie))
    expect(headers.get('set-cookie')).toBe('__Host-sessionid=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax')
    expectFailure(await read(withCookie(cookie), id), notSignedIn, 401)
    expectFailure(await logout(withCookie(cookie)), notSignedIn, 401)
  })

  it('ends this session and no other of the user', async () => {
    const { id, cookie } = await inesSignedIn()
    const other = cookieOf(await login('ines.caron', password))
    await logout(withCookie(cookie))
    expect((await read(withCookie(other), id)).status).toBe(200)
  })

  it('ends the session of a bearer token, for every contract', async () => {
    const { id } = await inesSignedIn()
    const { access_token, refresh_token } = await signIn('ines.caron', password)
    expect((await logout({ token: access_token })).body).toEqual({ success: true, message: 'Bye.' })
    expect((await info(access_token, id)).status).toBe(401)
    expect((await call('/v1/me', { token: access_token })).status).toBe(401)
    expect((await call('/v1/auth/refresh', { json: { refresh_token } })).status).toBe(401)
  })

  it('refuses a browser’s prefetch with 403, and ends no session', async () => {
    const { id, cookie } = await inesSignedIn()
    const { access_token } = await signIn('ines.caron', password)
    for (const headers of [
      { 'sec-purpose': 'prefetch' },
      { 'sec-purpose': 'prefetch;prerender' },
      { purpose: 'prefetch' },
      { 'x-purpose': 'preview' },
      { 'x-moz': 'prefetch' },
    ] as Record<string, string>[]) {
      for (const options of [withCookie(cookie, headers), { token: access_token, headers }]) {
        const answer = await logout(options)
        expectFailure(answer, notAllowed, 403)
        expect(answer.headers.get('set-cookie')).toBeNull()
      }
    }
    expect((await read(withCookie(cookie), id)).status).toBe(200)
    expect((await info(access_token, id)).status).toBe(200)
  })

  it('refuses HEAD with 405, and ends no session', async () => {
    const { id, cookie } = await inesSignedIn()
    for (const options of [withCookie(cookie), {}]) {
      const answer = await logout({ ...options, method: 'HEAD' })
      expect([answer.status, answer.text, answer.headers.get('allow')]).toEqual([405, '', 'GET'])
      expect(answer.headers.get('set-cookie')).toBeNull()
    }
    expect((await read(withCookie(cookie), id)).status).toBe(200)
  })

  it('refuses API keys, which have no session', async () => {
    const json = { name: 'a key', permissions: [] }
    const { key } = (await call('/v1/api-keys', { token: await adminToken(), json })).body
    expectFailure(await logout({ token: key }), notAllowed, 403)
  })
})

describe('the cookie', () => {
  const set = (...attributes: string[]) => new RegExp(`^${attributes.join('; ')}$`)
  const common = ['Max-Age=1209600', 'Path=/', 'HttpOnly']

  it('is __Host-sessionid, lasts fourteen days, and is unavailable to scripts and other sites', async () => {
    await created(await adminToken())
    const { headers } = await login('ines.caron', password)
    expect(headers.get('set-cookie')).toMatch(set(`__Host-sessionid=${jwt}`, ...common, 'Secure', 'SameSite=Lax'))
  })

  it('is sessionid without Secure over plain http on a local machine only', async () => {
    const { id } = await created(await adminToken())
    for (const host of [
      'localhost',
      'localhost:8787',
      '127.0.0.1:8787',
      '127.8.8.8',
      '[::1]:8787',
      'clinic.localhost',
      'localhost.:8787',
    ]) {
      const options = { host, scheme: 'http' as const }
      const answer = await login('ines.caron', password, options)
      expect(answer.headers.get('set-cookie')).toMatch(set(`sessionid=${jwt}`, ...common, 'SameSite=Lax'))
      const jar = { ...options, ...withCookie(cookieOf(answer)) }
      expect((await read(jar, id)).body.success).toBe(true)
      const gone = await logout(jar)
      expect(gone.headers.get('set-cookie')).toBe('sessionid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax')
      expect((await read(jar, id)).status).toBe(401)
    }
    const secure = set(`__Host-sessionid=${jwt}`, ...common, 'Secure', 'SameSite=Lax')
    for (const host of ['localhost.example.org', '127.0.0.1.example.org', 'notlocalhost', '128.0.0.1', '10.0.0.1']) {
      const answer = await login('ines.caron', password, { host, scheme: 'http' })
      expect([host, answer.headers.get('set-cookie')]).toEqual([host, expect.stringMatching(secure)])
    }
    for (const host of ['localhost:8787', '127.0.0.1']) {
      const answer = await login('ines.caron', password, { host })
      expect(answer.headers.get('set-cookie')).toMatch(secure)
    }
  })

  it('is read under the name it was set with, and no other', async () => {
    const { id, cookie } = await inesSignedIn()
    const [, token] = cookie.split('=') as [string, string]
    const names = ['sessionid', '__Secure-sessionid', '__host-sessionid', 'session', '__Host-session']
    for (const name of names) expect((await read(withCookie(`${name}=${token}`), id)).status).toBe(401)
    const among = `csrftoken=a; sessionid=another; ${cookie}; theme=dark`
    expect((await read(withCookie(among), id)).status).toBe(200)
    const plain = { host: 'localhost:8787', scheme: 'http' as const }
    expect((await read({ ...plain, ...withCookie(cookie) }, id)).status).toBe(401)
  })

  it('signs in for every operation', async () => {
    await created(await adminToken(), { is_admin: true })
    const cookie = cookieOf(await login('ines.caron', password))
    const jar = withCookie(cookie)
    const other = { ...inesInFull, username: 'other', email: 'other@example.org' }
    const { id } = (await call(`${users}/new/`, { ...jar, ...asForm(other) })).body.data
    for (const [method, path, fields] of [
      ['GET', `${id}/get_user_info/`, undefined],
      ['GET', 'search/?query_string=other', undefined],
      ['POST', `${id}/edit/`, other],
      ['POST', `${id}/deactivate/`, undefined],
      ['POST', `${id}/activate/`, undefined],
      ['GET', 'logout/', undefined],
    ] as const) {
      const { body } = await call(`${users}/${path}`, { method, ...jar, ...(fields && asForm(fields)) })
      expect([path, body.success]).toEqual([path, true])
    }
  })

  it('lasts fourteen days, however it is used', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { id, cookie } = await inesSignedIn()
    for (let day = 0; day < 13; day += 1) {
      vi.advanceTimersByTime(86_400_000)
      expect((await read(withCookie(cookie), id)).status).toBe(200)
    }
    vi.advanceTimersByTime(86_399_000)
    expect((await read(withCookie(cookie), id)).status).toBe(200)
    vi.advanceTimersByTime(1000)
    expectFailure(await read(withCookie(cookie), id), notSignedIn, 401)
  })

  it('does not work as a bearer token, in any contract', async () => {
    const { id, cookie } = await inesSignedIn()
    const [, token] = cookie.split('=') as [string, string]
    expect((await read({ token }, id)).status).toBe(401)
    for (const { method, path } of await guardedElsewhere()) {
      const { status, headers } = await call(path, { method, token })
      expect([path, status, headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer error="invalid_token"'])
    }
  })

  it('is ignored by the other contracts', async () => {
    await created(await adminToken(), { is_admin: true })
    const cookie = cookieOf(await login('ines.caron', password))
    const elsewhere = await guardedElsewhere()
    expect(new Set(elsewhere.map(({ path }) => path.split('/')[1]))).toEqual(
      new Set(contracts.map(([name]) => name).filter((name) => name !== 'clinic')),
    )
    for (const { method, path } of elsewhere) {
      const { status, headers } = await call(path, { method, ...withCookie(cookie) })
      expect([path, status, headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer'])
    }
  })

  it('must hold exactly one whole token of its own kind', async () => {
    const { id, cookie } = await inesSignedIn()
    const { access_token, refresh_token } = await signIn('ines.caron', password)
    const [name, token] = cookie.split('=') as [string, string]
    const others = [access_token, refresh_token, 'nonsense', '', `${token}x`, token.slice(0, -1), `${token}.`]
    for (const other of others) {
      const answer = await read(withCookie(`${name}=${other}`), id)
      expectFailure(answer, notSignedIn, 401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    }
  })

  it('stops working once the session is ended anywhere, or the user is deleted', async () => {
    const { admin, id, uid, cookie } = await inesSignedIn()
    const user = `/v1/users/usr_${uid}`
    const endOne = async () => {
      const { data } = (await call(`${user}/sessions`, { token: admin })).body
      return call(`${user}/sessions/${data[0].id}`, { method: 'DELETE', token: admin })
    }
    const endings: [string, () => Promise<unknown>][] = [
      ['v1 ends the session', endOne],
      ['v1 ends all sessions', () => call(`${user}/sessions`, { method: 'DELETE', token: admin })],
      ['a password is set', () => edit(admin, id, inesInFull)],
      ['clinic deactivates', () => deactivate(admin, id)],
      [
        'personnel deactivates',
        () => call(`/personnel/users/delete/${uuidOf(uid)}`, { method: 'DELETE', token: admin }),
      ],
      ['v1 deletes', () => call(user, { method: 'DELETE', token: admin })],
    ]
    await logout(withCookie(cookie))
    for (const [what, end] of endings) {
      await activate(admin, id)
      const jar = withCookie(cookieOf(await login('ines.caron', password)))
      expect([what, (await read(jar, id)).status]).toEqual([what, 200])
      await end()
      expect([what, (await read(jar, id)).status]).toEqual([what, 401])
    }
  })

  it('loses a permission as soon as its user does', async () => {
    const { admin, id, cookie } = await inesSignedIn({ is_admin: true })
    expect((await read(withCookie(cookie), '1')).status).toBe(200)
    await edit(admin, id, { ...ines, is_active: 'on' })
    expectFailure(await read(withCookie(cookie), '1'), notAllowed, 403)
    expect((await read(withCookie(cookie), id)).status).toBe(200)
  })

  it('is ignored when there is a bearer token, valid or not', async () => {
    const { admin, cookie } = await inesSignedIn()
    const headers = { cookie }
    expect((await read({ token: admin, headers })).body.data.id).toBe('1')
    expect((await read({ token: 'nonsense', headers })).status).toBe(401)
    expect((await logout({ token: admin, headers })).body.success).toBe(true)
    expect((await read({ token: admin })).status).toBe(401)
    const own = (await rows<{ number: number }>("SELECT number FROM users WHERE username = 'ines.caron'"))[0]
    expect((await read(withCookie(cookie), String(own?.number))).status).toBe(200)
  })

  it('works along with another Authorization scheme, which a proxy may require', async () => {
    const { cookie, id } = await inesSignedIn()
    const authorization = `Basic ${btoa('gate:keeper')}`
    expect((await read(withCookie(cookie, { authorization }), id)).status).toBe(200)
    expectFailure(await read({ headers: { authorization } }, id), notSignedIn, 401)
  })
})

describe('a request from another site', () => {
  const crossSite = 'Cross-site request refused.'
  const own = 'https://usher.example'
  const fromHere: Record<string, string>[] = [
    {},
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { origin: own },
    { origin: own, 'sec-fetch-site': 'same-origin' },
    // Behind a proxy that rewrites the host. This is the host that the browser saw.
    { origin: 'https://seen-by-the-browser.example', 'sec-fetch-site': 'same-origin' },
  ]
  const fromElsewhere: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'anything' },
    { 'sec-fetch-site': '' },
    { origin: 'https://elsewhere.example' },
    { origin: 'https://sub.usher.example' },
    { origin: 'http://usher.example' },
    { origin: `${own}:8443` },
    { origin: 'null' },
    { origin: '' },
    { origin: own, 'sec-fetch-site': 'cross-site' },
    { origin: 'https://elsewhere.example', 'sec-fetch-site': 'none' },
  ]

  /** Every operation, as a user who is signed in with this cookie may call it. The logout comes last. */
  async function operations(cookie: string, headers: Record<string, string>, id: string) {
    const form = asForm({ ...ines, is_active: true, username: 'other', email: 'other@example.org' })
    const jar = { headers: { cookie, ...headers } }
    return [
      await call(`${users}/new/`, { ...jar, ...form }),
      await call(`${users}/${id}/get_user_info/`, jar),
      await call(`${users}/search/?query_string=`, jar),
      await call(`${users}/${id}/edit/`, { ...jar, ...form }),
      await call(`${users}/${id}/deactivate/`, { ...jar, method: 'POST' }),
      await call(`${users}/${id}/activate/`, { ...jar, method: 'POST' }),
      await call(`${users}/logout/`, jar),
    ]
  }

  it('can do nothing with the browser’s cookie, not even log out', async () => {
    const admin = await adminToken()
    const { id } = await created(admin)
    const boss = await created(admin, { username: 'boss', email: 'boss@example.org', is_admin: true })
    const cookie = cookieOf(await login('boss', password))
    const before = await rows('SELECT * FROM users')
    for (const headers of fromElsewhere) {
      for (const answer of await operations(cookie, headers, id)) {
        expectFailure(answer, crossSite, 403)
        expect(answer.headers.get('set-cookie')).toBeNull()
      }
    }
    expect(await rows('SELECT * FROM users')).toEqual(before)
    expect((await read(withCookie(cookie), boss.id)).status).toBe(200)
  })

  it('with an invalid cookie gets the same response as without one', async () => {
    for (const cookie of ['__Host-sessionid=', '__Host-sessionid=nonsense']) {
      const answer = await read(withCookie(cookie, { 'sec-fetch-site': 'cross-site' }))
      expectFailure(answer, notSignedIn, 401)
    }
  })

  it('is not one from the page itself, the address bar or another client', async () => {
    const admin = await adminToken()
    await created(admin, { username: 'boss', email: 'boss@example.org', is_admin: true })
    for (const headers of fromHere) {
      const { id } = await created(admin, { password: '', numeric_password: '' })
      const cookie = cookieOf(await login('boss', password, { headers }))
      const [made, ...answers] = await operations(cookie, headers, id)
      expect(made?.body.success).toBe(true)
      // The edit sends Ines the username of the user just created.
      expect(answers.map(({ body }) => body.success)).toEqual([true, true, false, true, true, true])
      for (const one of [id, made?.body.data.id]) {
        const { uid } = (await info(admin, one)).body.data
        await call(`/v1/users/usr_${uid}`, { method: 'DELETE', token: admin })
      }
    }
  })

  it('cannot sign a browser in', async () => {
    await created(await adminToken())
    for (const headers of fromElsewhere) {
      for (const tried of [password, 'not the password']) {
        const answer = await login('ines.caron', tried, { headers })
        expectFailure(answer, crossSite, 403)
        expect(answer.headers.get('set-cookie')).toBeNull()
      }
    }
    // Its failures did not count either.
    for (const headers of fromHere) {
      expect((await login('ines.caron', password, { headers })).body.success).toBe(true)
    }
  })

  it('may use a bearer token, which no browser sends by itself, with or without a cookie', async () => {
    const { admin, cookie, id } = await inesSignedIn()
    for (const headers of fromElsewhere) {
      expect((await read({ token: admin, headers }, id)).body.success).toBe(true)
      expect((await read({ token: admin, headers: { ...headers, cookie } }, id)).body.success).toBe(true)
    }
  })

  it('is one from any other origin, also on a contract’s own host and over plain http', async () => {
    const { id } = await inesSignedIn()
    const env = { CONTRACT_HOSTS: '{"clinic.usher.example":"clinic"}' }
    const hosts: [string, Call, string, string][] = [
      ['https://clinic.usher.example', { host: 'clinic.usher.example', env }, '/users/user', own],
      ['http://localhost:8787', { host: 'localhost:8787', scheme: 'http' }, users, 'http://localhost:3000'],
      ['https://clinic.usher.example', { host: 'clinic.usher.example.', env }, '/users/user', own],
      ['https://clinic.usher.example.', { host: 'clinic.usher.example', env }, '/users/user', own],
      ['https://clinic.usher.example.', { host: 'clinic.usher.example.', env }, '/users/user', `${own}.`],
      ['http://localhost.:8787', { host: 'localhost:8787', scheme: 'http' }, users, 'http://localhost.:8788'],
      ['http://127.0.0.1:8787', { host: '127.0.0.1:8787', scheme: 'http' }, users, 'http://localhost:8787'],
    ]
    for (const [origin, where, base, elsewhere] of hosts) {
      const sent = { ...where, ...asForm({ username: 'ines.caron', password }) }
      expect((await call(`${base}/login/`, { ...sent, headers: { origin: elsewhere } })).status).toBe(403)
      const answer = await call(`${base}/login/`, { ...sent, headers: { origin } })
      const get = (from: string) =>
        call(`${base}/${id}/get_user_info/`, { ...where, headers: { cookie: cookieOf(answer), origin: from } })
      expect((await get(origin)).body.success).toBe(true)
      expect((await get(elsewhere)).status).toBe(403)
    }
  })

  it('cannot use cookies even when CORS_ORIGINS lists its origin, which may use only bearer tokens', async () => {
    const { admin, cookie, id } = await inesSignedIn()
    const origin = 'https://app.example'
    const env = { CORS_ORIGINS: origin }
    expect((await read({ headers: { cookie, origin }, env }, id)).status).toBe(403)
    expect((await login('ines.caron', password, { headers: { origin }, env })).status).toBe(403)
    const { status, headers } = await read({ token: admin, headers: { origin }, env }, id)
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, origin])
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })
})

namesEveryTest(statements)

/** Every operation of the other contracts that requires a credential. */
async function guardedElsewhere() {
  return operationsOf(await openApi())
    .filter(({ path, security }) => !path.startsWith('/clinic/') && security?.length !== 0)
    .map(({ method, path }) => ({ method, path: path.replace(/\{[^}]+\}/g, '4821') }))
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
