/**
 * The description of a contract for the shared suites: its requests, the field names of its wire format, and its
 * responses.
 */
import type { Permission } from '../../src/core/access/permissions'
import type { Known } from '../support/drawn-requests'
import type { Person, Role, Someone } from '../support/people'
import type { Answer, Call } from '../support/usher'

export type Ask = Call & { path: string }

/** The outcome of a request, in whatever way the contract expresses it. */
export type Outcome = 'done' | 'unauthenticated' | 'forbidden' | 'refused' | 'too_large' | 'limited' | 'unavailable'

/** Fields in the contract's own names. */
export type Fields = Record<string, unknown>

/** Without `fields`, changes the name. `record` is what `read` shows of the user, for a contract whose edits replace the whole record. */
export type Edit = (user: Someone, fields?: Fields, record?: Fields) => Ask

/** How clients sign in. */
export interface SignIn {
  signIn: (identifier: string, password: string) => Ask
  /** The credential that a client sends after the sign-in; `only` if no other contract accepts it. */
  credential: (answer: Answer) => Pick<Call, 'token' | 'headers'> & { only?: string }
  refresh?: { tokenOf: (answer: Answer) => string; ask: (token: string) => Ask }
  signOut: () => Ask
  /** How long a session lasts that nothing refreshes. */
  hours: number
}

export interface ContractDescription {
  outcome: (answer: Pick<Answer, 'status' | 'body'>) => Outcome
  /** Absent where clients use tokens and API keys from another contract. */
  session?: SignIn

  list: () => Ask
  read: (user: Someone) => Ask
  /** Creates a user with this email and the default role, unless `fields` say otherwise. */
  create: (email: string, fields?: Fields) => Ask
  /** Every operation that changes fields of a user, by its operationId. */
  edits: Record<string, Edit>
  /** True if an edit replaces the whole record, so that an absent field is cleared. */
  replacesRecord?: true
  /** Each way to give `role` in place of all others; undefined for a role that the contract has no word for. */
  setRole: ((user: Someone, role: Role) => Ask | undefined)[]
  /** True where users cannot change their own roles: such a field is ignored. */
  keepsOwnRoles?: true
  deactivate: (user: Someone) => Ask
  activate?: (user: Someone) => Ask
  delete?: (user: Someone) => Ask

  wire: Wire
  records: Records
  /** Every operation of the contract's document, by its operationId. */
  operations: Record<string, OperationDescription>
}

/** What the wire calls things. */
export interface Wire {
  /** Fields of a creation or an edit by their effect; absent if the contract has no such field. */
  email: (email: string) => Fields
  username?: (username: string) => Fields
  matricule?: (matricule: number) => Fields
  password?: (password: string) => Fields
  /** Undefined for a role that the contract has no word for. */
  role: (role: Role) => Fields | undefined
  /** The given and the family name, where they are fields of their own. */
  names?: (givenName: string, familyName: string) => Fields
  /** Fields that bodies accept, in any letter case, although the document does not list them. */
  undocumented?: readonly string[]
  /** The component of the document that describes the body of a creation. */
  creation: string
  /** The query parameters of lists. */
  query: {
    search?: string
    pageSize?: string
    cursor?: string
    /** The parameter that chooses a page, and its values for the first and the second page when a page holds one user. */
    page?: { name: string; first: string; second: string }
    /** Values of other parameters that lead to other SQL, where the document does not list them. */
    others?: Record<string, string[]>
  }
  /** Values of fields and path parameters, where test/support/drawn-requests.ts does not know the name; the likeliest first. */
  words?: Record<string, (known: Known, isSigningIn: boolean) => readonly unknown[]>
  statuses: {
    /** For a request about a user who does not exist. */
    missing: number
    /** For a body with a Content-Encoding. */
    encoded: number
  }
}

/** How the contract shows a person, and the effect of the fields that it accepts. */
export interface Records {
  /** The record in the responses of `read`, `create` and `edit`. */
  in: (body: any) => Fields
  /**
   * The exact record of the person. `expect.any` and similar matchers stand for values that only the contract knows.
   */
  shown: (person: Person) => object
  /** The edit that the record suites use. */
  edit: Edit
  /**
   * A creation with every field that the contract accepts, the password `recordPassword` included, and the resulting
   * person.
   */
  creation: { sent: Fields & { email?: string }; makes: Omit<Person, 'uuid' | 'number'> }
  /** Successive edits of the person that v1's `creation` creates, and the changes of each edit. */
  changes: [sent: Fields, makes: Partial<Person>][]
  /** Edits of one field that no other contract lists here; they are sent at the same time. */
  concurrent?: [sent: Fields, makes: Partial<Person>][]
  /** What a form sends for a password field that was left empty. */
  blankPassword?: Fields
}

