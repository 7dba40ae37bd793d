/** OpenAPI 3.1 from the routes themselves: one document a contract, and one of everything. Built once per isolate, at first use. */
import { sha256, utf8 } from '../core/encoding'
import type { Contract } from './contract'

export interface Document {
  text: string
  etag: string
}

type Paths = Record<string, Record<string, { tags?: string[] }>>

const version = '1.0.0'

/** One contract's, with its own base path as the server. */
export function contractDocument(contract: Contract) {
  return contract.app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title: `Usher: ${contract.title}`, version, description: contract.description },
    servers: [{ url: `/${contract.name}` }],
    tags: [{ name: contract.name, description: contract.description }],
  })
}

/** Every contract's operations, each under its base path. Component names carry their contract's prefix, so none meet. */
export function completeDocument(contracts: readonly Contract[]) {
  const documents = contracts.map((contract) => [contract, contractDocument(contract)] as const)
  const paths = documents.flatMap(([contract, { paths = {} }]) =>
    Object.entries(paths).map(([path, item]) => [
      `/${contract.name}${path}`,
      tagged(item as Paths[string], contract.name),
    ]),
  )
  const components: Record<string, object> = {}
  for (const [, document] of documents) {
    for (const [kind, named] of Object.entries(document.components ?? {})) {
      components[kind] = { ...components[kind], ...named }
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Usher', version, description: 'One user directory, spoken through several user-management APIs.' },
    servers: [{ url: '/' }],
    tags: contracts.map(({ name, description }) => ({ name, description })),
    paths: Object.fromEntries(paths) as Paths,
    components,
  }
}

function tagged(item: Paths[string], tag: string): Paths[string] {
  return Object.fromEntries(Object.entries(item).map(([method, operation]) => [method, { ...operation, tags: [tag] }]))
}

/** `build`'s answer as text with its ETag, made when first asked for. */
export function documentOnce(build: () => object): () => Promise<Document> {
  let document: Promise<Document> | undefined
  return () => (document ??= toDocument(build()))
}

async function toDocument(value: object): Promise<Document> {
  const text = JSON.stringify(value)
  return { text, etag: `"${await sha256(utf8(text))}"` }
}
