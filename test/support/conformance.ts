/**
 * Checks every response that the suites receive against the OpenAPI document: status, headers, content type and body.
 */
import { format, Validator, type Schema } from '@cfworker/json-schema'

export type { Schema }

interface Media {
  schema: Schema
  /** Set for text with one JSON value per line. */
  'x-item-schema'?: Schema
}

export interface Operation {
  method: string
  /** The path as in the document, with `{name}` for parameters. */
  path: string
  operationId: string
  security?: object[]
  requestBody?: { required?: boolean; content: Record<string, Media> }
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[]
  summary: string
  description: string
  tags: string[]
  responses: Record<string, { headers?: Record<string, { required: boolean }>; content?: Record<string, Media> }>
}

export interface OpenApi {
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, Schema & { required?: string[]; properties?: Record<string, unknown>; example?: unknown }>
  }
}

const operations = new WeakMap<OpenApi, Operation[]>()

export function operationsOf(document: OpenApi): Operation[] {
  let known = operations.get(document)
  if (!known) {
    known = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
    )
    operations.set(document, known)
  }
  return [...known]
}

/** The operation that a request is for. A path without parameters takes precedence. */
export function operationFor(document: OpenApi, method: string, url: string): Operation | undefined {
  const pathname = url.split('?')[0] ?? ''
  const verb = method === 'HEAD' ? 'GET' : method
  return operationsOf(document)
    .filter((operation) => operation.method === verb && pattern(operation.path).test(pathname))
    .sort((one, other) => one.path.split('{').length - other.path.split('{').length)[0]
}

const patterns = new Map<string, RegExp>()

function pattern(path: string): RegExp {
  let known = patterns.get(path)
  if (!known) patterns.set(path, (known = new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`)))
  return known
}

const lines = 'application/x-ndjson'

/** The schema of a body. For JSON lines, the schema of one line. */
export const schemaOf = (content: Media): Schema => content['x-item-schema'] ?? content.schema

/** The parsed body: one value, a list of values for JSON lines, or undefined. */
export function valueOf(contentType: string | null, text: string): unknown {
  if (!/json/.test(contentType ?? '') || text === '') return undefined
  if (contentType !== lines) return JSON.parse(text)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line))
}

// The validator accepts only ASCII addresses, but the directory stores international ones. JSON Schema 2020-12 treats a
// format as an annotation.
delete format['email']

const validators = new Map<string, Validator>()

/** The schema with the components that it refers to, directly or through another. */
function selfContained({ components }: OpenApi, schema: Schema): Schema {
  const schemas: OpenApi['components']['schemas'] = {}
  const include = (part: Schema): void => {
    for (const [, name = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      const component = components.schemas[name]
      if (!component || name in schemas) continue
      schemas[name] = component
      include(component)
    }
  }
  include(schema)
  return { ...schema, components: { schemas } }
}

/** Throws when the document does not allow this response for the operation. */
export function conform(
  document: OpenApi,
  operation: Operation,
  answer: { status: number; headers: Headers; body: unknown; text: string },
): void {
  const where = `${operation.operationId} ${answer.status}`
  const documented = operation.responses[String(answer.status)]
  if (!documented) throw new Error(`${where}: the document knows no such status`)
  for (const [name, { required }] of Object.entries(documented.headers ?? {})) {
    if (required && !answer.headers.has(name)) throw new Error(`${where}: without the documented header ${name}`)
  }
  if (!documented.content) {
    if (answer.text !== '') throw new Error(`${where}: a body where the document has none`)
    return
  }
  const contentType = answer.headers.get('content-type') ?? ''
  const content = documented.content[contentType]
  if (!content) throw new Error(`${where}: content type ${contentType} is not documented`)
  const key = `${operation.operationId} ${answer.status} ${contentType}`
  let validator = validators.get(key)
  if (!validator) {
    validator = new Validator(selfContained(document, schemaOf(content)), '2020-12', false)
    validators.set(key, validator)
  }
  // Each line is checked alone.
  const values = contentType === lines ? (shortened(answer.body ?? []) as unknown[]) : [shortened(answer.body)]
  const { valid = true, errors = [] } = values.map((one) => validator.validate(one)).find((one) => !one.valid) ?? {}
  if (!valid) throw new Error(`${where}: ${JSON.stringify(errors.slice(-2))} in ${answer.text.slice(0, 400)}`)
}

/** A long list, or an object with a long list, without the middle of the list: it takes seconds to check. */
function shortened(body: unknown): unknown {
  if (Array.isArray(body)) return body.length > 200 ? [...body.slice(0, 100), ...body.slice(-100)] : body
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, Array.isArray(value) ? shortened(value) : value]),
  )
}