/** Who may call an operation. */
export interface Access {
  /** No credential is needed. */
  open?: true
  needs?: Permission | readonly Permission[]
  /** `waived`: users need no permission for themselves. `only`: the operation is about the caller. */
  self?: 'waived' | 'only'
  /** `never`: API keys are refused, because a key is not a user. */
  key?: 'never'
  /**
   * Set if the method is misleading: for a GET that changes something, such as a sign-out, and for a POST that only
   * reads.
   */
  writes?: boolean
  /** Commits in its first batch. When that is forbidden, a second batch reads the reason and writes nothing. */
  readsReason?: true
  /** Needs no credential, and refuses one that is not valid. */
  checksCredential?: true
}

/** What a successful request is about. */
export interface Subject {
  admin: string
  one: Someone & { refresh_token: string }
  /** Nothing may be changed while the request is made, because the request is to be refused. */
  untouched?: boolean
}

/** Used by a request maker to prepare the subject of its request. */
export interface Tools {
  call: (path: string, options?: Call) => Promise<Answer>
  rows: (sql: string, ...params: unknown[]) => Promise<Record<string, unknown>[]>
  /** A number that is never returned twice. */
  next: () => number
}

export type MakeRequest = (about: Subject & Tools) => Ask | Promise<Ask>

/** The people and things in the directory when the statuses of an operation are provoked. The first admin is user number 1, `one` number 2. */
export interface ProvokingScene {
  admin: string
  adminId: string
  one: Someone & { id: string; refresh_token: string; access_token: string }
  role: { id: string }
  session: { id: string }
  apiKey: { id: string; key: string }
  /** The token of a user who is not an admin, but holds every permission. */
  deputy: string
  passwordToken: string
  /** Its path. */
  webhook: string
}

/** How to provoke each status that depends on the operation; absent where the document must not have the status. */
export interface Provoked {
  path?: string
  /** What a successful request sends. */
  valid?: Call
  /** A request that a plain user may not make; by default the successful one. */
  forbidden?: Partial<Ask>
  invalid?: Partial<Ask>
  notFound?: Partial<Ask>
  conflict?: Partial<Ask>
  unauthorized?: Partial<Ask>
  /** Requests for other statuses: not modified, a failed precondition, a key used again. */
  others?: Partial<Ask>[]
}

export interface OperationDescription {
  access: Access
  /** The most bytes of a body; 65,536 unless given. */
  maxBytes?: number
  /** How to make each documented answer real. */
  provoke: (scene: ProvokingScene) => Provoked
  /** A request that succeeds; absent for operations that the functions of the description call. */
  request?: MakeRequest
}

/** The outcome for contracts whose status shows it. */
export function outcomeByStatus({ status }: Pick<Answer, 'status'>): Outcome {
  if (status < 400) return 'done'
  if (status >= 500) return 'unavailable'
  const outcomes: Record<number, Outcome> = {
    401: 'unauthenticated',
    403: 'forbidden',
    413: 'too_large',
    429: 'limited',
  }
  return outcomes[status] ?? 'refused'
}

/** The credential and the refresh token where they are at the top of the body, under OAuth's names. */
export const bearerOf = (answer: Answer) => ({ token: String(answer.body.access_token) })
export const refreshTokenOf = (answer: Answer) => String(answer.body.refresh_token)

/** The email of the admin in every scene. */
export const firstAdminEmail = 'first.admin@usher.example'

type RequiredParts<Part> = { [Key in keyof Part as undefined extends Part[Key] ? never : Key]: string }

/** The parts of a description, and their purposes. */
const parts: RequiredParts<ContractDescription> = {
  outcome: 'what became of a request, from its answer',
  list: 'the request that lists users',
  read: 'the request that shows a user',
  create: 'the request that creates a user',
  edits: 'each operation that changes fields of a user',
  setRole: 'each way to give a role; an empty list where there is none',
  deactivate: 'the request that deactivates a user',
  wire: 'what fields, query parameters and components are called',
  records: 'how a person is shown, created and changed, field by field',
  operations: 'who may call each operation, and how its statuses are provoked',
}

/** The missing parts of the description, with their purposes. */
export function missingParts(description: Partial<ContractDescription>): string[] {
  return Object.entries(parts).flatMap(([part, use]) =>
    description[part as keyof typeof parts] === undefined ? [`${part}: ${use}`] : [],
  )
}
