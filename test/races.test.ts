/**
 * Concurrent requests through every contract: exactly one succeeds when only one may, no update is lost, and the totals
 * agree.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import {
  contractAt,
  contracts,
  editsOfAnyone,
  signInContracts,
  type Ask,
  type ContractDescription,
  type Edit,
} from './contracts'
import { operationFor, operationsOf, type Operation } from './support/conformance'
import { inconsistencies } from './support/consistency'
import {
  fieldOf,
  isDone as saysDone,
  placeOf,
  requestsFor,
  resolved,
  withFields,
  type Asked,
  type Known,
} from './support/drawn-requests'
import { documented, failingD1 } from './support/failing-d1'
import { dump, newScene, personNamed, type Scene } from './support/scene'
import { nobody, type Someone } from './support/people'
import { call, methodOf, openApi, rows, testEnv, type Answer } from './support/usher'

const document = await openApi()
const operations = operationsOf(document)
const contractOf = ({ path }: Operation) => path.split('/')[1] as string

/** The operation that a request of a description is for. */
function operationOf(ask: Ask): Operation {
  const operation = operationFor(document, methodOf(ask), ask.path)
  if (!operation) throw new Error(`${methodOf(ask)} ${ask.path} is not in the document`)
  return operation
}

const creations = contracts.map(([, { create }]) => operationOf(create(nobody.email)))
const editing = (all: [string, ContractDescription][]) =>
  all.flatMap(([, contract]) => editsOfAnyone(contract).map(([, edit]) => operationOf(edit(nobody))))
const changes = editing(contracts)
const signIns = signInContracts.map(([, { session }]) => operationOf(session.signIn(nobody.email, '')))
const isOneOf = (all: Operation[]) => (operation: Operation) =>
  all.some(({ operationId }) => operationId === operation.operationId)

let scene: Scene
beforeEach(async () => {
  scene = await newScene()
})

const places = new Map<string, number>()

/** The operation's request, drawn for `known`. */
async function drawn(operation: Operation, known?: Known): Promise<Asked> {
  let place = places.get(operation.operationId)
  if (place === undefined) {
    const own = await newScene()
    place = await placeOf(document, operation, own.known, async (asked) => {
      const answer = await send(operation, asked, { token: own.admin.access_token })
      return { ...answer, written: answer.cost.written }
    })
    places.set(operation.operationId, place)
    scene = await newScene()
  }
  return requestsFor(document, operation, known ?? scene.known)[place] as Asked
}

/** Finds the accepted request of each operation. Runs before the set-up, because it uses directories of its own. */
async function learn(...all: Operation[]): Promise<void> {
  for (const operation of all) await drawn(operation)
}

interface Sending {
  token?: string
  headers?: Record<string, string>
  DB?: unknown
}

type Sent = Answer & { done: boolean }

const isDone = ({ done }: Sent) => done

async function send(operation: Operation, { path, ...asked }: Asked | Ask, options: Sending = {}): Promise<Sent> {
  const { token = scene.admin.access_token, headers, DB } = options
  const answer = await call(path, {
    ...asked,
    ...(operation.security?.length !== 0 && { token }),
    ...(headers && { headers }),
    ...(DB !== undefined && { env: { DB } }),
  })
  return { ...answer, done: saysDone(operation, answer) }
}

/** `scene.known` with a newcomer of this name and number. */
const withNewcomer = (word: string, number: number): Known => ({ ...scene.known, newcomer: personNamed(word, number) })

const isFine = ({ status }: Answer) => status < 500
const wholeDirectory = async () => expect(await inconsistencies((sql) => rows(sql))).toEqual([])
const v1 = (id: string) => call(`/v1/users/${id}`, { token: scene.admin.access_token })
const idOfOne = () => String(scene.known.ids[0])

/** The scene's user, in the form that the descriptions take. */
function one(): Someone {
  const [, uuid, number] = scene.known.ids
  return { ...scene.known.one, uuid: String(uuid), number: Number(number) }
}

/** Sends a request of a description as the admin. */
const asAdmin = (ask: Ask) => send(operationOf(ask), ask)

