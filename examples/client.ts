/** v1 through its client. In a project of its own the import is from 'usher/client'. */
import { createClient, every, ProblemError, type Settings, type User } from '../client/index.ts'

export async function walk(settings: Settings, admin: { identifier: string; password: string }): Promise<string[]> {
  const usher = createClient(settings)
  await usher.login({ body: admin })

  const noor = { email: 'noor@example.org', name: 'Noor Haddad', password: 'a password long enough' }
  const { body: user, etag } = await usher.createUser({ idempotencyKey: crypto.randomUUID(), body: noor })

  // Who has the email already is a conflict, in the words of the answer.
  try {
    await usher.createUser({ body: noor })
  } catch (error) {
    if (!(error instanceof ProblemError && error.status === 409)) throw error
    console.log(error.problem.detail)
  }

  // If-Match protects a newer version: the second change names the version before the first.
  await usher.patchUser({ id: user.id, ifMatch: etag, body: { phone: '+33 1 70 18 00 01' } })
  try {
    await usher.patchUser({ id: user.id, ifMatch: etag, body: { phone: '+33 1 70 18 00 02' } })
  } catch (error) {
    if (!(error instanceof ProblemError && error.status === 412)) throw error
    const now = await usher.getUser({ id: user.id })
    await usher.patchUser({ id: user.id, ifMatch: now.etag, body: { mobile: now.body.phone } })
  }

  // All pages, by their cursors.
  const active: User[] = []
  for await (const one of every(usher.listUsers, { status: 'active', sort: 'email', limit: 2 })) active.push(one)
  await usher.logout()
  return active.map(({ email, mobile }) => `${email} ${mobile ?? '–'}`)
}
