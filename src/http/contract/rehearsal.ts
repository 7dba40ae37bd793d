/**
 * What a contract declares for `npm run rehearse`, which replays a recording of the original API and compares the responses. The Worker
 * serves none of it.
 */

/** A response as it is compared. Header names are in lower case; `json` is undefined for any other content. */
export interface Answer {
  status: number
  headers: Readonly<Record<string, string>>
  /** The `Set-Cookie` headers, one string each. */
  cookies: readonly string[]
  json: unknown
}

export type DifferenceKind =
  | 'status'
  | 'header'
  | 'missing key'
  | 'extra key'
  | 'type'
  | 'value'
  /** An identifier is written in another way, such as 40 hex digits in place of 32. */
  | 'form'
  | 'missing item'
  | 'extra item'
  | 'order'
  | 'body'

export interface Difference {
  kind: DifferenceKind
  /** A JSON path, with `[*]` for every index; the name of a header; or `status`. */
  place: string
  recorded: unknown
  /** `recorded` with Usher's identifiers in place of the recorded ones. */
  expected: unknown
  received: unknown
  /** The record that the difference is in, by its recorded identifier and Usher's, and the field of it. */
  record?: { recorded: string | undefined; received: string | undefined; field: string }
}

export interface Exchange {
  /** An operationId; undefined for a path of the contract with a method that it does not serve. */
  operation: string | undefined
  request: {
    method: string
    /** Without the base path and the query. */
    path: string
    query: Readonly<Record<string, string>>
    contentType: string
    /** The fields of the body, be it JSON or a form. */
    fields: Readonly<Record<string, unknown>>
  }
  recorded: Answer
  received: Answer
  /** Whether the original had deactivated the caller by then. */
  callerIsInactive: boolean
}

/** A deliberate difference from the original. The README of the contract has a table of them, which a test holds to these. */
export interface Deviation {
  /** In kebab-case. It stands in reports, so it never changes. */
  id: string
  title: string
  reason: string
  /** OperationIds; all operations unless given. */
  operations?: readonly string[]
  /** Whether it explains this difference. Absent for a deviation that a comparison of responses cannot show. */
  explains?: (difference: Difference, exchange: Exchange) => boolean
}

/** How the responses of a contract are compared, and how a client signs in. */
export interface Rehearsal {
  signIn: {
    /** Undefined for a contract without a sign-in: its clients get their credentials elsewhere. */
    operation: string | undefined
    /** Where to sign in for such a contract, from Usher's origin. */
    path?: string
    /** The fields of the request. */
    identifier: string
    password: string
    encoding: 'form' | 'json'
    /** Where the response has the credential: a member of the JSON, or one of these cookies. */
    token?: string
    cookies?: readonly string[]
  }
  /** Operations that renew or end a session; they are replayed without `--writes` too. */
  sessionOperations: readonly string[]
  /** Operations that change nothing, although they are no GET; they are replayed without `--writes` too. */
  readOperations?: readonly string[]
  /** Operations that create a user. */
  creates: readonly string[]
  /** Fields that hold an identifier, and of what: `role_id`, or `roles.id` for an `id` inside `roles`. */
  identifiers: Readonly<Record<string, string>>
  /** Fields whose value differs from run to run. Their type is compared. */
  volatile: readonly string[]
  /** Fields that hold a credential or a cursor. Their type is compared, and a later request sends Usher's value. */
  tokens: readonly string[]
  /** Fields that hold the address of a resource. They are compared by path. */
  addresses?: readonly string[]
  /** Fields that name one user in every directory. */
  naturalKeys: readonly string[]
  /** Whether lists come in an order that clients can rely on. */
  listsAreOrdered: boolean
  /** Whether a list is one page of many, so that one record more or less moves others to another page. */
  listsArePaged: boolean
  /** Places that follow from the number of records in a list. */
  counts: readonly string[]
  succeeded: (answer: Answer) => boolean
  isInactive: (record: Readonly<Record<string, unknown>>) => boolean
}