describe('one identity created many times at once', () => {
  type Spelling = ['email' | 'username', string] | ['matricule', number]

  /** Spellings of one identifier. Each contract receives those for which it has a field. */
  const identities: Record<string, Spelling[]> = {
    'an email': [
      ['email', 'émile.case@example.org'],
      ['email', 'Émile.Case@EXAMPLE.org'],
      ['email', 'E\u0301MILE.CASE@example.org'],
      ['email', 'ｅ\u0301mile.case@Example.Org'],
    ],
    'a username': [
      ['username', 'straße'],
      ['username', 'STRASSE'],
      ['username', 'ｓｔｒａｓｓｅ'],
    ],
    'a number to sign in with': [
      ['matricule', 20_260],
      ['username', '20260'],
      ['username', '２０２６０'],
    ],
    'a matricule': [['matricule', 77]],
  }

  it.each(Object.entries(identities))(
    '%s: exactly one creation succeeds, in any spelling and contract',
    async (_, spellings) => {
      await learn(...creations)
      const attempts: (readonly [Operation, Asked])[] = []
      for (const round of [1, 2]) {
        for (const operation of creations) {
          const { wire } = contractAt(operation.path)
          for (const [identifier, value] of spellings) {
            const fields = identifier === 'matricule' ? wire.matricule?.(value) : wire[identifier]?.(value)
            if (!fields) continue
            const number = 9_000 + attempts.length
            const asked = await drawn(operation, withNewcomer(`racer${round}n${number}`, number))
            attempts.push([operation, withFields(asked, fields)])
          }
        }
      }
      expect(attempts.length).toBeGreaterThan(1)
      const before = await rows('SELECT id FROM users')
      const answers = await Promise.all(attempts.map(([operation, asked]) => send(operation, asked)))
      expect(answers.filter(isFine)).toHaveLength(attempts.length)
      expect(answers.filter(isDone)).toHaveLength(1)
      expect(await rows('SELECT id FROM users')).toHaveLength(before.length + 1)
      await wholeDirectory()
    },
  )
})

describe('concurrent updates of one user', () => {
  const conditional = operations.filter(
    ({ method, parameters }) =>
      ['PUT', 'PATCH'].includes(method) && parameters?.some(({ name }) => name === 'if-match'),
  )

  it('with If-Match: exactly one update of a version succeeds, and the others get 412', async () => {
    const onOne = conditional.filter(({ path }) => path.includes('{'))
    await learn(...onOne)
    for (let round = 0; round < 3; round += 1) {
      const etag = (await v1(idOfOne())).headers.get('etag') as string
      const attempts = onOne.flatMap((operation) => [0, 1, 2, 3].map((index) => [operation, index] as const))
      const answers = await Promise.all(
        attempts.map(async ([operation, index]) => {
          const asked = await drawn(operation)
          const fields = fieldOf(document, operation, 'name')
            ? { name: `Round${round} Attempt${index}`, email: `round${round}.${index}.${operation.method}@example.org` }
            : {}
          // Roles have no text field that could distinguish two attempts, so only two of them differ.
          const roles = fieldOf(document, operation, 'roles') ? { roles: index % 2 ? ['user'] : ['door', 'user'] } : {}
          return send(operation, withFields(asked, { ...fields, ...roles }), { headers: { 'if-match': etag } })
        }),
      )
      const statuses = answers.map(({ status }) => status)
      expect(new Set(statuses)).toEqual(new Set([200, 412]))
      const made = answers.filter(({ status }) => status === 200)
      const changing = made.filter(({ headers }) => headers.get('etag') !== etag)
      expect(changing).toHaveLength(1)
      expect((await v1(idOfOne())).body).toEqual(changing[0]?.body)
    }
    await wholeDirectory()
  })

  it('without If-Match: all partial updates are kept', async () => {
    const partial = editing(contracts.filter(([, { replacesRecord }]) => !replacesRecord))
    await learn(...partial)
    const values: Record<string, unknown> = {
      email: 'kept@example.org',
      username: 'kept',
      matricule: 5_150,
      first_name: 'Kept',
      last_name: 'Throughout',
      birth_date: '1970-01-02',
      gender: 'female',
      phone: '+33 1 70 18 00 01',
      mobile: '+33 1 70 18 00 02',
      certified_email: 'kept.certified@example.org',
      user_type: 'clinician',
      is_staff: true,
      country_id: 41,
    }
    const asked = await Promise.all(
      Object.entries(values).map(async ([field, value], index) => {
        const able = partial.filter((operation) => fieldOf(document, operation, field))
        const operation = able[index % able.length] as Operation
        const edits = contracts.flatMap(([, { edits: own }]) => Object.entries(own))
        const edit = edits.find(([id]) => id === operation.operationId)?.[1] as Edit
        return [operation, edit(one(), { [field]: value })] as const
      }),
    )
    expect(new Set(asked.map(([operation]) => contractOf(operation))).size).toBeGreaterThan(1)
    const answers = await Promise.all(asked.map(([operation, request]) => send(operation, request)))
    expect(answers.map(isDone)).toEqual(answers.map(() => true))
    expect((await v1(idOfOne())).body).toMatchObject({ ...values, name: 'Kept Throughout' })
    await wholeDirectory()
  })
})

