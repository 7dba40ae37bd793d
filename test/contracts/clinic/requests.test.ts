/// <reference types="vite/client" />
/** clinic: behaviour that all requests share: paths, bodies, envelopes, the order of checks. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import statements from './STATEMENTS.md?raw'
import {
  asForm,
  asJson,
  asMultipart,
  cookieOf,
  create,
  created,
  edit,
  expectFailure,
  expectSuccess,
  ines,
  inesInFull,
  inesShown,
  info,
  login,
  notAllowed,
  notSignedIn,
  plainUser,
  users,
  type Fields,
} from '../../support/clinic'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, freshDirectory, rows, type Answer, type Call } from '../../support/usher'

freshDirectory()
let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const guarded: [string, string][] = [
  ['POST', '/new/'],
  ['GET', '/logout/'],
  ['GET', '/1/get_user_info/'],
  ['GET', '/search/?query_string='],
  ['POST', '/1/edit/'],
  ['POST', '/1/deactivate/'],
  ['POST', '/1/activate/'],
]
const unreadable = 'The request could not be read.'
const bytes = (...parts: (string | number[])[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part)))
const typed = (contentType: string) => ({ 'content-type': contentType })
const form = 'application/x-www-form-urlencoded'

/** Sends the same body to all three operations that read one. */
async function toEach(options: Call, check: (answer: Answer, headline: string) => void) {
  for (const [path, headline] of [
    ['/new/', 'Unable to create user.\n'],
    ['/1/edit/', 'Unable to edit user 1.\n'],
    ['/login/', ''],
  ] as const) {
    check(await call(users + path, { token: admin, method: 'POST', ...options }), headline)
  }
}

