/**
 * Builds candidate requests for any operation from the document, to be tried until the operation accepts one. A
 * contract is covered as soon as it is documented. A field with a new name needs values in `wire.words` of the
 * contract's description, unless its schema says enough.
 */
import { contractAt, outcomeAt } from '../contracts'
import { schemaOf, type OpenApi, type Operation, type Schema } from './conformance'

/** A person with every field that a contract may ask for. */
export interface Person {
  email: string
  username: string
  matricule: number
  name: string
  givenName: string
  familyName: string
  password: string
}

/** The things in the directory that a request can name. */
export interface Known {
  one: Person
  /** Every id in the directory, in every spelling. The ids of `user` come first. */
  ids: readonly (string | number)[]
  /** A person who is not in the directory yet. */
  newcomer: Person
  /** The current password of the caller. */
  ownPassword: string
  role: { id: string; number: number; name: string }
  sessionId: string
  refreshToken: string
  passwordToken: string
}

export interface Asked {
  method: string
  path: string
  json?: Record<string, unknown>
  form?: Record<string, string>
  /** JSON lines. */
  body?: string
  headers?: Record<string, string>
}

type Words = (known: Known, signingIn: boolean) => readonly unknown[]

/**
 * Values for a parameter or a field, by its name. The first pattern that matches is used. If none matches, the schema
 * decides.
 */
const vocabulary: [name: RegExp, words: Words][] = [
  [/^(id|uid|user_id)$/, ({ ids }) => ids],
  [/^session_id$/, ({ sessionId }) => [sessionId]],
  [/^(email|identifier)$/, ({ one: user, newcomer }, signingIn) => [signingIn ? user.email : newcomer.email]],
  [/^username$/, ({ one: user, newcomer }, signingIn) => [signingIn ? user.email : newcomer.username]],
  [/^current_password$/, ({ ownPassword }) => [ownPassword]],
  [/^new_password$/, ({ newcomer }) => [newcomer.password]],
  [
    /^password(_confirmation)?$/,
    ({ one: user, newcomer }, signingIn) => [signingIn ? user.password : newcomer.password],
  ],
  [/^numeric_password$/, () => ['4821']],
  [/^refresh_token$/, ({ refreshToken }) => [refreshToken]],
  [/^token$/, ({ passwordToken }) => [passwordToken]],
  [/^matricule$/, ({ newcomer }) => [newcomer.matricule]],
  [/^(name|nom)$/, ({ newcomer }) => [newcomer.name]],
  [/^first_name$/, ({ newcomer }) => [newcomer.givenName]],
  [/^last_name$/, ({ newcomer }) => [newcomer.familyName]],
  [/^(birth_date|birthday)$/, () => ['1980-07-08']],
  [/^certified_email$/, () => ['certified@example.org']],
  [/^role$/, ({ role }) => [role.name]],
  [/^roles$/, ({ role }) => [[role.name]]],
  [/^role_id$/, ({ role }) => [role.id, role.number]],
  [/^role_ids$/, ({ role }) => [[role.id]]],
  [/^query_string$/, () => ['example']],
  [/^url$/, () => ['http://127.0.0.1:9/hook']],
  [/^events$/, () => [['user.created']]],
  [/^(upstream|password_from)$/, () => ['quiet-hook']],
  [/^expires_at$/, () => ['2099-01-31T12:00:00Z']],
]

/** The operation that a field or a parameter belongs to. */
export interface Place {
  path: string
  signingIn: boolean
}

/** Values for a field or a parameter of the operation at `path`, the most likely first. */
export function valuesFor(name: string, schema: Schema, known: Known, { signingIn, path }: Place): readonly unknown[] {
  const own = contractAt(path).wire.words?.[name]
  if (own) return own(known, signingIn)
  const words =
    /^(id|uid)$/.test(name) && schema.format === 'uuid' ? undefined : vocabulary.find(([user]) => user.test(name))
  return words ? words[1](known, signingIn) : [valueOf(schema)]
}

function valueOf(schema: Schema): unknown {
  if (schema.enum) return schema.enum.find((user) => user !== null && user !== '')
  const types = [schema.type].flat()
  if (types.includes('boolean')) return true
  if (types.includes('integer')) return Math.max(schema.minimum ?? 0, 33)
  if (types.includes('array')) return []
  if (schema.format === 'uuid') return '019b1c6e-7a40-7d52-9a51-3f1d0c2b4e77'
  return 'some text'
}

