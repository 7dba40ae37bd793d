/** Records the batches behind each of Usher's responses, for the bare Worker to send again. */
import { caller } from './call.js'
import { operations } from './operations.js'

/** Sends every measured request to Usher at `address`, and returns the module for the bare Worker. */
export async function record(product, address, session, subjects) {
  const call = caller(address, session)
  const statements = new Map()
  const requests = {}
  const interned = ([sql, params]) => {
    if (!statements.has(sql)) statements.set(sql, statements.size)
    return [statements.get(sql), params]
  }
  for (const { name, request, hashes } of operations) {
    if (hashes) continue
    for (const [index, subject] of subjects[name].entries()) {
      const asked = product.requests[request](subject)
      const { body } = await call({ ...asked, expect: 200 })
      if (body.status !== (asked.expect ?? 200)) throw new Error(`${name} was recorded with status ${body.status}`)
      requests[`${name}/${index}`] = body.batches.map((batch) => batch.map(interned))
    }
  }
  return JSON.stringify({ statements: [...statements.keys()], requests })
}
