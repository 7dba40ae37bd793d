/** OpenAPI 3.1 from the routes themselves: one document a contract, and one of everything. Built once per isolate, at first use. */
import { sha256, utf8 } from '../../core/encoding'
import type { Contract } from './contract-types'
import { header } from './json'

export interface Document {
  text: string
  etag: string
}

interface Operation {
  summary: string
  description?: string
  /** From the spread that says who may call it; goes into the description. */
  'x-access'?: string
  tags?: string[]
  responses: Record<string, { headers?: object }>
}
type Paths = Record<string, Record<string, Operation>>

const info = {
  version: '1.0.0',
  contact: { name: 'The administrators of this directory' },
  license: { name: 'MIT', identifier: 'MIT' },
}

const retryAfter = { 'Retry-After': header('Seconds', 'integer') }

/** What `toResponse` adds to a failure of this status, whichever the contract. */
const failureHeaders: Record<string, object> = {
  401: { 'WWW-Authenticate': header('With an `error` where a credential came and does not hold') },
  429: retryAfter,
  503: retryAfter,
}

/** One contract's, with the path it is served under as the server. */
export function contractDocument(contract: Contract, base = `/${contract.name}`) {
  const { paths, components } = contract.app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: '', version: '' },
  })
  return {
    openapi: '3.1.0',
    info: { title: `Usher: ${contract.title}`, description: contract.description, ...info },
    servers: [{ url: base }],
    tags: tagsOf(contract),
    paths: Object.fromEntries(
      Object.entries(paths as Paths).map(([path, item]) => [path, completed(item, contract.name)]),
    ),
    components,
  }
}

function tagsOf({ name, description, tags }: Contract): readonly { name: string; description: string }[] {
  return tags ?? [{ name, description }]
}

/** The name of a tag among those of every contract. */
const qualified = (contract: Contract, tag: string) => (contract.tags ? `${contract.name} ${tag}` : tag)

/** The operations of a path among those of every contract: tags and summaries name the contract. */
function amongOthers(contract: Contract, item: Paths[string]): Paths[string] {
  return Object.fromEntries(
    Object.entries(item).map(([method, operation]) => {
      const tags = operation.tags?.map((tag) => qualified(contract, tag)) ?? []
      return [method, { ...operation, tags, summary: `${operation.summary} (${contract.name})` }]
    }),
  )
}

/** Every contract's operations, each under its base path. Component names carry their contract's prefix, so none meet. */
export function completeDocument(contracts: readonly Contract[]) {
  const documents = contracts.map((contract) => [contract, contractDocument(contract)] as const)
  const paths = documents.flatMap(([contract, document]) =>
    Object.entries(document.paths).map(
      ([path, item]) => [`/${contract.name}${path}`, amongOthers(contract, item)] as const,
    ),
  )
  const components: Record<string, object> = {}
  for (const [, document] of documents) {
    for (const [kind, named] of Object.entries(document.components ?? {})) {
      components[kind] = { ...components[kind], ...named }
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Usher', description: 'One user directory, spoken through several user-management APIs.', ...info },
    servers: [{ url: '/' }],
    tags: contracts.flatMap((contract) =>
      tagsOf(contract).map(({ name, description }) => ({ name: qualified(contract, name), description })),
    ),
    paths: Object.fromEntries(paths),
    components,
  }
}

/** The operations of a path with what is said of all: who may call them, the contract they are of, and the headers of failures. */
function completed(item: Paths[string], tag: string): Paths[string] {
  return Object.fromEntries(
    Object.entries(item).map(([method, operation]) => {
      const { 'x-access': access, description, responses, ...rest } = operation
      const withHeaders = Object.entries(responses).map(([status, response]) => {
        const headers = failureHeaders[status]
        return [status, headers ? { ...response, headers: { ...response.headers, ...headers } } : response] as const
      })
      return [
        method,
        {
          ...rest,
          description: [access, description].filter((sentence) => sentence !== undefined).join(' '),
          tags: operation.tags ?? [tag],
          responses: Object.fromEntries(withHeaders),
        },
      ]
    }),
  )
}

/** `build`'s answer as text with its ETag, made when first asked for. */
export function documentOnce(build: () => object): () => Promise<Document> {
  return textOnce(() => JSON.stringify(build()))
}

/** The same for what is text already. */
export function textOnce(build: () => string | Promise<string>): () => Promise<Document> {
  let document: Promise<Document> | undefined
  return () => (document ??= toDocument(build))
}

async function toDocument(build: () => string | Promise<string>): Promise<Document> {
  const text = await build()
  return { text, etag: `"${await sha256(utf8(text))}"` }
}
