/** The files of a new contract, as text by path. They are formatted before they are written. */
const pascal = (name) => name.charAt(0).toUpperCase() + name.slice(1)

export function filesOf(name) {
  const prefix = pascal(name)
  return {
    [`src/contracts/${name}/README.md`]: readme(name),
    [`src/contracts/${name}/routes.ts`]: routes(name, prefix),
    [`src/contracts/${name}/schemas.ts`]: schemas(prefix),
    [`src/contracts/${name}/mapping.ts`]: mapping(name, prefix),
    [`src/contracts/${name}/errors.ts`]: errors(name, prefix),
    [`test/contracts/${name}/description.ts`]: description(name),
    [`test/contracts/${name}/users.test.ts`]: tests(name),
    [`test/contracts/${name}/STATEMENTS.md`]: statements(name),
  }
}

const readme = (name) => `# ${name}

What the contract promises, who its clients are, and where it differs from its original on purpose. Base path \`/${name}\`; on a host of its
own, the root.

| operation         | asks for          | answers                      |
| ----------------- | ----------------- | ---------------------------- |
| \`GET /users\`      | \`offset, count\`   | 200, users in creation order |
| \`GET /users/{id}\` | the user's uuid   | 200, the user                |

The tests behind these statements are listed in [STATEMENTS.md](../../../test/contracts/${name}/STATEMENTS.md).
`

const routes = (name, prefix) => `/** ${name}: its operations. */
import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { listUsersByOffset } from '../../core/users/user-list'
import { getUser } from '../../core/users/users'
import { createContract, finishContract } from '../../http/contract/contract'
import { json } from '../../http/contract/json'
import { authenticated } from '../../http/credentials/authentication'
import { failures, toFailureResponse } from './errors'
import { fromUser } from './mapping'
import { ${prefix}User, ${prefix}UserList, ${prefix}UserListQuery } from './schemas'

const contract = createContract({
  name: '${name}',
  title: '${prefix}',
  description: 'One sentence about the contract, for its document.',
  toFailureResponse,
})
const { app } = contract

const params = z.object({ id: z.string().openapi({ format: 'uuid' }) })
const oneself = (c: Context) => ({ id: c.req.param('id') ?? '' })

const listUsers = createRoute({
  ...authenticated(['users:read']),
  method: 'get',
  path: '/users',
  operationId: '${name}ListUsers',
  summary: 'List users',
  request: { query: ${prefix}UserListQuery },
  responses: { 200: json(${prefix}UserList, 'A page, with the exact total'), ...failures(400, 401, 403) },
})

app.openapi(listUsers, async (c) => {
  const { offset = 0, count = 20 } = c.req.valid('query')
  const { users, total } = await listUsersByOffset(c.var.caller, { offset, limit: count })
  return c.json({ users: users.map(fromUser), total }, 200)
})

const getUserRoute = createRoute({
  ...authenticated(['users:read'], oneself),
  method: 'get',
  path: '/users/{id}',
  operationId: '${name}GetUser',
  summary: 'Get a user',
  request: { params },
  responses: { 200: json(${prefix}User, 'The user'), ...failures(401, 403, 404) },
})

app.openapi(getUserRoute, async (c) => {
  return c.json(fromUser(await getUser(c.var.caller, { id: c.req.valid('param').id })), 200)
})

export const ${name} = finishContract(contract)
`

const schemas = (
  prefix,
) => `/** The wire, in the contract's own names. Components begin with the contract's name: all contracts share one document. */
import { z } from '@hono/zod-openapi'
import { orEmpty, queryInteger } from '../../http/contract/fields'

export const ${prefix}User = z
  .strictObject({
    id: z.string().openapi({ format: 'uuid' }),
    email: z.string().openapi({ format: 'email' }),
    name: z.string(),
    active: z.boolean(),
  })
  .openapi('${prefix}User')

export const ${prefix}UserListQuery = z.object({
  offset: orEmpty(queryInteger(0, Number.MAX_SAFE_INTEGER)).openapi({ type: 'integer', minimum: 0, default: 0 }),
  count: orEmpty(queryInteger(1, 100)).openapi({ type: 'integer', minimum: 1, maximum: 100, default: 20 }),
})

export const ${prefix}UserList = z
  .strictObject({ users: z.array(${prefix}User), total: z.int() })
  .openapi('${prefix}UserList')

export const ${prefix}Error = z.strictObject({ error: z.string() }).openapi('${prefix}Error')
`

const mapping = (
  name,
  prefix,
) => `/** Translates between the wire of ${name} and the core, field by field: \`fromUser\`, \`toNewUser\`, \`toUserChanges\`. */
import type { z } from '@hono/zod-openapi'
import type { User } from '../../core/users/user'
import type { ${prefix}User } from './schemas'

export function fromUser(user: User): z.infer<typeof ${prefix}User> {
  return { id: user.id, email: user.email, name: user.name, active: user.active }
}

/** Core fields in the contract's names, where they differ. */
export function wireName(field: string): string {
  const names: Record<string, string> = {}
  return names[field] ?? field
}
`

