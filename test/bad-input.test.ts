/** Bad input, in every contract: it gets the contract's own error, and never a 503 or a silent no-op. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type Ask, contracts } from './contracts'
import { fieldOf, resolved } from './support/drawn-requests'
import { operationsOf, type Schema } from './support/conformance'
import { failingD1 } from './support/failing-d1'
import { importing, ndjson } from './support/imports'
import { operations as requests } from './support/requests'
import {
  adminToken,
  call,
  freshDirectory,
  methodOf,
  openApi,
  rows,
  signedInPerson,
  type Answer,
  type Call,
} from './support/usher'

freshDirectory()
// Each test sends a request or more to every operation.
vi.setConfig({ testTimeout: 180_000 })

const document = await openApi()

let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const send = ({ path, ...options }: Ask, as: Call = {}): Promise<Answer> =>
  call(path, { token: admin, ...options, ...as, headers: { ...options.headers, ...as.headers } })

/** The body of a request as text. */
function textOf({ json, form, body }: Call): string {
  if (json !== undefined) return JSON.stringify(json)
  return form ? String(new URLSearchParams(form)) : String(body ?? 'x')
}

describe('a name that would become too long', () => {
  // 1 + 1 + 399 code points: the longest name that is allowed.
  const familyName = 'x'.repeat(399)

  const edits = contracts.flatMap(([, acts]) => Object.entries(acts.edits))
  const writesParts = (operationId: string) =>
    operationsOf(document).some((user) => user.operationId === operationId && fieldOf(document, user, 'first_name'))

  it.each(edits.filter(([operationId]) => writesParts(operationId)))(
    'is bad input when one part of it is written, in %s',
    async (operationId, edit) => {
      const email = 'long@example.org'
      await importing(admin, [{ email, name: `y ${familyName}`, version: 1, gender: 'female' }])
      const [row] = await rows<{ id: string; number: number }>('SELECT id, number FROM users WHERE email = ?', email)
      const isOwn = operationId === 'v1PatchMe'
      const user = { uuid: String(row?.id), number: Number(row?.number), email, password: '' }
      const token = isOwn ? await tokenOf(user.uuid) : admin
      const write = (first_name: string) => send(edit(user, { first_name, last_name: familyName }), { token })
      const tooLong = await write('zz')
      const acts = contracts.find(([, { edits }]) => operationId in edits)?.[1]
      expect([acts?.outcome(tooLong), tooLong.headers.get('retry-after')]).toEqual(['refused', null])
      expect(tooLong.text).toMatch(/at most 1 characters|greater than 1 characters/)
      expect(tooLong.text).toMatch(/first.name/)
      expect(acts?.outcome(await write('z'))).toBe('done')
      expect(await rows('SELECT length(name) AS length FROM users WHERE email = ?', email)).toEqual([{ length: 401 }])
    },
  )

  /** Signs in with a password that an admin sets. */
  async function tokenOf(uuid: string): Promise<string> {
    const password = 'a fine passphrase'
    await call(`/v1/users/usr_${uuid.replaceAll('-', '')}`, { method: 'PATCH', token: admin, json: { password } })
    return (await call('/v1/auth/login', { json: { identifier: 'long@example.org', password } })).body.access_token
  }
})

describe('a value that the database refuses', () => {
  const messages = [
    'D1_ERROR: CHECK constraint failed: length(name) <= 401: SQLITE_CONSTRAINT',
    'D1_ERROR: CHECK constraint failed: users: SQLITE_CONSTRAINT_CHECK',
    'D1_ERROR: cannot store TEXT value in INTEGER column users.matricule: SQLITE_CONSTRAINT_DATATYPE',
  ]

  it.each(contracts)('is bad input and not an outage, in %s', async (_, acts) => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    for (const [index, message] of messages.entries()) {
      const { DB } = failingD1({ strikes: (number) => number === 2, fault: { kind: 'error', message } })
      const answer = await send(acts.create(`refused${index}@example.org`), { env: { DB } })
      expect([acts.outcome(answer), answer.headers.get('retry-after')]).toEqual(['refused', null])
      expect(answer.text).not.toMatch(/CHECK|SQLITE|users|length/)
    }
  })

  it('ends an import as bad input', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const fault = { kind: 'error', message: messages[0] as string } as const
    const { DB } = failingD1({ strikes: (number) => number === 4, fault })
    const people = Array.from({ length: 101 }, (_, index) => ({ email: `p${index}@example.org`, name: 'P' }))
    const { last } = await importing(admin, people, { env: { DB } })
    expect(last).toMatchObject({ status: 'stopped', line: 101, problem: { status: 400 } })
  })
})

