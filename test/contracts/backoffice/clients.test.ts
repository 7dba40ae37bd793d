/** backoffice: typical clients of the original API at work. */
import { describe, expect, it } from 'vitest'
import statements from './STATEMENTS.md?raw'
import { adminAndInes, ines, inesShown, list, users } from '../../support/backoffice'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, fetchWorker, firstAdmin, freshDirectory } from '../../support/usher'

freshDirectory()

/** A stand-in for Angular's HttpClient: JSON in both directions, and an error that holds the response body. */
function angular(token?: string) {
  return async (method: string, path: string, body?: object) => {
    const headers = { accept: 'application/json, text/plain, */*', 'content-type': 'application/json' }
    const sent = { method, headers, ...(token !== undefined && { token }), ...(body && { json: body }) }
    const response = await fetchWorker(`/backoffice/api${path}`, sent)
    const parsed: any = await response.json()
    if (!response.ok) throw { status: response.status, error: parsed }
    return parsed
  }
}

describe('an Angular client', () => {
  const blank = {
    username: '',
    email: '',
    password: '',
    password_confirmation: '',
    first_name: '',
    last_name: '',
    gender: null,
    birthday: null,
    country_id: null,
  }

  /** The client's form: tries to save, and shows the errors of the response below each input. */
  async function save(http: ReturnType<typeof angular>, method: string, path: string, form: object) {
    const shown: Record<string, string> = {}
    try {
      return { saved: await http(method, path, form), shown, toast: '' }
    } catch (thrown) {
      const { error } = thrown as { error: { message: string; errors?: Record<string, string[]> } }
      for (const field of Object.keys(error.errors ?? {})) shown[field] = error.errors![field]!.join(', ')
      return { saved: undefined, shown, toast: error.message }
    }
  }

  it('signs in, submits an invalid form, reads errors[field].join(", "), and saves the corrected form', async () => {
    const anonymous = angular()
    const refused = await save(anonymous, 'POST', '/login', { username: '', password: '' })
    expect(refused.shown).toEqual({
      username: 'The username field is required.',
      password: 'The password field is required.',
    })
    const credentials = { username: firstAdmin.email, password: firstAdmin.password }
    const { token, user } = (await anonymous('POST', '/login', credentials)).data
    expect(user.role_id).toBe(1)
    const http = angular(token)

    const untouched = await save(http, 'POST', '/v1/users', blank)
    expect(untouched.toast).toBe('The username field is required. (and 6 more errors)')
    expect(Object.keys(untouched.shown)).toEqual([
      ...['username', 'email', 'password', 'first_name', 'last_name', 'gender', 'birthday'],
    ])
    const filled = {
      ...blank,
      ...ines,
      birthday: new Date('1991-06-14'),
      country_id: '620',
      email: 'ines',
      password: 'curta',
    }
    expect((await save(http, 'POST', '/v1/users', filled)).shown).toEqual({
      email: 'The email field must be a valid email address.',
      password: 'The password field must be at least 8 characters., The password field confirmation does not match.',
    })
    const { saved } = await save(http, 'POST', '/v1/users', { ...filled, email: ines.email, password: ines.password })
    expect(JSON.stringify(saved.data)).toBe(inesShown(2))
    const again = await save(http, 'POST', '/v1/users', { ...filled, email: 'x@example.org', password: ines.password })
    expect([again.toast, again.shown]).toEqual([
      'The username has already been taken.',
      { username: 'The username has already been taken.' },
    ])
  })

  it('opens a record, sends it back whole with one field changed, and deletes it', async () => {
    const { admin } = await adminAndInes()
    const http = angular(admin)
    const { data } = await http('GET', '/v1/users?page=1&per_page=15&search=ines&status=&gender=&role_id=')
    const { data: record } = await http('GET', `/v1/users/${data[0].user_id}`)
    const form = { ...blank, ...record, birthday: new Date(record.birthday), last_name: 'Calado Reis' }
    const { saved } = await save(http, 'PUT', `/v1/users/${record.user_id}`, form)
    expect(saved).toEqual({ message: 'User updated successfully', data: { ...record, last_name: 'Calado Reis' } })
    const gone = await save(http, 'DELETE', `/v1/users/${record.user_id}`, {})
    expect(gone.saved).toEqual({ message: 'User deleted successfully' })
    const unknown = await save(http, 'PUT', `/v1/users/${record.user_id}`, form)
    expect([unknown.toast, unknown.shown]).toEqual(['User not found', {}])
  })

  it('turns the pages that meta counts', async () => {
    const { admin } = await adminAndInes()
    const http = angular(admin)
    const seen: number[] = []
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const { data, meta } = await http('GET', `/v1/users?page=${page}&per_page=1`)
      seen.push(...data.map((user: any) => user.user_id))
      pages = Math.ceil(meta.total / meta.per_page)
    }
    expect(seen).toEqual([1, 2])
  })
})

describe('a Guzzle client', () => {
  it('sends its arrays through json_encode and http_build_query', async () => {
    const token = await adminToken()
    const headers = { accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'GuzzleHttp/7' }
    const encoded = JSON.stringify(ines).replaceAll('/', '\\/').replaceAll('ê', '\\u00ea')
    const created = await call(users, { token, headers, body: encoded })
    expect(created.body.data).toEqual(JSON.parse(inesShown(2)))
    const query = '?page=1&per_page=15&search=In%C3%AAs+Calado&status=active&gender=female&role_id=2'
    expect((await list(token, query)).body).toEqual({
      data: [created.body.data],
      meta: { current_page: 1, per_page: 15, total: 1 },
    })
    const changed = await call(`${users}/2`, {
      method: 'PUT',
      token,
      headers,
      body: '{"country_id":null,"role_id":"2"}',
    })
    expect(changed.body.data).toEqual({ ...created.body.data, country_id: null })
    expect((await call(`${users}/2`, { method: 'PUT', token, headers, body: '[]' })).body.data).toEqual(
      changed.body.data,
    )
  })
})

namesEveryTest(statements)