describe('an Idempotency-Key', () => {
  const keyed = operations.filter(({ parameters }) => parameters?.some(({ name }) => name === 'idempotency-key'))
  const twenty = Array.from({ length: 20 }, (_, index) => index)
  const headers = { 'idempotency-key': 'the same for all' }
  const counts = async () =>
    Object.fromEntries(Object.entries(await dump()).map(([table, list]) => [table, list.length]))

  it.each(keyed.map((operation) => [operation.operationId, operation] as const))(
    'makes %s happen once when twenty requests come at once, and all twenty get the same response',
    async (_, operation) => {
      expect(isDone(await send(operation, await drawn(operation)))).toBe(true)
      const once = await counts()
      scene = await newScene()
      const same = await drawn(operation)
      const answers = await Promise.all(twenty.map(() => send(operation, same, { headers })))
      for (const { status, text, headers: responseHeaders } of answers) {
        expect([status, text, responseHeaders.get('etag')]).toEqual([
          answers[0]?.status,
          answers[0]?.text,
          answers[0]?.headers.get('etag'),
        ])
      }
      expect(isDone(answers[0] as Sent)).toBe(true)
      expect(await counts()).toEqual({ ...once, idempotency_records: 1 })
      await wholeDirectory()
    },
  )

  it.each(keyed.map((operation) => [operation.operationId, operation] as const))(
    'makes %s happen once when responses are lost and the request is retried until one arrives',
    async (_, operation) => {
      vi.spyOn(console, 'error').mockImplementation(() => {})
      expect(isDone(await send(operation, await drawn(operation)))).toBe(true)
      const once = await counts()
      scene = await newScene()
      const same = await drawn(operation)
      const message = documented.again[2] as string
      const answers = await Promise.all(
        twenty.map(async (index) => {
          // On the first attempt, the reply to the first, second, third or fourth batch is lost.
          const lost = (number: number) => number === (index % 4) + 1
          const { DB } = failingD1({ strikes: lost, fault: { kind: 'reply lost', message } })
          for (;;) {
            const answer = await send(operation, same, { headers, DB })
            if (answer.status !== 503) return answer
          }
        }),
      )
      expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
      expect(isDone(answers[0] as Sent)).toBe(true)
      expect(await counts()).toEqual({ ...once, idempotency_records: 1 })
      await wholeDirectory()
      vi.restoreAllMocks()
    },
  )

  it('belongs to one request: of twenty different requests at once, one succeeds and the others are refused', async () => {
    const [operation] = keyed.filter(isOneOf(creations)) as [Operation]
    await learn(operation)
    const answers = await Promise.all(
      twenty.map(async (index) => {
        const asked = await drawn(operation, withNewcomer(`keyed${index}`, 6_000 + index))
        return send(operation, asked, { headers })
      }),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...twenty.slice(1).map(() => 422)])
    await wholeDirectory()
  })
})

