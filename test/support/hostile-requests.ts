/**
 * Generates requests for an operation from its published schema: valid ones, ones with a single fault, and ones that
 * are wrong throughout.
 */
import fc from 'fast-check'
import type { OpenApi, Operation, Schema } from './conformance'
import { schemaOf } from './conformance'
import { contractAt } from '../contracts'
import { ndjson, resolved, valuesFor, type Asked, type Place, type Known } from './drawn-requests'
import { contentTypes, encodings, hostileHeaders, hostileJson, hostileText, shortWords } from './hostile-values'
import { personNamed, type Scene } from './scene'

const credentials = ['admin', 'someone', 'key', 'none', 'ended', 'garbage'] as const

/**
 * A request that works in any directory. Values that differ between directories are placeholders of the form `~name~`
 * until the request is sent.
 */
export interface Plan {
  credential: (typeof credentials)[number]
  authorization: string | undefined
  method: string
  url: string
  headers: [string, string][]
  body: Uint8Array | undefined
}

const dynamic = [
  'id',
  'uuid',
  'hex',
  'goneId',
  'goneUuid',
  'roleId',
  'keyId',
  'webhookId',
  'sessionId',
  'refreshToken',
  'passwordToken',
]
const [id, uuid, hex, goneId, goneUuid, roleId, keyId, webhookId, sessionId, refreshToken, passwordToken] = dynamic.map(
  (name) => `~${name}~`,
) as [string, string, string, string, string, string, string, string, string, string, string]

/** The `known` of a scene, with placeholders for values that differ between scenes. */
export const anywhere: Known = {
  one: personNamed('someone', 4711),
  ids: [id, uuid, 2, hex, goneId, goneUuid, 3, roleId, 3, keyId, webhookId],
  newcomer: personNamed('newcomer', 4712),
  ownPassword: '~ownPassword~',
  role: { id: roleId, number: 3, name: 'door' },
  sessionId,
  refreshToken,
  passwordToken,
}

/** Replaces the placeholders in the text with the values of this scene. */
export function filledIn(text: string, { known }: Scene): string {
  const [idOfOne, uuidOfOne, , hexOfOne, idOfGone, uuidOfGone, , , , idOfKey, idOfWebhook] = known.ids
  const values: Record<string, unknown> = {
    id: idOfOne,
    uuid: uuidOfOne,
    hex: hexOfOne,
    goneId: idOfGone,
    goneUuid: uuidOfGone,
    keyId: idOfKey,
    webhookId: idOfWebhook,
    roleId: known.role.id,
    sessionId: known.sessionId,
    ownPassword: known.ownPassword,
    refreshToken: known.refreshToken,
    passwordToken: known.passwordToken,
  }
  return text.replace(/~(\w+)~/g, (whole, name: string) => String(values[name] ?? whole))
}

/** JSON texts of values that the schema allows, often at its limits. `best` is a value that is known to be accepted. */
function fitting(
  document: OpenApi,
  name: string,
  published: Schema,
  place: Place,
  best?: unknown,
): fc.Arbitrary<string> {
  const schema = resolved(document, published)
  const known = valuesFor(name, schema, anywhere, place).map((value) => JSON.stringify(value))
  const arbitraries: fc.Arbitrary<unknown>[] = []
  const types = [schema.type].flat()
  if (schema.enum) arbitraries.push(fc.constantFrom(...(schema.enum as unknown[])))
  else if (types.includes('string')) arbitraries.push(fittingText(schema))
  if (types.includes('integer')) {
    const [min, max] = [schema.minimum ?? 0, schema.maximum ?? Number.MAX_SAFE_INTEGER]
    arbitraries.push(fc.constantFrom(min, min + 1, max - 1, max), fc.integer({ min, max }))
  }
  if (types.includes('boolean')) arbitraries.push(fc.boolean())
  if (types.includes('null') || published.anyOf) arbitraries.push(fc.constant(null))
  // Users type anything into a search, and many short words cost more than a long one.
  if (name === contractAt(place.path).wire.query.search) arbitraries.push(hostileText, shortWords)
  const texts = arbitraries.map((arbitrary) => arbitrary.map((value) => JSON.stringify(value)))
  if (types.includes('array')) {
    const item = fitting(document, '', (schema.items ?? {}) as Schema, place)
    texts.push(fc.array(item, { maxLength: 4 }).map((items) => `[${items.join(',')}]`))
  }
  return fc.oneof(
    ...(best === undefined ? [] : [{ weight: 2, arbitrary: fc.constant(JSON.stringify(best)) }]),
    { weight: 1, arbitrary: fc.constantFrom(...known) },
    ...texts.map((arbitrary) => ({ weight: 2, arbitrary })),
  )
}

