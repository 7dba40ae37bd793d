/** The bare Worker that sends Usher's batches, and hashes a password with nothing around it. */
export const name = 'floor'
export const title = 'bare Worker'

/** By the index of the subject; creating and signing in are to be held against the hash alone. */
export const requestFor = ({ name: operation, hashes }, index) => ({
  path: hashes ? '/hash' : `/${operation}/${index}`,
})

/** The emails in whatever rows it answered: users are JSON texts, and among the people of the bench nothing else has an @. */
export const emails = ({ body }) =>
  body
    .flat(2)
    .flatMap((row) => Object.values(row))
    .flatMap((value) => String(value).match(/[^"]+@[^"]+/g) ?? [])