describe('an account that is being closed', () => {
  it('is closed, and keeps every update that was made at the same time', async () => {
    await learn(...changes)
    for (let round = 0; round < 5; round += 1) {
      scene = await newScene()
      const edits = changes.map(async (operation) => {
        return send(operation, await drawn(operation))
      })
      const closing = contracts.map(([, { deactivate }]) => asAdmin(deactivate(one())))
      const answers = await Promise.all([...edits, ...closing])
      expect(answers.slice(edits.length).map(isDone)).toEqual(closing.map(() => true))
      expect(answers.filter(isFine)).toHaveLength(answers.length)
      const { body } = await v1(idOfOne())
      expect(body.status).toBe('inactive')
      if (answers.slice(0, edits.length).some(isDone)) expect(body.email).toBe(scene.known.newcomer.email)
      expect((await call('/v1/me', { token: scene.one.access_token })).status).toBe(401)
    }
    await wholeDirectory()
  })

  it('refuses sign-ins that were in progress at that time', async () => {
    await learn(...signIns)
    for (let round = 0; round < 5; round += 1) {
      scene = await newScene()
      const opening = [...signIns, ...signIns, ...signIns].map(async (operation) =>
        send(operation, await drawn(operation)),
      )
      const closing = contracts.map(([, { deactivate }]) => asAdmin(deactivate(one())))
      const answers = await Promise.all([...opening, ...closing])
      expect(answers.slice(opening.length).map(isDone)).toEqual(closing.map(() => true))
      const tokens = answers.slice(0, opening.length).flatMap((answer, index) => {
        if (!answer.done) return []
        const [, { session }] = signInContracts[index % signInContracts.length] as (typeof signInContracts)[number]
        return session.credential(answer).token ?? []
      })
      const all = [...tokens, scene.one.access_token]
      const everyStatus = () => Promise.all(all.map(async (token) => (await call('/v1/me', { token })).status))
      expect(await everyStatus()).toEqual(all.map(() => 401))
      // Nor after the account is active again.
      await call(`/v1/users/${idOfOne()}/activate`, { token: scene.admin.access_token, method: 'POST' })
      expect(await everyStatus()).toEqual(all.map(() => 401))
    }
    await wholeDirectory()
  })

  it('permanently leaves no data behind, whatever requests for it are in progress', async () => {
    const deletions = contracts.flatMap(([, contract]) => contract.delete ?? [])
    await learn(...changes, ...signIns)
    for (let round = 0; round < 5; round += 1) {
      scene = await newScene()
      const drawing = (all: Operation[]) => all.map(async (operation) => send(operation, await drawn(operation)))
      const deleting = () => deletions.map((remove) => asAdmin(remove(one())))
      const first = drawing([...changes, ...signIns])
      const answers = await Promise.all([...first, ...deleting(), ...drawing([...changes, ...signIns])])
      expect(answers.filter(isFine)).toHaveLength(answers.length)
      expect((await v1(idOfOne())).status).toBe(404)
      await wholeDirectory()
    }
  })
})

describe('a user who is deleted between the decision and the commit', () => {
  /** A D1 on which all users of the scene except the admin are deleted just before the second batch. */
  function overtaken() {
    let batches = 0
    return {
      prepare: (sql: string) => testEnv.DB.prepare(sql),
      batch: async (statements: D1PreparedStatement[]) => {
        batches += 1
        const token = scene.admin.access_token
        const deleted = batches === 2 ? [scene.known.ids[0], scene.known.ids[4]] : []
        for (const id of deleted) await call(`/v1/users/${id}`, { token, method: 'DELETE' })
        return testEnv.DB.batch(statements)
      },
    }
  }

  const onAUser = operations.filter(
    (operation) =>
      operation.method !== 'GET' &&
      operation.security?.length !== 0 &&
      (operation.path.includes('{') || isOneOf(changes)(operation)),
  )

  it.each(onAUser.map((operation) => [operation.operationId, operation] as const))(
    'causes no server error, and is not restored, by %s',
    async (_, operation) => {
      await learn(operation)
      const keyed = operation.parameters?.some(({ name }) => name === 'idempotency-key')
      for (const headers of [{}, ...(keyed ? [{ 'idempotency-key': 'k' }] : [])]) {
        // Active users are activated too, which changes nothing.
        for (const alike of [false, true]) {
          scene = await newScene()
          const { ids } = scene.known
          const known = { ...scene.known, ids: alike ? [...ids.slice(0, 4), ...ids.slice(0, 3), ...ids.slice(7)] : ids }
          const answer = await send(operation, await drawn(operation, known), { headers, DB: overtaken() })
          expect(answer.status).toBeLessThan(500)
          await wholeDirectory()
        }
      }
    },
  )
})

