/** The suites' one list of contracts: each contract of the registry with its description. */
import { contracts as registry } from '../../src/contracts'
import { backoffice } from './backoffice/description'
import { clinic } from './clinic/description'
import { missingParts, type Ask, type ContractDescription, type Edit, type SignIn } from './description'
import { personnel } from './personnel/description'
import { rbac } from './rbac/description'
import { scim } from './scim/description'
import { v1 } from './v1/description'
import { adminRole, nobody, plainRole, type Role, type Someone } from '../support/people'

export type { Ask, ContractDescription, Edit, Fields, Outcome, SignIn } from './description'

const descriptions: Record<string, Partial<ContractDescription>> = { personnel, v1, rbac, clinic, backoffice, scim }

/** Throws if the description is missing or incomplete. The error names what to add, and where. */
function descriptionOf(name: string): ContractDescription {
  const description = descriptions[name]
  const file = `test/contracts/${name}/description.ts`
  if (!description) {
    throw new Error(
      `The contract ${name} has no description: add one in ${file}, and to the list in test/contracts/index.ts.`,
    )
  }
  const missing = missingParts(description)
  if (missing.length > 0)
    throw new Error(`The description of ${name} is incomplete. Add to ${file}:\n${missing.join('\n')}`)
  return description as ContractDescription
}

export type Described = [name: string, description: ContractDescription]

/** Every contract of the registry. One without a description fails every suite that imports this. */
export const contracts: Described[] = registry.map(({ name }) => [name, descriptionOf(name)])

export type SigningIn = ContractDescription & { session: SignIn }

/** The contracts whose clients sign in through the contract itself. */
export const signInContracts = contracts.flatMap(([name, { session, ...rest }]) =>
  session ? [[name, { ...rest, session }] satisfies [string, SigningIn]] : [],
)

/** The contracts whose clients refresh their access tokens through the contract itself. */
export const refreshContracts = signInContracts.flatMap(([name, contract]) => {
  const { refresh } = contract.session
  return refresh ? [[name, { ...contract, refresh }] as const] : []
})

/** The contract that a path belongs to. */
export function contractAt(path: string): ContractDescription {
  return descriptionOf(path.split('/')[1] ?? '')
}

/** The outcome of a request for `path`. */
export const outcomeAt = (path: string, answer: Parameters<ContractDescription['outcome']>[0]) =>
  contractAt(path).outcome(answer)

/** The edits that name a user, without those of the caller's own account. */
export function editsOfAnyone({ edits }: ContractDescription): [operationId: string, edit: Edit][] {
  const other: Someone = { ...nobody, uuid: adminRole.id, number: 1 }
  return Object.entries(edits).filter(([, edit]) => JSON.stringify(edit(nobody)) !== JSON.stringify(edit(other)))
}

/** The edits that set the password of a user, with their contract. */
export const passwordEdits = contracts.flatMap(([, contract]) => {
  const { password } = contract.wire
  return password
    ? editsOfAnyone(contract).map(
        ([id, edit]) => [id, contract, (user: Someone, text: string): Ask => edit(user, password(text))] as const,
      )
    : []
})

/** Every way to assign `role` to the user. */
export function waysToGive({ setRole }: ContractDescription, user: Someone, role: Role): Ask[] {
  return setRole.flatMap((set) => set(user, role) ?? [])
}

/** Every way to remove all roles but the default one. */
export function demotionsOf({ setRole }: ContractDescription): ((user: Someone) => Ask)[] {
  return setRole.flatMap((set) => (set(nobody, plainRole) ? [(user: Someone) => set(user, plainRole) as Ask] : []))
}
