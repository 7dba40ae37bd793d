/**
 * The session of the page. The access token is kept in memory only. The cookie, which no script can read, obtains a new
 * one after a reload and when the present one has expired.
 */
import type { Permission, Problem } from '../client/index.ts'
import type { Request as ClientRequest } from '../client/messages.ts'

let accessToken: string | undefined
let renewal: Promise<boolean> | undefined
let onEnded = () => {}

interface Answer {
  access_token: string
  permissions: Permission[]
}

/** What a failed sign-in says. */
export class SignInFailed extends Error {}

const post = (path: string, body?: object) =>
  fetch(path, {
    method: 'POST',
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })

async function keep(response: Response): Promise<Permission[]> {
  const { access_token, permissions } = (await response.json()) as Answer
  accessToken = access_token
  return permissions
}

/** Returns what the session allows. Throws SignInFailed. */
export async function signIn(identifier: string, password: string): Promise<Permission[]> {
  const response = await post('/console/session', { identifier, password })
  if (response.ok) return keep(response)
  throw new SignInFailed(await whyOf(response))
}

async function whyOf(response: Response): Promise<string> {
  const { detail } = (await response.json().catch(() => ({}))) as Partial<Problem>
  const seconds = Number(response.headers.get('retry-after'))
  const wait = seconds > 0 ? ` Try again in ${seconds} seconds.` : ''
  return `${detail ?? `The server answered ${response.status}.`}${response.status === 503 ? '' : wait}`
}

/** Returns what the session of the cookie allows; undefined without a session. */
export async function restore(): Promise<Permission[] | undefined> {
  const response = await post('/console/token')
  if (response.ok) return keep(response)
  if (response.status === 401 || response.status === 403) return undefined
  throw new Error(await whyOf(response))
}

/** Ends the session in the directory. */
export async function signOut(): Promise<void> {
  accessToken = undefined
  await fetch('/console/session', { method: 'DELETE' })
}

/** `listener` is called when the session turns out to have ended. */
export function onSessionEnded(listener: () => void): void {
  onEnded = listener
}

/** Sends a request with the access token. Renews the token once when it has expired. */
export async function send(url: string, request: ClientRequest): Promise<Response> {
  const used = accessToken
  const response = await fetch(url, withToken(request))
  if (response.status !== 401 || !(await renew(used))) return response
  await response.body?.cancel()
  return fetch(url, withToken(request))
}

const withToken = (request: ClientRequest): ClientRequest => ({
  ...request,
  headers: { ...request.headers, ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
})

/** Returns whether there is a newer token than `used`. Concurrent requests share one renewal. */
async function renew(used: string | undefined): Promise<boolean> {
  if (accessToken !== used) return accessToken !== undefined
  renewal ??= restore()
    .then((permissions) => {
      if (permissions === undefined) {
        accessToken = undefined
        onEnded()
      }
      return permissions !== undefined
    })
    .catch(() => false)
    .finally(() => (renewal = undefined))
  return renewal
}