describe('every operation', () => {
  it('returns 401 without a credential, and names the error of an invalid one', async () => {
    for (const [method, path] of guarded) {
      const without = await call(users + path, { method })
      expectFailure(without, notSignedIn, 401)
      expect(without.headers.get('www-authenticate')).toBe('Bearer')
      for (const options of [{ token: 'not.a.token' }, { headers: { cookie: '__Host-sessionid=not.a.token' } }]) {
        const bad = await call(users + path, { method, ...options })
        expectFailure(bad, notSignedIn, 401)
        expect(bad.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
      }
    }
  })

  it('returns 405 with Allow for another method', async () => {
    for (const [path, allow, verbs] of [
      ['/new/', 'POST', ['GET', 'PUT', 'DELETE', 'OPTIONS']],
      ['/login/', 'POST', ['GET', 'PATCH']],
      ['/logout/', 'GET', ['POST', 'DELETE', 'OPTIONS']],
      ['/1/get_user_info/', 'GET, HEAD', ['POST']],
      ['/search/', 'GET, HEAD', ['POST']],
      ['/1/edit/', 'POST', ['GET', 'PUT']],
      ['/1/deactivate/', 'POST', ['GET', 'DELETE']],
      ['/1/activate/', 'POST', ['GET']],
    ] as const) {
      for (const method of verbs) {
        const answer = await call(users + path, { method, token: admin })
        expectFailure(answer, `Method not allowed: use ${allow.replace(', ', ' or ')}.`, 405)
        expect(answer.headers.get('allow')).toBe(allow)
      }
    }
  })

  it('returns 404 for any other path', async () => {
    for (const path of ['', '/', '/users/', '/users/user/', '/users/user/1/', '/users/user/new/x/', '/nowhere/']) {
      expectFailure(await call(`/clinic${path}`, { token: admin }), 'Not found.', 404)
    }
  })

  it('redirects a GET without the trailing slash with 308, and no other request', async () => {
    for (const [path, query] of [
      ['/users/user/1/get_user_info', ''],
      ['/users/user/search', '?query_string=in%C3%A8s+x'],
      ['/users/user/logout', ''],
    ] as const) {
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, text } = await call(`/clinic${path}${query}`, { method })
        expect([status, headers.get('location'), text]).toEqual([308, `/clinic${path}/${query}`, ''])
      }
      const posted = await call(`/clinic${path}`, { method: 'POST', token: admin })
      expectFailure(posted, 'Not found.', 404)
    }
    for (const path of ['/new', '/login', '/1/edit', '/1/deactivate', '/1/activate']) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const { status, headers } = await call(users + path, { method, token: admin })
        expect([path, method, status, headers.get('location')]).toEqual([path, method, 404, null])
      }
    }
  })

  it('redirects only to its own paths, and never to another host', async () => {
    const env = { CONTRACT_HOSTS: '{"clinic.usher.example":"clinic"}' }
    for (const path of [
      '//elsewhere.example',
      '/\\elsewhere.example',
      '/nowhere',
      '//users/user/logout',
      '',
      '/users',
    ]) {
      for (const [options, base] of [
        [{ host: 'clinic.usher.example', env }, ''],
        [{}, '/clinic'],
      ] as const) {
        const { status, headers } = await call(`${base}${path}`, options)
        expect([base + path, status, headers.get('location')]).toEqual([base + path, 404, null])
      }
    }
    const { status, headers } = await call('/users/user/logout', { host: 'clinic.usher.example', env })
    expect([status, headers.get('location')]).toEqual([308, '/users/user/logout/'])
  })

  it('answers HEAD like GET, without a body', async () => {
    for (const path of ['/1/get_user_info/', '/999/get_user_info/', '/search/?query_string=', '/search/']) {
      const asked = await call(users + path, { token: admin })
      const head = await call(users + path, { method: 'HEAD', token: admin })
      expect([path, head.status, head.text]).toEqual([path, asked.status, ''])
      expect(head.headers.get('content-type')).toBe('application/json')
    }
  })

  it('is served at the root of the contract’s own host, with its cookie', async () => {
    const { id, uid } = await created(admin)
    const env = { CONTRACT_HOSTS: '{"clinic.usher.example":"clinic"}' }
    const there = { host: 'clinic.usher.example', env }
    const { password } = inesInFull
    const signedIn = await call('/users/user/login/', { ...there, ...asForm({ username: 'ines.caron', password }) })
    expectSuccess(signedIn, 'Welcome ines.caron.', { id, uid, ...inesShown })
    const jar = { ...there, headers: { cookie: cookieOf(signedIn) } }
    expect((await call(`/users/user/${id}/get_user_info/`, jar)).body.success).toBe(true)
    const wrong = await call(`/users/user/${id}/edit/`, { ...jar, ...asForm({}) })
    expect(wrong.body.errors.split('\n')[0]).toBe(`Unable to edit user ${id}.`)
    expectFailure(
      await call('/users/user/999/edit/', { ...there, token: admin, ...asForm(ines) }),
      'User 999 not found.',
    )
    expectFailure(await call(`${users}/${id}/get_user_info/`, jar), 'Not found.', 404)
  })

  it('returns 503 with Retry-After while the database is away', async () => {
    const DB = { prepare: () => ({ bind: () => ({}) }), batch: () => Promise.reject(new Error('D1_ERROR: gone')) }
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const sentence = 'The service is unavailable, try again later.'
    for (const [method, path] of [...guarded, ['POST', '/login/'] as const]) {
      const body = method === 'POST' ? asForm({ ...inesInFull, password: 'a fine passphrase' }) : {}
      const answer = await call(users + path, { method, token: admin, ...body, env: { DB } })
      expectFailure(answer, sentence, 503)
      expect(answer.headers.get('retry-after')).toBe('5')
    }
  })

  it('returns 429 with Retry-After over the limit of a principal or a client', async () => {
    const refusing = { limit: () => Promise.resolve({ success: false }) }
    const env = { RATE_LIMIT: 'on', CLIENT_LIMITER: refusing, PRINCIPAL_LIMITER: refusing, SIGN_IN_LIMITER: refusing }
    for (const [method, path] of [...guarded, ['POST', '/login/'] as const]) {
      for (const token of [admin, undefined]) {
        const answer = await call(users + path, { method, token, env })
        expectFailure(answer, 'Too many attempts, try again later.', 429)
        expect(answer.headers.get('retry-after')).toBe('60')
      }
    }
  })

  it('contains no hash, PIN or password in any response', async () => {
    const { id } = await created(admin)
    const answers = [
      await edit(admin, id, inesInFull),
      await info(admin, id),
      await call(`${users}/search/?query_string=`, { token: admin }),
      await login('ines.caron', inesInFull.password),
    ]
    for (const { text } of answers) expect(text).not.toMatch(/pbkdf2|\$|hash|pin|4821|phrase|password/i)
  })
})

