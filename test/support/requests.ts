/** A successful request for every operation of the document, sent by a caller who is allowed to make it. */
import { contracts, type Ask, type ContractDescription } from '../contracts'
import type { Subject } from '../contracts/description'
import { operationFor, operationsOf } from './conformance'
import { adminRole, nobody, plainRole, type Role, type Someone } from './people'
import { call, methodOf, openApi, rows } from './usher'

let made = 0
const next = () => (made += 1)

/** Creates a role that no user holds. */
async function newRole({ admin }: Subject): Promise<Role> {
  const json = { name: `role ${next()}`, permissions: [] }
  const { status, body, text } = await call<Role>('/v1/roles', { token: admin, json })
  if (status !== 201) throw new Error(`role not created: ${status} ${text}`)
  return body
}

type Make = (subject: Subject) => Ask | Promise<Ask>

/** The requests of a description's own functions. Each has an example that shows its operation. */
function requestsOf(contract: ContractDescription): [example: Ask, make: Make][] {
  const { activate, delete: remove, session } = contract
  const about = (ask: (user: Subject['one']) => Ask): [Ask, Make] => [
    ask({ ...nobody, refresh_token: '' }),
    ({ one: user }) => ask(user),
  ]
  const afterDeactivation =
    (ask: (user: Someone) => Ask): Make =>
    async ({ admin, one: user, untouched }) => {
      const { path, ...deactivation } = contract.deactivate(user)
      if (!untouched) await call(path, { ...deactivation, token: admin })
      return ask(user)
    }
  /** Every contract with roles has a word for `admin`, the only role for which this holds besides the default one. */
  const examples = [plainRole, adminRole]
  return [
    about(contract.list),
    about(contract.read),
    about(() => contract.create(`requested${next()}@example.org`)),
    ...Object.values(contract.edits).map((edit) => about((user) => edit(user))),
    ...contract.setRole.flatMap((set): [Ask, Make][] => {
      const example = examples.flatMap((role) => set(nobody, role) ?? [])[0]
      return example ? [[example, async (subject) => set(subject.one, await newRole(subject)) ?? example]] : []
    }),
    about(contract.deactivate),
    ...(activate ? [[activate(nobody), afterDeactivation(activate)] satisfies [Ask, Make]] : []),
    ...(remove ? [about(remove)] : []),
    ...(session
      ? [about(({ email, password }) => session.signIn(email, password)), about(() => session.signOut())]
      : []),
    ...(session?.refresh ? [about(({ refresh_token }) => session.refresh!.ask(refresh_token))] : []),
  ]
}

const document = await openApi()
const makes = new Map<string, Make>()
for (const [, contract] of contracts) {
  for (const [operationId, { request }] of Object.entries(contract.operations)) {
    if (request) makes.set(operationId, (subject) => request({ ...subject, call, rows, next }))
  }
  for (const [example, make] of requestsOf(contract)) {
    const { operationId = example.path } = operationFor(document, methodOf(example), example.path) ?? {}
    if (!makes.has(operationId)) makes.set(operationId, make)
  }
}

/**
 * Every operation of the document with its description. An operation without one fails every suite that imports this.
 */
export const operations = operationsOf(document).map((operation) => {
  const { operationId, path } = operation
  const [name, contract] = contracts.find(([each]) => path.startsWith(`/${each}/`)) ?? ['', undefined]
  const description = contract?.operations[operationId]
  const where = `test/contracts/${name}/description.ts`
  if (!description) throw new Error(`${operationId} is not described: add it to \`operations\` in ${where}.`)
  const make = makes.get(operationId)
  if (!make) throw new Error(`${operationId} has no request: give its entry in ${where} a \`request\`.`)
  return { ...operation, ...description, request: make }
})
