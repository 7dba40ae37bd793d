/** The operations of a contract from its OpenAPI document, and the operation of a recorded path. */

export interface Operation {
  operationId: string
  method: string
  /** As in the document: `/users/{id}`. */
  path: string
}

export interface Match {
  /** Undefined if the contract serves the path, but not with this method. */
  operation: Operation | undefined
  /** The path in the contract, without the base path and the query. */
  path: string
  parameters: Readonly<Record<string, string>>
}

interface Document {
  servers?: { url: string }[]
  paths: Record<string, Record<string, { operationId?: string }>>
}

const methods = ['get', 'post', 'put', 'patch', 'delete']

export function operationsIn(document: Document): { base: string; operations: Operation[] } {
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operationId = item[method]?.operationId
      return operationId === undefined ? [] : [{ operationId, method: method.toUpperCase(), path }]
    }),
  )
  return { base: (document.servers?.[0]?.url ?? '').replace(/\/$/, ''), operations }
}

/**
 * Finds the operation of a path. In a recording of another Usher, the path begins with the base path of the contract.
 */
export function matcherOf(operations: readonly Operation[], contract: string) {
  const routes = operations.map((operation) => {
    const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
    const pattern = operation.path
      .replace(/\/$/, '')
      .replace(/[.*+?^$()|[\]\\]/g, '\\$&')
      .replace(/\{\w+\}/g, '([^/]+)')
    return { operation, names, expression: new RegExp(`^${pattern}/?$`) }
  })
  // A path without parameters has precedence over a path with a parameter in the same place.
  routes.sort((a, b) => a.names.length - b.names.length)

  const find = (method: string, path: string): Match | undefined => {
    const found = routes.filter(({ expression }) => expression.test(path))
    const [first] = found
    if (!first) return undefined
    const literal = found.filter(({ names }) => names.length === first.names.length)
    const wanted = method === 'HEAD' ? 'GET' : method
    const route =
      literal.find(({ operation }) => operation.method === wanted) ??
      found.find(({ operation }) => operation.method === wanted)
    const { names, expression } = route ?? first
    const values = expression.exec(path)?.slice(1) ?? []
    const parameters = Object.fromEntries(names.map((name, index) => [name, decoded(values[index] as string)]))
    return { operation: route?.operation, path, parameters }
  }
  return (method: string, path: string): Match | undefined => {
    const base = `/${contract}`
    return find(method, path) ?? (path.startsWith(`${base}/`) ? find(method, path.slice(base.length)) : undefined)
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** Returns a path without identifiers. */
export function patternOf(path: string): string {
  return path
    .split('/')
    .map((part) => (/^\d+$|@|%40|^[a-z]*_?[0-9a-f-]{12,}$/i.test(part) || part.length > 40 ? '{…}' : part))
    .join('/')
}