/** Values just outside what the schema allows. */
function beyond({
  minimum = 0,
  maximum = Number.MAX_SAFE_INTEGER,
  minLength = 0,
  maxLength = 200,
}: Schema): fc.Arbitrary<string> {
  const lengths = [Math.max(minLength - 1, 0), maxLength + 1]
  return fc.constantFrom(
    String(minimum - 1),
    String(maximum + 1),
    ...lengths.map((length) => `"${'é'.repeat(length)}"`),
  )
}

/** Email addresses of other users. */
const taken = ['gone@example.org', 'GONE@Example.org', 'first.admin@usher.example']

function fittingText({ format, minLength = 0, maxLength = 80 }: Schema): fc.Arbitrary<string> {
  if (format === 'email')
    return fc.oneof(
      fc.nat(500).map((n) => `Somebody.${n}@example.org`),
      fc.constantFrom(...taken),
    )
  if (format === 'uuid') return fc.uuid()
  if (format === 'date') return fc.nat(40_000).map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10))
  if (format === 'date-time') return fc.nat(40_000).map((day) => new Date(day * 86_400_000).toISOString())
  return fc.oneof(
    fc.string({ unit: 'grapheme', minLength, maxLength }),
    fc.constantFrom(...[minLength, maxLength].map((length) => 'é'.repeat(length))),
    fc.nat(50).map((n) => `some${n}`),
  )
}

const unknownFields = fc.tuple(
  fc.oneof(
    fc.constantFrom(
      '__proto__',
      'constructor',
      'toString',
      'id',
      'number',
      'version',
      'status',
      'roles',
      'permissions',
      'is_admin',
      'password_hash',
      'active',
      'created_at',
      '',
    ),
    hostileText,
  ),
  hostileJson,
)

type Entry = [name: string, json: string]

/** Field names as forms nest and repeat them, by their position among many. */
const fieldNames: ((place: number) => string)[] = [
  (place) => `a[${place}z]`,
  (place) => `${place}[a]`,
  (place) => `a[${place}][${place}]`,
  (place) => `${'a['.repeat(place % 50)}`,
  (place) => `f${place}`,
  () => 'a',
  () => 'a[a]',
  () => 'a[]',
  () => '__proto__[a]',
  () => 'constructor[prototype]',
  () => 'user_type[key]',
  () => '',
]

/** Enough fields to make the cost of each one visible, after one long field. */
const manyFields: fc.Arbitrary<Entry[]> = fc
  .record({
    name: fc.constantFrom(...fieldNames),
    count: fc.constantFrom(2, 50, 600, 999, 1_001, 4_000),
    long: fc.constantFrom(0, 20_000),
  })
  .map(({ name, count, long }) => [
    ['a', JSON.stringify('x'.repeat(long))],
    ...Array.from({ length: count }, (_, place): Entry => [name(place), '""']),
  ])

/**
 * The fields of an object: all valid, or one invalid, or each chosen at random. Sometimes a field is added or repeated.
 */
