/** The bundle of a deployment, in which wrangler.toml replaces parts of zod. The tests on workerd do not use it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { contracts } from '../contracts'
import { hurried, newServer } from '../support/server'

let server
beforeAll(async () => {
  server = await newServer(hurried)
  await server.start()
})
afterAll(() => server?.remove())

it('serves the document of all contracts and of each one', async () => {
  for (const path of ['/doc', ...contracts.map(([name]) => `/doc/${name}`)]) {
    const response = await fetch(server.address + path)
    const { openapi } = await response.json()
    expect([path, response.status, openapi]).toEqual([path, 200, '3.1.0'])
  }
})
