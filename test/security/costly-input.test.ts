/**
 * Requests designed to be expensive: neither the time nor the size of a response may grow with the input without a
 * limit.
 */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { signInContracts, type Ask } from '../contracts'
import { operationsOf, schemaOf, type Operation, type Schema } from '../support/conformance'
import { placeOf, requestsFor, resolved, withFields, type Asked } from '../support/drawn-requests'
import { importing } from '../support/imports'
import { newScene } from '../support/scene'
import {
  adminToken,
  call,
  freshDirectory,
  openApi,
  rows,
  signedInPerson,
  type Answer,
  type Call,
} from '../support/usher'
import { lacking, someoneWith } from '../support/v1'

freshDirectory()
// Each test sends many requests.
vi.setConfig({ testTimeout: 180_000 })
afterEach(() => vi.restoreAllMocks())

const document = await openApi()
const operations = operationsOf(document)

/** The maximum size of a refusal. */
const mostBytes = 65_536

const asked = (answering: Ask, as: Call = {}) => call(answering.path, { ...answering, ...as })

describe('a form', () => {
  const urlencoded = (pairs: [string, string][]): Call => ({
    body: pairs.map(([name, value]) => `${name}=${value}`).join('&'),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  const multipart = (pairs: [string, string][]): Call => ({
    body: `${pairs.map(([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join('')}--x--\r\n`,
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
  })
  const kinds = [
    ['an urlencoded form', urlencoded],
    ['a multipart form', multipart],
  ] as const
  const readers = ['/clinic/users/user/login/', '/personnel/token']

  const pairs = (count: number, name: (index: number) => string): [string, string][] =>
    Array.from({ length: count }, (_, index) => [name(index), ''])

  const refused = ({ status, body }: Answer) => (status === 200 ? body.success === false : status === 422)

  // An earlier version copied the object for each bracketed name: the first of these took 44 seconds.
  it.each(kinds)('is parsed in linear time, however its names nest and repeat: %s', async (_, send) => {
    const long: [string, string] = ['a', 'x'.repeat(20_000)]
    const bodies = [
      [long, ...pairs(600, (index) => `a[${index}z]`)],
      [long, ...pairs(600, () => 'a[a]')],
      pairs(600, (index) => `a[${index}]`),
      pairs(600, (index) => `${index}[a]`),
      pairs(600, () => 'a'),
      pairs(600, () => '__proto__[a]'),
      pairs(600, (index) => `${'['.repeat(20)}${index}`),
    ]
    for (const path of readers) {
      for (const body of bodies) {
        const before = Date.now()
        const answer = await call(path, { method: 'POST', ...send(body) })
        expect([path, refused(answer), Date.now() - before < 5000]).toEqual([path, true, true])
      }
    }
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  })

  it.each(kinds)('is rejected with more than 1,000 fields: %s', async (_, send) => {
    const admin = await adminToken()
    const { email, password } = await signedInPerson(admin)
    const credentials: [string, string][] = [
      ['username', email],
      ['password', password],
    ]
    const filled = (count: number) => send([...pairs(count - 2, (index) => `f[${index}]`), ...credentials])
    for (const path of readers) expect((await call(path, { method: 'POST', ...filled(1000) })).status).toBe(200)
    const [clinic, personnel] = await Promise.all(
      readers.map((path) => call(path, { method: 'POST', ...filled(1001) })),
    )
    const sentence = 'body: Ensure this value has at most 1000 fields.'
    expect(clinic?.body).toEqual({ success: false, errors: sentence })
    const msg = 'Dictionary should have at most 1000 items after validation, not more'
    expect([personnel?.status, personnel?.body]).toEqual([422, { detail: [{ loc: ['body'], msg, type: 'too_long' }] }])
    const created = await call('/clinic/users/user/new/', { token: admin, method: 'POST', ...filled(1001) })
    expect(created.body.errors).toBe(`Unable to create user.\n${sentence}`)
  })

  it('is rejected when it has too many files', async () => {
    const file = '--x\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n\r\n'
    const headers = { 'content-type': 'multipart/form-data; boundary=x' }
    const answer = await call(readers[0] as string, { body: `${file.repeat(1001)}--x--\r\n`, headers })
    expect(answer.body.errors).toBe('body: Ensure this value has at most 1000 fields.')
  })
})

/** Combining marks in the order that is slowest to normalise, because each run of them must be sorted. */
const marks = (count: number) => `a${'\u0301\u0327'.repeat(count / 2)}`

/** Records the longest text that is normalised from now on. */
function watchNormalising(): { longest: number } {
  const seen = { longest: 0 }
  const normalize = Object.getOwnPropertyDescriptor(String.prototype, 'normalize')?.value as () => string
  vi.spyOn(String.prototype, 'normalize').mockImplementation(function (this: string, ...form: []) {
    seen.longest = Math.max(seen.longest, this.length)
    return normalize.apply(this, form)
  })
  return seen
}

/** The longest name, decomposed. */
const mostNormalised = 2406

/** The properties of the body of a request. */
const fieldsOf = ({ requestBody }: Operation): [string, Schema][] => {
  const [media] = Object.values(requestBody?.content ?? {})
  return Object.entries(resolved(document, media ? schemaOf(media) : {}).properties ?? {}) as [string, Schema][]
}

/** The request with one field replaced by this value. */
function withValue(one: Asked, field: string, value: unknown): Asked {
  if (one.body === undefined) return withFields(one, { [field]: value })
  return { ...one, body: JSON.stringify({ ...(JSON.parse(one.body) as object), [field]: value }) }
}

/** A request that the operation accepts, in its own directory. */
async function acceptedBy(operation: Operation): Promise<{ one: Asked; token: string | undefined }> {
  const isGuarded = operation.security?.length !== 0
  const first = await newScene()
  const place = await placeOf(document, operation, first.known, async ({ path, ...options }) => {
    const answer = await call(path, { ...options, token: isGuarded ? first.admin.access_token : undefined })
    return { ...answer, written: answer.cost.written }
  })
  const { known, admin } = await newScene()
  const one = requestsFor(document, operation, known)[place] as Asked
  return { one, token: isGuarded ? admin.access_token : undefined }
}

const isList = ({ type }: Schema) => [type].flat().includes('array')

describe('a text that is too long', () => {
  const reading = operations.filter(({ requestBody }) => requestBody)

  // In an earlier version, sorting 62 KB of combining marks took more than a second.
  it.each(reading.map((operation) => [operation.operationId, operation] as const))(
    'is measured before it is normalised, in every field: %s',
    async (_, operation) => {
      const { one, token } = await acceptedBy(operation)
      const seen = watchNormalising()
      for (const [field, schema] of fieldsOf(operation)) {
        // In a form, a mark takes six bytes.
        const text = marks(one.form ? 9000 : 28_000)
        const { path, ...options } = withValue(one, field, isList(schema) ? [text] : text)
        const { status, text: said } = await call(path, { ...options, token })
        expect([field, status < 500, said.length <= mostBytes]).toEqual([field, true, true])
        expect([field, Math.max(seen.longest, mostNormalised)]).toEqual([field, mostNormalised])
      }
    },
  )

  it('is measured before it is normalised, in every query and path', async () => {
    const { known, admin } = await newScene()
    const seen = watchNormalising()
    const text = encodeURIComponent(marks(4000))
    for (const operation of operations.filter(({ method }) => method === 'GET')) {
      const [path = ''] = (requestsFor(document, operation, known)[0] as Asked).path.split('?')
      const urls = (operation.parameters ?? []).map(({ in: where, name }) =>
        where === 'query' ? `${path}?${name}=${text}` : operation.path.replace(`{${name}}`, text),
      )
      for (const url of urls) {
        const { status } = await call(url, { token: admin.access_token })
        expect([operation.operationId, status < 500]).toEqual([operation.operationId, true])
        expect([operation.operationId, Math.max(seen.longest, mostNormalised)]).toEqual([
          operation.operationId,
          mostNormalised,
        ])
      }
    }
  })

  describe.each(signInContracts)('a password or identifier that is too long, at a sign-in of %s', (_, acts) => {
    const attempt = async (identifier: string, password: string) =>
      acts.outcome(await asked(acts.session.signIn(identifier, password)))
    const six = async (identifier: string, password: string) => {
      const outcomes: string[] = []
      for (let tried = 0; tried < 6; tried += 1) outcomes.push(await attempt(identifier, password))
      return outcomes
    }
    const lockedOut = [...Array<string>(5).fill('unauthenticated'), 'limited']

    it('counts as a wrong password and a failure of the account', async () => {
      // The maximum length of a password. The longer password begins with the right one.
      const { email, password, number } = await signedInPerson(await adminToken(), {
        password: 'lilac moss '.repeat(12).slice(0, 128),
      })
      const tooLong = password + 'x'.repeat(5000)
      expect(await attempt(email, tooLong)).toBe('unauthenticated')
      const counted = await rows('SELECT account, failures FROM sign_in_failures')
      expect(counted).toEqual([{ account: `user:${number}`, failures: 1 }])
      expect(await attempt(email, password)).toBe('done')
      expect(await six(email, tooLong)).toEqual(lockedOut)
      expect(await attempt(email, password)).toBe('limited')
    })

    it('counts as an unknown identifier, which is locked like any other', async () => {
      const { password } = await signedInPerson(await adminToken(), { matricule: 77 })
      expect(await six('x'.repeat(9000), 'nothing at all')).toEqual(lockedOut)
      expect(await attempt(`${'0'.repeat(9000)}77`, password)).toBe('unauthenticated')
      expect(await attempt('0077', password)).toBe('done')
    })
  })

  it('counts as a wrong current password', async () => {
    const { access_token: token, password } = await signedInPerson(await adminToken())
    const json = { current_password: password + 'x'.repeat(5000), new_password: 'another fine passphrase' }
    const { status, body } = await call('/v1/me/password', { method: 'PUT', token, json })
    expect([status, body.errors]).toEqual([400, [{ field: 'current_password', message: 'is wrong' }]])
  })
})

/** The lists anywhere in a schema. */
function listsIn(schema: unknown, path = ''): [path: string, list: Schema][] {
  if (typeof schema !== 'object' || schema === null) return []
  const inner = Object.entries(schema).flatMap(([key, value]) => listsIn(value, `${path}/${key}`))
  return isList(schema as Schema) ? [[path, schema as Schema], ...inner] : inner
}

describe('a list', () => {
  const lists = operations.flatMap((operation) =>
    Object.values(operation.requestBody?.content ?? {}).flatMap((media) =>
      listsIn(resolved(document, schemaOf(media))).map(([path, list]) => [operation, path, list] as const),
    ),
  )

  it('in a request has a documented maximum, in every operation', () => {
    expect(lists.length).toBeGreaterThan(8)
    for (const [{ operationId }, path, { maxItems }] of lists) {
      expect([operationId, path, typeof maxItems]).toEqual([operationId, path, 'number'])
    }
  })

  // In an earlier version each item was a separate error: 61 KB of input gave 3.4 MB of output.
  it.each(lists.map(([operation, path, list]) => [operation.operationId, path, list, operation] as const))(
    'that is too long is reported as one short error: %s %s',
    async (_, path, { maxItems = 0 }, operation) => {
      const field = path.split('/').at(-1) as string
      const { one, token } = await acceptedBy(operation)
      const send = (items: unknown[]) => {
        const { path: url, ...options } = withValue(one, field, items)
        return call(url, { ...options, token })
      }
      // An answer of one sentence reports the first problem only.
      const isSentence = ({ body }: Answer) => typeof body.detail === 'string' && !body.errors
      const listedErrors = (answer: Answer) => {
        const { body } = answer
        if (isSentence(answer)) return [body.detail]
        return body.detail instanceof Array ? body.detail : (body.errors ?? body[0].errors)
      }
      const long = await send(Array<number>(28_000).fill(1))
      expect([listedErrors(long).length, long.text.includes(`at most ${maxItems} items`)]).toEqual([1, true])
      const wrong = await send(Array<number>(maxItems).fill(1))
      expect(listedErrors(wrong).length).toBe(isSentence(wrong) ? 1 : Math.min(maxItems, 20))
      for (const { text } of [long, wrong]) expect(text.length).toBeLessThan(mostBytes)
    },
  )

  it('of missing permissions names each permission once', async () => {
    const admin = await adminToken()
    const { access_token: token } = await someoneWith(admin, ['api_keys:manage'])
    const permissions = Array<string>(15).fill('users:read')
    const { status, body } = await call('/v1/api-keys', { token, json: { name: 'a key', permissions } })
    expect([status, body.detail]).toEqual([403, lacking('users:read')])
  })
})

describe('a refusal', () => {
  it('of many import lines is short for each line', async () => {
    const admin = await adminToken()
    const line = { email: 'x@example.org', name: 'x', roles: Array<number>(30_000).fill(1) }
    const { answer, results } = await importing(admin, Array(30).fill(line))
    expect(results.map(({ errors }) => errors)).toEqual(
      Array(30).fill([{ field: 'roles', message: 'must have at most 100 items' }]),
    )
    expect(answer.text.length).toBeLessThan(mostBytes)
  })

  it('quotes at most a few characters of a path', async () => {
    const admin = await adminToken()
    const digits = '9'.repeat(10_000)
    for (const [path, method] of [
      [`/clinic/users/user/${digits}/get_user_info/`, 'GET'],
      [`/clinic/users/user/${digits}/edit/`, 'POST'],
      [`/personnel/users/${digits}`, 'GET'],
      [`/personnel/users/delete/${'<'.repeat(10_000)}`, 'DELETE'],
    ] as const) {
      const { status, text } = await call(path, { method, token: admin })
      expect([path.slice(0, 30), status < 500, text.length < 700]).toEqual([path.slice(0, 30), true, true])
    }
  })
})
