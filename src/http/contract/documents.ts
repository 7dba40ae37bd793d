/**
 * OpenAPI 3.1 documents built from the routes: one per contract, and one of all. Each is built once per isolate, at
 * first use.
 */
import { sha256, utf8 } from '../../core/encoding'
import type { Contract } from './contract-types'
import { header } from './json'
import { describeRetirement, type Retirement } from '../deployment/retirements'

export interface Document {
  text: string
  etag: string
}

interface Operation {
  summary: string
  description?: string
  /** Set by `authenticated` and `anonymous`. Becomes part of the description. */
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

/** The headers that `toResponse` adds to a failure of this status, in every contract. */
const failureHeaders: Record<string, object> = {
  401: { 'WWW-Authenticate': header('With an `error` where a credential came and does not hold') },
  429: retryAfter,
  503: retryAfter,
}

/** Builds the document of one contract. `base` is the server's path. */
export function contractDocument(contract: Contract, retirement?: Retirement, base = `/${contract.name}`) {
  const { paths, components } = contract.app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: '', version: '' },
  })
  return {
    openapi: '3.1.0',
    info: { title: `Usher: ${contract.title}`, description: describe(contract, retirement), ...info },
    servers: [{ url: base }],
    tags: tagsOf(contract),
    paths: Object.fromEntries(
      Object.entries(paths as Paths).map(([path, item]) => [path, completed(item, contract.name, retirement)]),
    ),
    components,
  }
}

/** The description of a contract, including its retirement. */
function describe({ description }: Contract, retirement: Retirement | undefined): string {
  return retirement ? `${description} ${describeRetirement(retirement)}` : description
}

function tagsOf({ name, description, tags }: Contract): readonly { name: string; description: string }[] {
  return tags ?? [{ name, description }]
}

/** The name of a tag in the document of all contracts. */
const qualified = (contract: Contract, tag: string) => (contract.tags ? `${contract.name} ${tag}` : tag)

/** The operations of a path in the document of all contracts. Tags and summaries name the contract. */
function amongOthers(contract: Contract, item: Paths[string]): Paths[string] {
  return Object.fromEntries(
    Object.entries(item).map(([method, operation]) => {
      const tags = operation.tags?.map((tag) => qualified(contract, tag)) ?? []
      return [method, { ...operation, tags, summary: `${operation.summary} (${contract.name})` }]
    }),
  )
}

/**
 * Builds the document of all contracts, each under its base path. Component names carry the contract's prefix, so they
 * never collide.
 */
export function completeDocument(contracts: readonly Contract[], retirements: ReadonlyMap<string, Retirement>) {
  const documents = contracts.map(
    (contract) => [contract, contractDocument(contract, retirements.get(contract.name))] as const,
  )
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

/** Adds the common parts of all operations: the permissions, the tag of the contract, and the headers of failures. */
function completed(item: Paths[string], tag: string, retirement: Retirement | undefined): Paths[string] {
  return Object.fromEntries(
    Object.entries(item).map(([method, operation]) => {
      const { 'x-access': access, description, responses, ...rest } = operation
      const gone = retirement?.sunset === undefined ? {} : { 410: { ...responses['503'], description: 'Retired' } }
      const withHeaders = Object.entries({ ...responses, ...gone }).map(([status, response]) => {
        const headers = failureHeaders[status]
        return [status, headers ? { ...response, headers: { ...response.headers, ...headers } } : response] as const
      })
      return [
        method,
        {
          ...rest,
          description: [access, description].filter((sentence) => sentence !== undefined).join(' '),
          tags: operation.tags ?? [tag],
          ...(retirement && { deprecated: true }),
          responses: Object.fromEntries(withHeaders),
        },
      ]
    }),
  )
}

/** Builds the document at first use. Returns its text and ETag. */
export function documentOnce(build: () => object): () => Promise<Document> {
  return textOnce(() => JSON.stringify(build()))
}

/** As `documentOnce`, for text. */
export function textOnce(build: () => string | Promise<string>): () => Promise<Document> {
  let document: Promise<Document> | undefined
  return () => (document ??= toDocument(build))
}

async function toDocument(build: () => string | Promise<string>): Promise<Document> {
  const text = await build()
  return { text, etag: `"${await sha256(utf8(text))}"` }
}
