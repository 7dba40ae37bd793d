/** The bare Worker, which sends Usher's batches and hashes a password with nothing around it. */
export const name = 'floor'
export const title = 'bare Worker'

/** By the index of the subject. Creating and signing in are compared with the hash alone. */
export const requestFor = ({ name: operation, hashes }, index) => ({
  path: hashes ? '/hash' : `/${operation}/${index}`,
})

/** Returns the emails in the rows of a response. Users are JSON texts, and only emails contain an @. */
export const emails = ({ body }) =>
  body
    .flat(2)
    .flatMap((row) => Object.values(row))
    .flatMap((value) => String(value).match(/[^"]+@[^"]+/g) ?? [])