describe('a body', () => {
  it('of jQuery or of Python’s requests is read with any spelling of its charset and boundary', async () => {
    const { body } = asForm(inesInFull)
    for (const contentType of [
      form,
      `${form}; charset=UTF-8`,
      `${form};charset=utf-8`,
      'Application/X-WWW-Form-Urlencoded',
    ]) {
      const options = { token: admin, body: String(body), headers: typed(contentType) }
      const answer = await call(`${users}/new/`, options)
      expect([contentType, answer.body.success]).toEqual([contentType, true])
      await call(`/v1/users/usr_${answer.body.data.uid}`, { method: 'DELETE', token: admin })
    }
    const json = { body: bytes(JSON.stringify(inesInFull)), headers: typed('application/json; charset=utf-8') }
    expect((await call(`${users}/new/`, { token: admin, ...json })).body.success).toBe(true)
  })

  it('of Python’s requests may say True and False, and leaves None out', async () => {
    const sent = { ...ines, is_staff: 'False', is_active: 'True', is_admin: 'False' }
    const { body } = await create(admin, sent)
    expect(body.data).toMatchObject({ is_staff: false, is_active: true, is_admin: false, phone: null })
  })

  it('of Ktor and .NET is read, whose multipart names have no quotes', async () => {
    const fields = Object.entries(ines)
    const named: [string, (name: string) => string][] = [
      ['Ktor', (name) => `Content-Disposition: form-data; name=${name}`],
      ['.NET', (name) => `Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=${name}`],
      ['a browser', (name) => `Content-Disposition: form-data; name="${name}"`],
      ['another order and case', (name) => `content-type: text/plain\r\ncontent-disposition:form-data;NAME="${name}"`],
      ['blanks', (name) => `Content-Disposition: form-data ;\tname=${name}`],
    ]
    for (const [what, head] of named) {
      const parts = fields.map(([name, value]) => `--x-y\r\n${head(name)}\r\n\r\n${value}\r\n`)
      const file = '--x-y\r\nContent-Disposition: form-data; name=username; filename=a.txt\r\n\r\nnobody\r\n'
      const body = `a preamble\r\n${parts.join('')}${file}--x-y--\r\nan epilogue`
      for (const boundary of ['x-y', '"x-y"']) {
        const headers = typed(`multipart/form-data; boundary=${boundary}`)
        const { body: answer } = await call(`${users}/new/`, { token: admin, body, headers })
        expect([what, answer.data?.username, answer.data?.first_name]).toEqual([what, 'ines.caron', 'Inès'])
        await call(`/v1/users/usr_${answer.data.uid}`, { method: 'DELETE', token: admin })
      }
    }
    for (const head of ['Content-Disposition: form-data', 'Content-Disposition: attachment; name=username', 'X: y']) {
      const body = `--x\r\n${head}\r\n\r\nines\r\n--x--\r\n`
      const headers = typed('multipart/form-data; boundary=x')
      expectFailure(await call(`${users}/login/`, { body, headers }), unreadable)
    }
  })

  it('with several values of a field counts the last', async () => {
    for (const make of [() => new URLSearchParams(), () => new FormData()]) {
      const sent = make()
      for (const [name, value] of Object.entries({ ...ines, email: 'other@example.org' })) sent.append(name, value)
      sent.append('email', 'last@example.org')
      sent.append('gender', 'M')
      const { body } = await call(`${users}/new/`, { token: admin, body: sent })
      expect([body.data.email, body.data.gender.key]).toEqual(['last@example.org', 'M'])
      await call(`/v1/users/usr_${body.data.uid}`, { method: 'DELETE', token: admin })
    }
  })

  it('may contain files, which are ignored as fields, whatever their bytes', async () => {
    const { body: sent } = asMultipart({ ...inesInFull, is_staff: undefined }) as { body: FormData }
    sent.append('photo', new Blob([bytes([0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe, 0x00])]), 'ines.png')
    sent.append('is_staff', new Blob(['false']), 'is_staff.txt')
    const { body } = await call(`${users}/new/`, { token: admin, body: sent })
    expect(body.data).toEqual({ id: '2', uid: body.data?.uid, ...inesShown })
  })

  it('with a file for a required field has no value for it', async () => {
    const { body: sent } = asMultipart({ ...inesInFull, email: undefined }) as { body: FormData }
    sent.append('email', new Blob(['ines.caron@example.org']), 'email.txt')
    const answer = await call(`${users}/new/`, { token: admin, body: sent })
    expectFailure(answer, 'Unable to create user.\nemail: This field is required.')
  })

  it('may have names that only look nested, or like properties of every object', async () => {
    const odd = {
      'user_type[key][x]': 'CL',
      'gender[]': 'F',
      '[key]': 'x',
      '__proto__[is_admin]': '1',
      constructor: 'x',
    }
    for (const kind of [asForm, asMultipart]) {
      const { body } = await create(admin, { ...inesInFull, ...odd }, kind)
      expect(body.data).toEqual({ id: body.data.id, uid: body.data.uid, ...inesShown })
      await call(`/v1/users/usr_${body.data.uid}`, { method: 'DELETE', token: admin })
    }
    const text = JSON.stringify(inesInFull).replace('{', '{"__proto__":{"is_admin":true},')
    const { body } = await call(`${users}/new/`, { token: admin, body: text, headers: typed('application/json') })
    expect(body.data.is_admin).toBe(false)
  })

  it('that is empty has no fields', async () => {
    for (const headers of [{}, typed(form), typed('application/json'), typed('multipart/form-data; boundary=x')]) {
      const first = (headline: string) => `${headline}username: This field is required.`
      await toEach({ headers }, ({ status, body }, headline) => {
        expect(status).toBe(200)
        expect(body.errors.startsWith(first(headline))).toBe(true)
      })
    }
  })

  it('that is JSON but not an object is a wrong value', async () => {
    for (const body of ['[]', '"text"', '12', 'null', 'true', JSON.stringify([inesInFull])]) {
      await toEach({ body, headers: typed('application/json') }, (answer, headline) => {
        expectFailure(answer, `${headline}body: Enter a valid value.`)
      })
    }
  })

  it('that cannot be parsed is a failure too', async () => {
    const invalid = [0xc3, 0x28]
    const part = (...value: (string | number[])[]) =>
      bytes('--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n', ...value, '\r\n--x--\r\n')
    const sent: [string, string, BodyInit][] = [
      ['JSON cut short', 'application/json', '{"username":'],
      ['no JSON', 'application/json', 'username=ines'],
      ['JSON that is not UTF-8', 'application/json', bytes('{"username":"', invalid, '"}')],
      ['a form whose bytes are not UTF-8', form, bytes('username=', invalid)],
      ['a form whose escapes are not UTF-8', form, 'username=%C3%28'],
      ['a multipart form whose text is not UTF-8', 'multipart/form-data; boundary=x', part(invalid)],
      ['a multipart form without its boundary', 'multipart/form-data', part('ines')],
      ['a multipart form of another boundary', 'multipart/form-data; boundary=y', part('ines')],
      ['a multipart form without its end', 'multipart/form-data; boundary=x', part('ines').slice(0, -4)],
      [
        'a multipart form with a boundary of 71 characters',
        `multipart/form-data; boundary=${'x'.repeat(71)}`,
        part('ines'),
      ],
      ['a byte order mark', 'application/json', bytes([0xef, 0xbb, 0xbf])],
      ['text', 'text/plain', JSON.stringify(inesInFull)],
      ['XML', 'application/xml', '<username>ines</username>'],
      ['JSON by another name', 'text/json', JSON.stringify(inesInFull)],
    ]
    for (const [what, contentType, body] of sent) {
      await toEach({ body, headers: typed(contentType) }, (answer) => {
        expect([what, answer.status, answer.text]).toEqual([what, 200, `{"success":false,"errors":"${unreadable}"}`])
      })
    }
    await toEach({ body: bytes(JSON.stringify(inesInFull)) }, (answer) => expectFailure(answer, unreadable))
    expect(await rows('SELECT * FROM users')).toHaveLength(1)
  })

  it('is read up to 65,536 bytes, whatever its kind', async () => {
    const sizes: [number, number][] = [
      [65_536, 200],
      [65_537, 413],
    ]
    for (const [size, expected] of sizes) {
      const padding = (text: string) => text + 'x'.repeat(size - text.length)
      const multipart = '--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n'
      const sent: [string, string][] = [
        ['application/json', '{}'.padEnd(size)],
        [form, padding('f=')],
        ['multipart/form-data; boundary=x', `${multipart}${'x'.repeat(size - multipart.length - 9)}\r\n--x--\r\n`],
        ['text/plain', padding('')],
      ]
      for (const [contentType, body] of sent) {
        expect(body).toHaveLength(size)
        await toEach({ body, headers: typed(contentType) }, (answer) => {
          expect([contentType, answer.status]).toEqual([contentType, expected])
          if (expected === 413) expectFailure(answer, 'The request is too large.', 413)
        })
      }
    }
    for (const path of ['/1/activate/', '/1/deactivate/']) {
      const answer = await call(users + path, { token: admin, body: 'x'.repeat(65_537) })
      expectFailure(answer, 'The request is too large.', 413)
    }
  })
})