describe('the user totals', () => {
  it('are exact after concurrent creations, deletions, deactivations, activations and role changes', async () => {
    await learn(...creations)
    const token = scene.admin.access_token
    const on = (id: string, method: string, path: string, json?: object) =>
      call(`/v1/users/${id}${path}`, { token, method, ...(json && { json }) })
    const ids: string[] = []
    for (let index = 0; index < 8; index += 1) {
      const operation = creations[index % creations.length] as Operation
      const answer = await send(operation, await drawn(operation, withNewcomer(`counted${index}`, 8_000 + index)))
      expect(isDone(answer)).toBe(true)
    }
    const listed = await call('/v1/users?limit=100&search=counted', { token })
    for (const { id } of listed.body.data) ids.push(id)
    expect(ids).toHaveLength(8)
    const answers = await Promise.all([
      ...creations.flatMap((operation) =>
        [0, 1, 2, 3].map(async (index) =>
          send(operation, await drawn(operation, withNewcomer(`${contractOf(operation)}${index}`, 8_100 + index))),
        ),
      ),
      ...ids.flatMap((id, index) => [
        on(id, 'POST', '/deactivate'),
        on(id, 'PUT', '/roles', { roles: ['door', 'user'] }),
        on(id, 'POST', '/activate'),
        on(id, 'PUT', '/roles', { roles: ['admin', 'door'] }),
        on(id, 'PATCH', '', { role: 'user' }),
        ...(index % 2 ? [on(id, 'DELETE', ''), on(id, 'DELETE', '')] : []),
      ]),
    ])
    expect(answers.filter(isFine)).toHaveLength(answers.length)
    await wholeDirectory()
    const [{ count }] = (await rows<{ count: number }>('SELECT count(*) AS count FROM users')) as [{ count: number }]
    expect((await call('/v1/users?limit=1', { token })).body.pagination.total).toBe(count)
    for (const role of ['admin', 'user', 'door']) {
      const held = await rows(
        'SELECT 1 FROM user_roles JOIN roles ON roles.number = role_number WHERE roles.name = ?',
        role,
      )
      expect((await call(`/v1/users?limit=1&role=${role}`, { token })).body.pagination.total).toBe(held.length)
    }
  })
})

describe('paging through a list', () => {
  const list = operations.find(({ operationId }) => operationId === 'v1ListUsers') as Operation
  const published = list.parameters?.find(({ name }) => name === 'sort')?.schema ?? {}
  const sorts = (resolved(document, published).enum ?? []) as string[]

  it.each(sorts.map((sort) => [sort]))(
    'by %s returns every remaining user once, while others are created and deleted',
    async (sort) => {
      const token = scene.admin.access_token
      const create = async (word: string) => {
        const { name, email, password } = personNamed(word, 0)
        return (await call('/v1/users', { token, json: { name, email, password } })).body.id as string
      }
      const letters = [...'mtbxgqdkzh']
      const [staying, going] = [new Set<string>(), [] as string[]]
      for (const letter of letters) {
        staying.add(await create(`${letter}.stays`))
        going.push(await create(`${letter}.goes`))
      }
      const met: string[] = []
      let cursor: string | null = null
      do {
        const query: string = cursor === null ? '' : `&cursor=${cursor}`
        const came = create(`${letters[met.length % letters.length]}.came${met.length}`)
        const left = going.pop()
        const went = left === undefined ? undefined : call(`/v1/users/${left}`, { token, method: 'DELETE' })
        const { status, body } = await call(`/v1/users?limit=3&sort=${sort}${query}`, { token })
        expect(status).toBe(200)
        for (const { id } of body.data) met.push(id)
        cursor = body.pagination.next_cursor
        await Promise.all([came, went])
        // With an order by time, new users would keep the loop running as long as they are created.
        if (met.length > 200) throw new Error('the walk does not end')
      } while (cursor !== null && met.length < 60)
      expect(met.filter((id) => staying.has(id)).sort()).toEqual([...staying].sort())
      expect(new Set(met).size).toBe(met.length)
      await wholeDirectory()
    },
  )
})
