/** Checks, before any timing, that all products return the same users for the same request. */
import { isDeepStrictEqual } from 'node:util'
import { caller } from './call.js'
import { isIn, operations } from './operations.js'
import * as floor from './products/floor.js'

const asked = 4

/**
 * Throws unless all `sides` (a product, its address and session) return the same emails in the same order with the same
 * total, and the bare Worker at `floorAddress` read the same users from Usher's database. Lists and searches mean the
 * same everywhere. Usher searches more fields than the others, so each word occurs in names or nowhere. Other
 * responses are not compared; their status shows success.
 */
export async function agree(sides, floorAddress, subjects) {
  for (const operation of operations.filter(({ finds }) => finds)) {
    for (const [index, subject] of subjects[operation.name].slice(0, asked).entries()) {
      const about = `${operation.title} ${JSON.stringify(subject.search ?? subject.page ?? subject.email)}`
      let first
      for (const { product, address, session } of sides.filter((side) => isIn(operation, side.product))) {
        const found = product.people(await caller(address, session)(product.requests[operation.request](subject)))
        if (found.emails.length === 0) throw new Error(`${product.title} finds no users: ${about}`)
        first ??= found
        if (!isDeepStrictEqual(found, first)) {
          const [one, other] = [first, found].map(
            ({ emails, total }) => `${total ?? ''} ${emails.slice(0, 30).join(' ')}`,
          )
          throw new Error(`${product.title} answers ${about} differently:\n${one}\n${other}`)
        }
      }
      const read = floor.emails(await caller(floorAddress)(floor.requestFor(operation, index)))
      // Usher reads one row more than the page, to know whether there is a next page.
      const more = read.filter((email) => !first.emails.includes(email))
      if (more.length > 1 || read.length - more.length !== first.emails.length) {
        throw new Error(`the floor does not read the people of ${about}`)
      }
    }
  }
}
