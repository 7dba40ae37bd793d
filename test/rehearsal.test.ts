/** Rehearsals of the recordings of test/recordings: the product replayed against itself, and with defects planted. */
import { describe, expect, it } from 'vitest'
import type { ReceivedResponse } from '../scripts/rehearse/messages'
import type { Outcome } from '../scripts/rehearse/replay'
import { newReplay, outcomesOf, recordings, sendToWorker } from './support/recordings'
import { freshDirectory } from './support/usher'

freshDirectory()

const inShort = ({ index, operation, verdict, reason, differences, listed }: Outcome) => [
  ...[index, operation, verdict, reason],
  ...differences.map(({ kind, place, expected, received }) => [kind, place, expected, received]),
  ...listed.map(({ difference: { kind, place }, reasons }) => [kind, place, ...reasons]),
]

describe.each([...recordings.keys()].map((name) => [name]))('a recording of %s', (contract) => {
  it('shows no difference when it is replayed against another directory', async () => {
    const entries = recordings.get(contract) ?? []
    const outcomes = await outcomesOf(await newReplay(contract), entries)
    const others = outcomes.filter(({ verdict }) => verdict !== 'same' && verdict !== 'other')
    expect(others.map(inShort)).toEqual([])
    expect(outcomes.filter(({ verdict }) => verdict === 'same').length).toBeGreaterThan(20)
  })
})

/** What is broken: in the responses of an operation, a member of the JSON at this place. */
interface Defect {
  operation: string
  place: string
  plant: (response: ReceivedResponse) => void
}

const inJson = (response: ReceivedResponse, change: (json: any) => void) => {
  const json = JSON.parse(response.body) as unknown
  change(json)
  response.body = JSON.stringify(json)
}
const status = (response: ReceivedResponse) => void (response.status = 202)
const withoutHeader = (name: string) => (response: ReceivedResponse) =>
  void (response.headers = response.headers.filter(([one]) => one !== name))

/** One of each kind for every contract. Lists of clinic have no order; the lines of a failure have. */
const defects: Record<string, Record<string, Defect>> = {
  personnel: {
    status: { operation: 'personnelGetUser', place: 'status', plant: status },
    'missing key': user('personnelGetUser', '$.role_name', (json) => delete json.role_name),
    type: user('personnelGetUser', '$.matricule', (json) => (json.matricule = String(json.matricule))),
    value: user('personnelUpdateUser', '$.nom', (json) => (json.nom = 'Somebody')),
    order: user('personnelListUsers', '$[*]', (json) => json.reverse()),
    header: { operation: 'personnelListUsers', place: 'www-authenticate', plant: withoutHeader('www-authenticate') },
  },
  v1: {
    status: { operation: 'v1GetUser', place: 'status', plant: status },
    'missing key': user('v1GetUser', '$.birth_date', (json) => delete json.birth_date),
    type: user('v1CreateUser', '$.is_staff', (json) => (json.is_staff = 'no')),
    value: user('v1PatchUser', '$.phone', (json) => (json.phone = '+33')),
    order: user('v1ListUsers', '$.data[*]', (json) => json.data.reverse()),
    header: { operation: 'v1CreateUser', place: 'location', plant: withoutHeader('location') },
  },
  rbac: {
    status: { operation: 'rbacGetUser', place: 'status', plant: status },
    'missing key': user('rbacGetUser', '$.last_name', (json) => delete json.last_name),
    type: user('rbacGetUser', '$.is_active', (json) => (json.is_active = 'true')),
    value: user('rbacListUsers', '$.pagination.total', (json) => (json.pagination.total += 1)),
    order: user('rbacCreateUser', '$.roles[*]', (json) => json.roles.reverse()),
    header: { operation: 'rbacListUsers', place: 'content-type', plant: withoutHeader('content-type') },
  },
  clinic: {
    status: { operation: 'clinicGetUser', place: 'status', plant: status },
    'missing key': user('clinicSearchUsers', '$.data[*].gender', (json) =>
      json.data.forEach((one: any) => delete one.gender),
    ),
    type: user('clinicGetUser', '$.data.is_admin', (json) => (json.data.is_admin = 'false')),
    value: user('clinicGetUser', '$.data.user_type.key', (json) => (json.data.user_type.key = 'AD')),
    order: user('clinicCreateUser', '$.errors', (json) => (json.errors = json.errors.split('\n').reverse().join('\n'))),
    header: { operation: 'GET /users/user/new/', place: 'content-type', plant: withoutHeader('content-type') },
  },
  backoffice: {
    status: { operation: 'backofficeGetUser', place: 'status', plant: status },
    'missing key': user('backofficeListUsers', '$.data[*].country_id', (json) => delete json.data[0].country_id),
    type: user('backofficeGetUser', '$.data.role_id', (json) => (json.data.role_id = String(json.data.role_id))),
    value: user('backofficeUpdateUser', '$.data.last_name', (json) => (json.data.last_name = 'Tavares')),
    order: user('backofficeListUsers', '$.data[*]', (json) => json.data.reverse()),
    header: { operation: 'backofficeListUsers', place: 'content-type', plant: withoutHeader('content-type') },
  },
  scim: {
    status: { operation: 'scimGetUser', place: 'status', plant: status },
    'missing key': user('scimCreateUser', '$.displayName', (json) => delete json.displayName),
    type: user('scimPatchUser', '$.active', (json) => (json.active = String(json.active))),
    value: user('scimGetGroup', '$.displayName', (json) => (json.displayName = 'Cardiologists')),
    address: user('scimGetUser', '$.meta.location', (json) => (json.meta.location += '/')),
    order: user('scimListUsers', '$.Resources[*]', (json) => json.Resources.reverse()),
    header: { operation: 'scimCreateUser', place: 'location', plant: withoutHeader('location') },
  },
}

function user(operation: string, place: string, change: (json: any) => unknown): Defect {
  const plant = (response: ReceivedResponse) => {
    try {
      inJson(response, change)
    } catch {
      // A response of the operation that has no such member, such as a failure.
    }
  }
  return { operation, place, plant }
}

describe.each([...recordings.keys()].map((name) => [name]))('a rehearsal of %s', (contract) => {
  it.each(Object.entries(defects[contract] ?? {}))('finds a defect of the kind "%s"', async (_, defect) => {
    const entries = recordings.get(contract) ?? []
    const replay = await newReplay(contract, {
      send: async (request) => {
        const response = await sendToWorker(request)
        const match = replay.operationAt(request.method, request.path)
        if (match === defect.operation) defect.plant(response)
        return response
      },
    })
    const outcomes = await outcomesOf(replay, entries)
    const found = outcomes.filter(({ verdict }) => verdict === 'difference')
    expect(found.map(({ operation }) => operation)).toContain(defect.operation)
    expect(found.flatMap(({ differences }) => differences.map(({ place }) => place))).toContain(defect.place)
  })
})
