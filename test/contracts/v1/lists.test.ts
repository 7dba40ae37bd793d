/** v1: behaviour that all query parameters share, taken from the document. */
import { beforeEach, describe, expect, it } from 'vitest'
import { namesEveryTest } from '../../support/statements'
import { operations } from '../../support/requests'
import { adminToken, call, freshDirectory, signedInPerson, type Answer } from '../../support/usher'
import { expectInvalid, statements } from '../../support/v1'

freshDirectory()
let admin: string
beforeEach(async () => {
  admin = await adminToken()
})

const parametersOf = ({ parameters = [] }: (typeof operations)[number]) =>
  parameters.filter((one) => one.in === 'query')
const queried = operations.filter((one) => one.operationId.startsWith('v1') && parametersOf(one).length > 0)

/** Each query parameter of each operation, with a successful request that uses it. */
async function* parameters() {
  const one = { ...(await signedInPerson(admin)), untouched: true }
  for (const operation of queried) {
    const { path, ...ask } = await operation.request({ admin, one } as never)
    const url = new URL(path, 'https://usher.example')
    const asked = (name: string, ...values: string[]): Promise<Answer> => {
      const query = new URLSearchParams(url.search)
      query.delete(name)
      for (const value of values) query.append(name, value)
      return call(`${url.pathname}?${query}`, { ...ask, token: admin })
    }
    for (const { name, required = false, schema } of parametersOf(operation)) {
      yield { about: `${operation.operationId} ${name}`, name, required, asked, value: String(schema.enum?.[0] ?? 1) }
    }
  }
}

describe('a query parameter', () => {
  it('returns 400 and its name when it is given twice', async () => {
    const seen: string[] = []
    for await (const { about, name, asked, value } of parameters()) {
      for (const values of [
        [value, value],
        ['', value],
        ['', ''],
        ['nonsense', 'other', 'x'],
      ]) {
        expectInvalid(await asked(name, ...values), [name, 'is given twice'])
      }
      seen.push(about)
    }
    const some = ['v1ListUsers role', 'v1ListUsers limit', 'v1ListAuditEvents action', 'v1ExportUsers after']
    expect(seen).toEqual(expect.arrayContaining([...some, 'v1CheckDirectory check', 'v1ImportUsers dry_run']))
  })

  it('counts as absent when it is empty and a filter, a sort or a cursor', async () => {
    const seen: string[] = []
    for await (const { about, name, required, asked } of parameters()) {
      if (required || ['limit', 'dry_run'].includes(name)) continue
      const [without, empty] = [await asked(name), await asked(name, '')]
      expect([about, without.status, empty.status]).toEqual([about, 200, 200])
      // An export adds an audit event. No other request here does.
      expect([about, empty.text]).toEqual([about, without.text])
      seen.push(name)
    }
    const some = ['cursor', 'search', 'status', 'role', 'sort', 'user', 'actor', 'action', 'after', 'include']
    some.push('password', 'contract', 'operation', 'since', 'group')
    expect([...new Set(seen)].sort()).toEqual(some.sort())
    // A cursor fits a list however its empty filters are written.
    await signedInPerson(admin)
    for (const [list, empties] of [
      ['/v1/users', 'search=&status=&role=&sort='],
      ['/v1/audit-events', 'user=&actor=&action='],
    ]) {
      const { next_cursor } = (await call(`${list}?limit=1&${empties}`, { token: admin })).body.pagination
      const next = await call(`${list}?limit=1&cursor=${next_cursor}`, { token: admin })
      const same = await call(`${list}?limit=1&${empties}&cursor=${next_cursor}`, { token: admin })
      expect([next.status, same.text]).toEqual([200, next.text])
    }
  })

  it('returns 400 when it is empty and a limit or required', async () => {
    const seen: string[] = []
    for await (const { about, name, required, asked } of parameters()) {
      if (!required && !['limit', 'dry_run'].includes(name)) continue
      const { status, body } = await asked(name, '')
      expect([about, status, body.errors[0].field]).toEqual([about, 400, name])
      seen.push(name)
    }
    expect([...new Set(seen)].sort()).toEqual(['check', 'dry_run', 'limit'])
  })
})

namesEveryTest(statements)