/** The schema behind a reference. Of several alternatives, the first that is not null. */
export function resolved(document: OpenApi, schema: Schema): Schema {
  const name = schema.$ref?.split('/').at(-1)
  if (name !== undefined) return resolved(document, document.components.schemas[name] as Schema)
  const choices: Schema[] = schema.allOf ?? schema.anyOf ?? schema.oneOf ?? []
  const choice = choices.find(({ type }) => type !== 'null')
  return choice ? resolved(document, choice) : schema
}

/**
 * The candidate requests, the most likely first. A position in the list always means the same kind of request, whatever
 * is `known`.
 */
export function requestsFor(document: OpenApi, operation: Operation, known: Known): Asked[] {
  const { method } = operation
  const place = { path: operation.path, signingIn: operation.security?.length === 0 }
  const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
  const needed = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query' && parameter.required)
  let paths = [operation.path]
  for (const { name, schema } of inPath) {
    const values = valuesFor(name, schema, known, place)
    paths = paths.flatMap((path) => values.map((value) => path.replace(`{${name}}`, encodeURIComponent(String(value)))))
  }
  const valuesOf = (name: string, schema: Schema) => valuesFor(name, resolved(document, schema), known, place)
  const query = needed.map(({ name, schema }) => [name, String(valuesOf(name, schema)[0])])
  const search = query.length > 0 ? `?${new URLSearchParams(query as [string, string][])}` : ''
  const bodies = bodiesFor(document, operation, known, place)
  return paths.flatMap((path) => bodies.map((body) => ({ method, path: path + search, ...body })))
}

export const ndjson = 'application/x-ndjson'

/** First the required fields alone, then those with one other field, then all fields. */
function bodiesFor(document: OpenApi, operation: Operation, known: Known, place: Place) {
  const content = operation.requestBody?.content
  if (!content) return [{}]
  const [contentType, media] = Object.entries(content).find(([type]) => type === 'application/json') ??
    Object.entries(content)[0] ?? ['', undefined]
  const schema = resolved(document, media ? schemaOf(media) : {})
  const fields = Object.entries(schema.properties ?? {})
  const required = fields.filter(([name]) => schema.required?.includes(name))
  const others = fields.filter(([name]) => !schema.required?.includes(name))
  const choices = [required, ...others.map((field) => [...required, field]), fields]
  return choices.flatMap((chosen) => {
    const values = chosen.map(
      ([name, user]) => [name, valuesFor(name, resolved(document, user as Schema), known, place)] as const,
    )
    const most = Math.max(1, ...values.map(([, list]) => list.length))
    return Array.from({ length: most }, (_, index) => {
      const body = Object.fromEntries(values.map(([name, list]) => [name, list[Math.min(index, list.length - 1)]]))
      if (contentType === 'application/json') return { json: body }
      if (contentType === ndjson) return { body: JSON.stringify(body), headers: { 'content-type': ndjson } }
      return { form: Object.fromEntries(Object.entries(body).map(([name, value]) => [name, String(value)])) }
    })
  })
}

/** The field of this name in the operation's body, if there is one. */
export function fieldOf(document: OpenApi, { requestBody }: Operation, name: string): Schema | undefined {
  const [media] = Object.values(requestBody?.content ?? {})
  return resolved(document, media ? schemaOf(media) : {}).properties?.[name] as Schema | undefined
}

/** The request with these fields added to its body. They replace fields of the same name. */
export function withFields(asked: Asked, fields: Record<string, unknown>): Asked {
  if (!asked.form) return { ...asked, json: { ...asked.json, ...fields } }
  const texts = Object.entries(fields).map(([name, value]) => [name, String(value)])
  return { ...asked, form: { ...asked.form, ...Object.fromEntries(texts) } }
}

/**
 * The position, in the list of `requestsFor`, of a request that has an effect. `send` makes the request and returns its
 * outcome and the rows that it wrote.
 */
export async function placeOf(
  document: OpenApi,
  operation: Operation,
  known: Known,
  send: (asked: Asked, place: number) => Promise<{ status: number; body: any; written: number }>,
): Promise<number> {
  const { access } = contractAt(operation.path).operations[operation.operationId] ?? {}
  const writes = access?.writes ?? operation.method !== 'GET'
  for (const [place, asked] of requestsFor(document, operation, known).entries()) {
    const answer = await send(asked, place)
    if (isDone(operation, answer) && (!writes || answer.written > 0)) return place
  }
  throw new Error(
    `${operation.operationId}: nothing drawn is accepted. Name values for its fields in wire.words of the contract's description, or in test/support/drawn-requests.ts.`,
  )
}

/** Whether the response says, by the rules of the contract, that the request succeeded. */
export function isDone({ path }: Pick<Operation, 'path'>, answer: { status: number; body: any }): boolean {
  return outcomeAt(path, answer) === 'done'
}
