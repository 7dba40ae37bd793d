/** Generates the source of client/operations.ts from v1's OpenAPI document. */
interface Schema {
  $ref?: string
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  description?: string
}
type Content = Record<string, { schema: Schema; 'x-item-schema'?: Schema }>
interface Operation {
  operationId: string
  summary: string
  description: string
  security: object[]
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema: Schema }[]
  requestBody?: { required?: boolean; content: Content }
  responses: Record<string, { headers?: Record<string, unknown>; content?: Content }>
}
export interface ContractDocument {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

const opening = `/** What v1 takes and answers, from its document: \`npm run client\` writes this file, test/client/operations.test.ts holds it to the document. */
import type { Operation } from './operation.ts'
`

export function operationsSource({ paths, components }: ContractDocument): string {
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  )
  const statuses = operations.flatMap(({ responses }) => Object.keys(responses)).map(Number)
  const failures = [...new Set(statuses.filter((status) => status >= 400))].sort((one, other) => one - other)
  return [
    opening,
    ...Object.entries(components.schemas).map(([name, schema]) => {
      return `${comment(schema.description ?? usesOf(name, operations, components.schemas))}export type ${ownName(name)} = ${typeOf(schema)}\n`
    }),
    `/** What a failure may be. */\nexport type FailureStatus = ${failures.join(' | ')}\n`,
    `/** What each operation takes and answers. */\nexport interface Operations {\n${operations.map(typesOf).join('')}}\n`,
    `/** How each is asked for. */\nexport const operations: Record<keyof Operations, Operation> = {\n${operations.map(entryOf).join('')}}\n`,
  ].join('\n')
}

/** Which operations or types use the component, for a component that the document does not describe. */
function usesOf(name: string, operations: readonly Operation[], schemas: Record<string, Schema>): string {
  const has = (part: unknown) => JSON.stringify(part ?? '').includes(`"#/components/schemas/${name}"`)
  const named = (uses: Operation[]) => uses.map(({ operationId }) => `\`${methodName(operationId)}\``).join(', ')
  const taking = operations.filter(({ requestBody, parameters }) => has(requestBody) || has(parameters))
  const answering = operations.filter(({ responses }) =>
    has(Object.entries(responses).filter(([status]) => status.startsWith('2'))),
  )
  const uses = [
    ...(taking.length > 0 ? [`taken by ${named(taking)}`] : []),
    ...(answering.length > 0 ? [`answered by ${named(answering)}`] : []),
  ].join('; ')
  const parents = Object.keys(schemas).filter((other) => other !== name && has(schemas[other]))
  if (uses === '') return `A part of ${parents.map((other) => `\`${ownName(other)}\``).join(', ')}`
  return `${uses.charAt(0).toUpperCase()}${uses.slice(1)}`
}

/** Removes the prefix that distinguishes contracts in the document of all contracts. */
const ownName = (name: string) => name.replace(/^V1/, '')
const methodName = (operationId: string) => operationId.replace(/^v1(.)/, (_, first: string) => first.toLowerCase())
const camelCase = (header: string) => header.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
const comment = (text: string | undefined) => (text ? `/** ${text.replaceAll('*/', '*\\/')} */\n` : '')
const quoted = (value: unknown) =>
  typeof value === 'string' ? `'${value.replace(/[\\']/g, (character) => `\\${character}`)}'` : JSON.stringify(value)

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return ownName(schema.$ref.split('/').at(-1) as string)
  if ('const' in schema) return quoted(schema.const)
  if (schema.enum) return schema.enum.map(quoted).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return choices.map(typeOf).join(' | ')
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ')
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type
    case 'integer':
    case 'number':
      return 'number'
    case 'array':
      return `Array<${typeOf(schema.items ?? {})}>`
    case 'object':
      return schema.properties ? objectOf(schema.properties, schema.required) : 'Record<string, unknown>'
    case undefined:
      return 'unknown'
    default:
      throw new Error(`There is no type for ${JSON.stringify(schema)}`)
  }
}

function objectOf(properties: Record<string, Schema>, required: readonly string[] = []): string {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const type = typeOf(schema)
    const described = comment(schema.description)
    return required.includes(name) ? `${described}${name}: ${type}\n` : `${described}${name}?: ${type} | undefined\n`
  })
  return `{\n${fields.join('')}}`
}

/** Returns the type of a body or response. Each has only one content type. */
function contentOf(content: Content, ofLines: (line: string) => string): string {
  const [{ schema, 'x-item-schema': line } = { schema: {} }] = Object.values(content)
  return line ? ofLines(typeOf(line)) : typeOf(schema)
}

function typesOf({ operationId, summary, description, parameters = [], requestBody, responses }: Operation): string {
  const fields = parameters.map(({ name, in: where, required, description: what, schema }) => {
    const type = typeOf(schema)
    const field = where === 'header' ? camelCase(name) : name
    return comment(what ?? schema.description) + (required ? `${field}: ${type}\n` : `${field}?: ${type} | undefined\n`)
  })
  if (requestBody) {
    const type = contentOf(requestBody.content, (line) => `Iterable<${line}>`)
    fields.push(requestBody.required ? `body: ${type}\n` : `body?: ${type} | undefined\n`)
  }
  const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'))
  const unchanged = responses[304] ? `unchanged: ${answerOf(['304', responses[304]])}\n` : ''
  return `${comment(`${summary}. ${description}`)}${methodName(operationId)}: {
input: {\n${fields.join('')}}
answer: ${answers.map(answerOf).join(' | ')}
${unchanged}}\n`
}

function answerOf([status, { headers = {}, content }]: [string, Operation['responses'][string]]): string {
  const body = content ? contentOf(content, (line) => `AsyncGenerator<${line}, void, undefined>`) : 'undefined'
  const answerHeaders = ['ETag', 'Location']
    .filter((name) => name in headers)
    .map((name) => `${name.toLowerCase()}: string\n`)
  return `{\nstatus: ${status}\nbody: ${body}\n${answerHeaders.join('')}}`
}

function entryOf(operation: Operation & { path: string; method: string }): string {
  const { operationId, method, path, parameters = [], requestBody, security } = operation
  const named = (where: string) => parameters.filter((one) => one.in === where).map(({ name }) => quoted(name))
  const parts = [
    `method: '${method}'`,
    `path: '${path}'`,
    ...(['query', 'header'] as const)
      .map((where) => [where === 'header' ? 'headers' : where, named(where)] as const)
      .flatMap(([part, names]) => (names.length > 0 ? [`${part}: [${names.join(', ')}]`] : [])),
    ...(requestBody ? [`sends: ${quoted(Object.keys(requestBody.content)[0])}`] : []),
    ...(security.length === 0 ? ['anonymous: true'] : []),
  ]
  return `${methodName(operationId)}: { ${parts.join(', ')} },\n`
}