function entries(
  document: OpenApi,
  fields: [string, Schema][],
  required: readonly string[],
  { place, accepted, many }: { place: Place; accepted: Record<string, unknown>; many?: boolean },
): fc.Arbitrary<Entry[]> {
  const each = fields.map(([name, schema]) =>
    fc.record({
      name: fc.constant(name),
      sent: fc.nat(19).map((one) => (required.includes(name) ? one > 0 : one < 5)),
      fit: fitting(document, name, schema, place, accepted[name]),
      unfit: fc.oneof({ weight: 9, arbitrary: hostileJson }, { weight: 1, arbitrary: beyond(schema) }),
      wild: fc.boolean(),
    }),
  )
  return fc
    .record({
      fields: fc.tuple(...each),
      mode: fc.constantFrom('fit', 'fit', 'one', 'one', 'wild'),
      which: fc.nat(30),
      more: fc.array(unknownFields, { maxLength: 2 }),
      twice: fc.nat(9),
      flood: many
        ? fc.oneof({ weight: 15, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: manyFields })
        : fc.constant([]),
    })
    .map(({ fields: drawn, mode, which, more, twice, flood }) => {
      const chosen = drawn.filter(({ sent }, index) => sent || (mode === 'one' && index === which % drawn.length))
      const list = chosen.map(({ name, fit, unfit, wild }): Entry => {
        const isUnfit = mode === 'wild' ? wild : mode === 'one' && name === drawn[which % drawn.length]?.name
        return [name, isUnfit ? unfit : fit]
      })
      const first = list[0]
      return [...flood, ...list, ...(mode === 'fit' ? [] : more), ...(twice === 0 && first ? [first] : [])]
    })
}

const asObject = (list: Entry[]) => `{${list.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`

/** Fields as form text: strings without their quotes. */
function plain(json: string): string {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'string' ? value : json
  } catch {
    return json
  }
}

const utf8 = (text: string) => new TextEncoder().encode(text)

/** The bytes unchanged, or damaged as by a faulty client or connection. */
function sentAs(text: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> {
  const broken = fc.tuple(text, fc.nat(), fc.integer({ min: 0x80, max: 0xff })).map(([whole, at, byte]) => {
    const bytes = utf8(whole)
    if (bytes.length > 0) bytes[at % bytes.length] = byte
    return bytes
  })
  return fc.oneof(
    { weight: 20, arbitrary: text.map(utf8) },
    { weight: 2, arbitrary: broken },
    { weight: 1, arbitrary: fc.tuple(text, fc.nat(60)).map(([whole, length]) => utf8(whole).subarray(0, length)) },
    { weight: 1, arbitrary: text.map((whole) => new Uint8Array([0xef, 0xbb, 0xbf, ...utf8(whole)])) },
    { weight: 1, arbitrary: text.map((whole) => new Uint8Array([...whole].flatMap((one) => [one.charCodeAt(0), 0]))) },
    { weight: 1, arbitrary: fc.constantFrom(utf8('x'.repeat(65_537)), utf8(`{"a":"${'x'.repeat(65_527)}"}`)) },
  )
}

interface Body {
  contentType: string | undefined
  body: Uint8Array
}

/** Field names quoted as browsers do it, and as Ktor and .NET do. */
const multipart = (list: Entry[], quote: string) =>
  `${list.map(([name, json]) => `--x\r\ncontent-disposition: form-data; name=${quote}${name}${quote}\r\n\r\n${plain(json)}\r\n`).join('')}--x--\r\n`

function bodies(document: OpenApi, operation: Operation, accepted: Asked): fc.Arbitrary<Body | undefined> {
  const anything = fc.record({ contentType: contentTypes, body: sentAs(hostileJson) })
  const content = operation.requestBody?.content
  if (!content) return fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anything })
  const place = { path: operation.path, signingIn: operation.security?.length === 0 }
  const of = Object.entries(content).map(([contentType, media]): { weight: number; arbitrary: fc.Arbitrary<Body> } => {
    const { properties = {}, required = [] } = resolved(document, schemaOf(media))
    const list = entries(document, Object.entries(properties) as [string, Schema][], required, {
      place,
      many: true,
      accepted:
        accepted.json ?? accepted.form ?? (accepted.body ? (JSON.parse(accepted.body) as Record<string, unknown>) : {}),
    })
    const type = fc.oneof({ weight: 12, arbitrary: fc.constant(contentType) }, { weight: 1, arbitrary: contentTypes })
    const form = fc
      .tuple(list, encodings)
      .map(([all, encode]) => all.map(([name, json]) => `${encode(name)}=${encode(plain(json))}`).join('&'))
    const lines = fc
      .array(fc.oneof({ weight: 3, arbitrary: list.map(asObject) }, { weight: 1, arbitrary: hostileJson }), {
        maxLength: 4,
      })
      .map((all) => all.join('\n'))
    const text =
      contentType === 'application/json'
        ? list.map(asObject)
        : contentType === ndjson
          ? lines
          : contentType.startsWith('multipart/')
            ? fc.tuple(list, fc.constantFrom('"', '"', '')).map(([all, quote]) => multipart(all, quote))
            : form
    return {
      weight: 8,
      arbitrary: fc.record({
        contentType: type.map((one) => (one === 'multipart/form-data' ? `${one}; boundary=x` : one)),
        body: sentAs(text),
      }),
    }
  })
  return fc.oneof(...of, { weight: 1, arbitrary: anything }, { weight: 1, arbitrary: fc.constant(undefined) })
}