describe('the order of checks', () => {
  const large = 'x'.repeat(65_537)
  const broken = { body: '{', headers: typed('application/json') }

  it('is 404 and 405, then 413, 401, 403, then errors in the request', async () => {
    const plain = await plainUser(admin)
    const token = plain.access_token
    expect((await call(`${users}/new`, { body: large })).status).toBe(404)
    expect((await call(`${users}/search/`, { method: 'POST', body: large })).status).toBe(405)
    for (const path of ['/new/', '/1/edit/', '/1/activate/', '/x/edit/']) {
      expect((await call(users + path, { body: large })).status).toBe(413)
      expect((await call(users + path, broken)).status).toBe(401)
      expect((await call(users + path, { ...broken, token })).status).toBe(403)
    }
    expect((await call(`${users}/x/get_user_info/`)).status).toBe(401)
    expect((await call(`${users}/x/get_user_info/`, { token })).status).toBe(403)
    expect((await call(`${users}/search/`, { token })).status).toBe(403)
    await call(`${users}/logout/`, { token })
    for (const path of ['/new/', '/1/edit/', '/x/edit/']) {
      expect((await call(users + path, { ...broken, token })).status).toBe(401)
    }
    expect((await call(`${users}/search/`, { token })).status).toBe(401)
  })

  it('is errors in the body before an unknown id or a taken name', async () => {
    await created(admin)
    const wrong = { ...inesInFull, gender: 'X' }
    const sentence = 'gender: Select one of M, F, U.'
    expectFailure(await edit(admin, '999', wrong), `Unable to edit user 999.\n${sentence}`)
    expectFailure(await create(admin, wrong), `Unable to create user.\n${sentence}`)
  })

  it('is errors in the body before a 403 that depends on it', async () => {
    const permissions = ['users:create']
    await call('/v1/roles', { token: admin, json: { name: 'maker', permissions } })
    const maker = await plainUser(admin, { role: 'maker' })
    const asAdmin: Fields = { ...inesInFull, is_admin: 'true' }
    const invalid = await create(maker.access_token, { ...asAdmin, gender: 'X' })
    expectFailure(invalid, 'Unable to create user.\ngender: Select one of M, F, U.')
    expectFailure(await create(maker.access_token, asAdmin), notAllowed, 403)
  })

  it('is 403 for a cross-site request before any error in its body', async () => {
    const { id } = await created(admin)
    const cookie = cookieOf(await login('ines.caron', inesInFull.password))
    for (const path of [`/${id}/edit/`, '/login/']) {
      for (const { body, headers } of [broken, { body: 'x', headers: typed('text/plain') }]) {
        const sent = { body, headers: { ...headers, cookie, 'sec-fetch-site': 'cross-site' } }
        expectFailure(await call(users + path, sent), 'Cross-site request refused.', 403)
      }
    }
    const json = asJson({ ...inesInFull, gender: 'X' })
    const answer = await call(`${users}/${id}/edit/`, { ...json, headers: { cookie, 'sec-fetch-site': 'cross-site' } })
    expectFailure(answer, 'Cross-site request refused.', 403)
  })
})

namesEveryTest(statements)
