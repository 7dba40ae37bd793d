/**
 * What a contract declares for `npm run rehearse`, which replays a recording of the original API and compares the responses. The Worker
 * serves none of it.
 */

/** A response to compare. Header names are in lower case. `json` is undefined for any other content type. */
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
  /** An identifier has another format, such as 40 hex digits instead of 32. */
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
  /** `recorded`, with Usher's identifiers instead of the recorded ones. */
  expected: unknown
  received: unknown
  /** The record of the difference, by its recorded identifier and by Usher’s, and the field. */
  record?: { recorded: string | undefined; received: string | undefined; field: string }
}

export interface Exchange {
  /** An operationId; undefined for a path of the contract with a method that it does not serve. */
  operation: string | undefined
  request: {
    method: string
    /** The path without the base path and the query. */
    path: string
    query: Readonly<Record<string, string>>
    contentType: string
    /** The fields of a JSON or form body. */
    fields: Readonly<Record<string, unknown>>
  }
  recorded: Answer
  received: Answer
  /** Whether the original had deactivated the caller before. */
  callerIsInactive: boolean
}

/**
 * A deliberate difference from the original. The README of the contract has the same table, and a test compares both.
 */
export interface Deviation {
  /** In kebab-case. The id appears in reports, so it never changes. */
  id: string
  title: string
  reason: string
  /** OperationIds; all operations by default. */
  operations?: readonly string[]
  /** Whether the deviation explains this difference. Absent if a comparison of responses cannot show the deviation. */
  explains?: (difference: Difference, exchange: Exchange) => boolean
}

/** How the responses of a contract are compared, and how a client signs in. */
export interface Rehearsal {
  signIn: {
    /** Undefined for a contract without a sign-in. Its clients get credentials elsewhere. */
    operation: string | undefined
    /** The sign-in for such a contract, as a path on Usher’s origin. */
    path?: string
    /** The fields of the request. */
    identifier: string
    password: string
    encoding: 'form' | 'json'
    /** The place of the credential in the response: a member of the JSON, or one of these cookies. */
    token?: string
    cookies?: readonly string[]
  }
  /** Operations that renew or end a session. They are replayed even without `--writes`. */
  sessionOperations: readonly string[]
  /** Operations that change nothing, although their method is not GET. They are replayed even without `--writes`. */
  readOperations?: readonly string[]
  /** Operations that create a user. */
  creates: readonly string[]
  /** Fields that hold an identifier, with the kind of record: `role_id`, or `roles.id` for an `id` inside `roles`. */
  identifiers: Readonly<Record<string, string>>
  /** Fields whose value differs in each run. Only their type is compared. */
  volatile: readonly string[]
  /** Fields that hold a credential or a cursor. Only their type is compared, and later requests send Usher’s value. */
  tokens: readonly string[]
  /** Fields that hold the URL of a resource. They are compared by path. */
  addresses?: readonly string[]
  /** Fields that identify a user in every directory. */
  naturalKeys: readonly string[]
  /** Whether lists have an order on which clients can rely. */
  listsAreOrdered: boolean
  /** Whether lists are pages, so that one more or one fewer record moves other records to another page. */
  listsArePaged: boolean
  /** Places whose values depend on the number of records in a list. */
  counts: readonly string[]
  succeeded: (answer: Answer) => boolean
  isInactive: (record: Readonly<Record<string, unknown>>) => boolean
}