const errors = (name, prefix) => `/** Every failure in the words of ${name}. */
import type { FailureResponse } from '../../http/contract/contract-types'
import { describe } from '../../http/contract/describe'
import { unrendered, type Failure, type Issue } from '../../http/contract/failure'
import { failuresOf, json } from '../../http/contract/json'
import { wireName } from './mapping'
import { ${prefix}Error } from './schemas'

export function toFailureResponse(failure: Failure): FailureResponse {
  switch (failure.kind) {
    case 'invalid':
      return invalid(failure.problems.map(({ field, problem }) => [wireName(field), problem]))
    case 'invalid_request':
      return invalid(failure.issues.map(({ path, problem }) => [path.join('.') || failure.part, problem]))
    case 'unreadable_body':
      return error(400, 'The body cannot be read.')
    case 'role_not_found':
      return error(400, 'There is no such role.')
    case 'no_credentials':
    case 'unauthenticated':
    case 'invalid_credentials':
    case 'invalid_refresh_token':
    case 'invalid_password_token':
      return error(401, 'The credentials are not valid.')
    case 'forbidden':
    case 'cross_site':
    case 'own_password':
      return error(403, 'This is not allowed.')
    case 'no_such_path':
    case 'user_not_found':
    case 'resource_not_found':
      return error(404, 'Not found.')
    case 'method_not_allowed':
      return error(405, \`Allowed here: \${failure.allowed.join(', ')}.\`)
    case 'already_taken':
      return error(409, \`Taken: \${failure.fields.map(wireName).join(', ')}.\`)
    case 'last_admin':
    case 'role_refused':
    case 'idempotency_key_reused':
    case 'version_mismatch':
      return error(409, 'The request conflicts with the current state.')
    case 'body_too_large':
    case 'too_many':
      return error(413, 'The body is too large.')
    case 'unsupported_media_type':
      return error(415, 'The body must be application/json.')
    case 'unsupported_encoding':
      return error(415, 'The Content-Encoding must be identity.')
    case 'locked_out':
    case 'rate_limited':
      return error(429, 'Too many requests.')
    case 'retired':
      return error(410, 'This API has been retired.')
    case 'contended':
    case 'upstream_unavailable':
    case 'unavailable':
      return error(503, 'Try again in a moment.')
    default:
      return unrendered(failure)
  }
}

function error(status: FailureResponse['status'], sentence: string): FailureResponse {
  return { status, body: { error: sentence } }
}

function invalid(problems: readonly [field: string, problem: Issue['problem']][]): FailureResponse {
  return error(400, problems.map(([field, problem]) => \`\${field} \${describe(problem)}\`).join('; '))
}

const described = {
  400: json(${prefix}Error, 'Bad input'),
  401: json(${prefix}Error, 'No valid credentials'),
  403: json(${prefix}Error, 'A permission is missing'),
  404: json(${prefix}Error, 'Not found'),
  409: json(${prefix}Error, 'A conflict with the current state'),
  413: json(${prefix}Error, 'The body is too large'),
  415: json(${prefix}Error, 'The body has another type'),
  429: json(${prefix}Error, 'Too many requests'),
  503: json(${prefix}Error, 'Unavailable, try again'),
}

/** The failures an operation can answer, for the document. Any operation may answer 429 and 503. */
export const failures = failuresOf(described)
`

const description = (name) => `/** What ${name} tells the shared suites. Each part is explained in ../description.ts. */
import { outcomeByStatus, type ContractDescription } from '../description'

// Make this a ContractDescription, not a partial one, to let the compiler name what is missing.
export const ${name}: Partial<ContractDescription> = {
  outcome: outcomeByStatus,
  list: () => ({ path: '/${name}/users' }),
  read: ({ uuid }) => ({ path: \`/${name}/users/\${uuid}\` }),
}
`

const tests = (name) => `/// <reference types="vite/client" />
/** ${name} as its clients use it. */
import { describe, expect, it } from 'vitest'
import { missingParts } from '../description'
import { namesEveryTest } from '../../support/statements'
import { adminToken, call, freshDirectory, signedInPerson } from '../../support/usher'
import { ${name} } from './description'
import statements from './STATEMENTS.md?raw'

freshDirectory()

it('describes itself to the shared suites', () => {
  expect(missingParts(${name}), 'Add these parts to ./description.ts').toEqual([])
})

describe('GET /users', () => {
  it('lists users in creation order, with the exact total', async () => {
    const admin = await adminToken()
    const user = await signedInPerson(admin)
    const { status, body } = await call('/${name}/users?offset=1', { token: admin })
    expect([status, body.total, body.users[0].id]).toEqual([200, 2, user.uuid])
  })
})

describe('GET /users/{id}', () => {
  it('shows the user', async () => {
    const admin = await adminToken()
    const { uuid, email } = await signedInPerson(admin)
    const { status, body } = await call(\`/${name}/users/\${uuid}\`, { token: admin })
    expect([status, body.id, body.email]).toEqual([200, uuid, email])
  })
})

namesEveryTest(statements)
`

const statements = (name) => `# ${name}: statements and their tests

| statement                                         | tests                                                                       |
| ------------------------------------------------- | --------------------------------------------------------------------------- |
| The contract takes part in the shared suites      | \`users > describes itself to the shared suites\`                             |
| \`GET /users\` lists users in creation order        | \`users > GET /users > lists users in creation order, with the exact total\`  |
| \`GET /users/{id}\` shows the user                  | \`users > GET /users/{id} > shows the user\`                                  |
`