function urls(
  document: OpenApi,
  { path: template, parameters = [] }: Operation,
  accepted: Asked,
): fc.Arbitrary<string> {
  const place = { path: template, signingIn: false }
  const inPath = parameters.filter((parameter) => parameter.in === 'path')
  const inQuery = parameters.filter((parameter) => parameter.in === 'query')
  const text = ({ name, schema }: { name: string; schema: Schema }) => fitting(document, name, schema, place).map(plain)
  const built = fc.tuple(...inPath.map((one) => fc.tuple(fc.oneof(text(one), hostileText), encodings))).map((values) =>
    inPath.reduce((whole, { name }, index) => {
      const [value, encode] = values[index] as [string, (text: string) => string]
      return whole.replace(`{${name}}`, () => encode(value))
    }, template),
  )
  const path = fc.oneof(
    { weight: 3, arbitrary: fc.constant(accepted.path.split('?')[0] as string) },
    { weight: 2, arbitrary: built },
  )
  const fields = inQuery.map(({ name, schema }): [string, Schema] => [name, schema])
  const required = inQuery.flatMap(({ name, required: needed }) => (needed ? [name] : []))
  const query = fc
    .tuple(entries(document, fields, required, { place, accepted: {} }), encodings)
    .map(([list, encode]) => list.map(([name, json]) => `${encode(name)}=${encode(plain(json))}`).join('&'))
  const tail = fc.oneof(
    { weight: 30, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom('/', '//', '/..', '%2f', '.json', ';a') },
  )
  return fc.tuple(path, tail, query).map(([one, end, search]) => `${one}${end}${search === '' ? '' : `?${search}`}`)
}

/**
 * Every kind of request that a client might send to the operation. `accepted` is a request drawn for `anywhere` that is
 * known to be valid.
 */
export function hostileRequests(document: OpenApi, operation: Operation, accepted: Asked): fc.Arbitrary<Plan> {
  const verbs = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND')
  return fc
    .record({
      credential: fc.oneof(
        { weight: 15, arbitrary: fc.constant('admin' as const) },
        { weight: 4, arbitrary: fc.constantFrom(...credentials) },
      ),
      scheme: fc.oneof(
        { weight: 40, arbitrary: fc.constant('Bearer ') },
        { weight: 1, arbitrary: fc.constantFrom('bearer  ', 'Basic ', '', 'Bearer', 'Bearer\t') },
      ),
      garbage: hostileText,
      method: fc.oneof({ weight: 20, arbitrary: fc.constant(operation.method) }, { weight: 1, arbitrary: verbs }),
      url: urls(document, operation, accepted),
      headers: hostileHeaders,
      body: bodies(document, operation, accepted),
    })
    .map(({ credential, scheme, garbage, method, url, headers, body }) => ({
      credential,
      authorization: credential === 'garbage' ? scheme + garbage.replace(/[^\t\x20-\x7e]/g, '') : scheme,
      method,
      url,
      headers: [
        ...headers,
        ...(body?.contentType === undefined ? [] : [['content-type', body.contentType] as [string, string]]),
      ],
      body: body && method !== 'GET' && method !== 'HEAD' ? body.body : undefined,
    }))
}