describe('a body', () => {
  const byteOrderMark = new Uint8Array([0xef, 0xbb, 0xbf])

  it.each(contracts)(
    'that is only a byte order mark is bad input to every operation of %s that reads a body',
    async (name, acts) => {
      const reading = operationsOf(document).filter(
        ({ path, requestBody }) => path.startsWith(`/${name}/`) && requestBody,
      )
      for (const { operationId, path, method, requestBody } of reading) {
        for (const contentType of Object.keys(requestBody?.content ?? {})) {
          if (contentType === ndjson['content-type']) continue
          const headers = { 'content-type': contentType.replace('form-data', 'form-data; boundary=x') }
          const url = path.replace(/\{\w+\}/g, '1')
          const answer = await call(url, { method, token: admin, body: byteOrderMark, headers })
          const isRefused = acts.outcome(answer) === 'refused' && ![404, 409].includes(answer.status)
          expect([operationId, contentType, isRefused || answer.text]).toEqual([operationId, contentType, true])
        }
      }
    },
  )

  it.each(contracts)(
    'with a Content-Encoding is refused, and the error names the accepted one, by %s',
    async (name, acts) => {
      const status = acts.wire.statuses.encoded
      const own = requests.filter(
        ({ path, method }) => path.startsWith(`/${name}/`) && /^(POST|PUT|PATCH)$/.test(method),
      )
      expect(own.length).toBeGreaterThan(0)
      for (const { operationId, security, request } of own) {
        const someone = await signedInPerson(admin)
        const user = { ...someone, refresh_token: someone.refresh_token }
        const { path, ...options } = await request({ admin, one: user, untouched: true })
        const isGuarded = security?.length !== 0
        const token = isGuarded ? await adminToken() : undefined
        const type =
          options.json === undefined ? options.form && 'application/x-www-form-urlencoded' : 'application/json'
        const encoded = (coding: string, as: Call = {}): Promise<Answer> =>
          call(path, {
            method: methodOf(options),
            token,
            body: textOf(options),
            ...as,
            headers: { ...(type && { 'content-type': type }), ...options.headers, 'content-encoding': coding },
          })
        for (const coding of ['gzip', 'identity, BR', 'x-unknown']) {
          const answer = await encoded(coding)
          expect([operationId, coding, answer.status]).toEqual([operationId, coding, status])
          expect([acts.outcome(answer), answer.headers.get('accept-encoding')]).toEqual(['refused', 'identity'])
          expect(answer.text).toMatch(/content-encoding.*must be identity/i)
        }
        if (isGuarded) expect([operationId, (await encoded('gzip', { token: '' })).status]).toEqual([operationId, 401])
        const plain = await encoded('Identity')
        expect([operationId, plain.headers.has('accept-encoding')]).toEqual([operationId, false])
        expect(plain.text).not.toMatch(/content-encoding/i)
      }
    },
  )
})

describe('a value that is nested too deeply', () => {
  const deep = [
    '['.repeat(32_000) + ']'.repeat(32_000),
    '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000),
    // The only value of a list, as a list of names has it.
    `["x",${'['.repeat(20_000)}${']'.repeat(20_000)}]`,
  ]

  it.each(contracts)('is never a server error, in any field of any operation of %s', async (name) => {
    const own = requests.filter(({ path }) => path.startsWith(`/${name}/`))
    for (const { operationId, security, requestBody, request } of own) {
      const person = await signedInPerson(admin)
      const { path, ...options } = await request({ admin, one: person, untouched: true })
      const { json } = options
      if (typeof json !== 'object' || json === null) continue
      const [media] = Object.values(requestBody?.content ?? {})
      const { properties = {} } = resolved(document, media?.schema as Schema)
      const token = security?.length === 0 ? undefined : await adminToken()
      for (const field of new Set([...Object.keys(json), ...Object.keys(properties)])) {
        for (const value of deep) {
          const body = JSON.stringify({ ...json, [field]: '~' }).replace('"~"', value)
          const headers = { ...options.headers, 'content-type': 'application/json' }
          const { status } = await call(path, { method: methodOf(options), token, body, headers })
          expect([operationId, field, value.slice(0, 6), status < 500]).toEqual([
            operationId,
            field,
            value.slice(0, 6),
            true,
          ])
        }
      }
    }
  })
})

describe('a number that is far too large', () => {
  it.each(
    contracts.flatMap(([name, acts]) => Object.entries(acts.edits).map(([id, edit]) => [id, name, edit] as const)),
  )('is bad input in every field, and never ignored: %s', async (operationId, name, edit) => {
    const acts = contracts.find(([each]) => each === name)?.[1]
    const user = await signedInPerson(admin)
    const operation = operationsOf(document).find((each) => each.operationId === operationId)
    const [media] = Object.values(operation?.requestBody?.content ?? {})
    const { properties = {} } = resolved(document, media?.schema as Schema)
    // A confirmation is read only together with a password.
    for (const field of Object.keys(properties).filter((each) => each !== 'password_confirmation')) {
      for (const number of ['1e309', '-1e400']) {
        const { json, ...ask } = edit(user, { [field]: '~' })
        const body = JSON.stringify(json).replace('"~"', number)
        const token = operationId === 'v1PatchMe' ? user.access_token : admin
        const answer = await send(ask, {
          method: methodOf({ ...ask, json }),
          token,
          body,
          headers: { 'content-type': 'application/json' },
        })
        expect([field, number, acts?.outcome(answer)]).toEqual([field, number, 'refused'])
      }
    }
  })

  it('is bad input to a sign-in, a creation and an import, too', async () => {
    const headers = { 'content-type': 'application/json' }
    const login = await call('/clinic/users/user/login/', { headers, body: '{"username":1e400,"password":1e400}' })
    expect(login.body.errors).toBe('username: Enter a valid value.\npassword: Enter a valid value.')
    const fields = '"email":"x@example.org","name":"x","password":"a fine passphrase"'
    const created = await call('/v1/users', { token: admin, headers, body: `{${fields},"matricule":1e400}` })
    expect(created.body.errors).toEqual([{ field: 'matricule', message: 'must be an integer' }])
    const { outcomes } = await importing(admin, `{${fields},"number":1e400}\n{${fields},"country_id":-1e400}`)
    expect(outcomes).toEqual(['number must be an integer', 'country_id must be an integer'])
  })
})
