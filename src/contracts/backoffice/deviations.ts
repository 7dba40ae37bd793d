/** Where backoffice differs from the original on purpose. The README has the table. */
import type { Answer, Deviation } from '../../http/contract/rehearsal'

const errorsOf = ({ json }: Answer) => Object((Object(json) as { errors?: unknown }).errors) as Record<string, unknown>
const takenAlready = (answer: Answer) =>
  Object.entries(errorsOf(answer)).filter(([, sentences]) => JSON.stringify(sentences).includes('already been taken'))

export const deviations: readonly Deviation[] = [
  {
    id: 'created-201',
    title: 'status of a creation',
    reason: 'The page gives no status. Laravel answers this for what it just created.',
    operations: ['backofficeCreateUser'],
    explains: ({ kind }, { recorded, received }) =>
      kind === 'status' && recorded.status === 200 && received.status === 201,
  },
  {
    id: 'authority-first',
    title: 'a bad request without the permission',
    reason: 'No one learns what is wrong with a request that they may not make.',
    explains: (_, { recorded, received }) =>
      [404, 422].includes(recorded.status) && [401, 403].includes(received.status),
  },
  {
    id: 'taken-alone',
    title: 'a taken username or email among other errors',
    reason: 'The database decides it together with the change, so it comes once everything else is right.',
    operations: ['backofficeCreateUser', 'backofficeUpdateUser'],
    explains: ({ kind, place }, { recorded, received }) =>
      recorded.status === 422 &&
      received.status === 422 &&
      takenAlready(recorded).length > 0 &&
      ((kind === 'missing key' && takenAlready(recorded).some(([field]) => place === `$.errors.${field}`)) ||
        (kind === 'value' && place === '$.message')),
  },
  {
    id: 'unreadable-bodies',
    title: 'unreadable JSON, and any other type',
    reason: 'Both would hide from a client that it was not understood.',
    explains: (_, { recorded, received }) =>
      [400, 415].includes(received.status) && received.status !== recorded.status,
  },
  {
    id: 'password-rules',
    title: 'passwords',
    reason: 'They are the first that are guessed.',
    operations: ['backofficeCreateUser', 'backofficeUpdateUser'],
    explains: (_, { recorded, received }) =>
      recorded.status < 400 && received.status === 422 && 'password' in errorsOf(received),
  },
  {
    id: 'last-admin',
    title: 'the last active administrator',
    reason: 'Someone must be able to let the others in.',
    operations: ['backofficeUpdateUser', 'backofficeDeleteUser'],
    explains: (_, { recorded, received }) => recorded.status < 400 && received.status === 409,
  },
  {
    id: 'own-password',
    title: 'the own password',
    reason: 'It takes the current one, which this contract has no field for: `PUT /v1/me/password` does.',
    operations: ['backofficeUpdateUser'],
    explains: (_, { request, recorded, received }) =>
      recorded.status < 400 && received.status === 403 && Boolean(request.fields['password']),
  },
  {
    id: 'not-found',
    title: 'body of a 404',
    reason: 'The names of the classes of an application are no business of its clients.',
    explains: ({ place }, { recorded, received }) =>
      recorded.status === 404 &&
      received.status === 404 &&
      /^\$\.(message|exception|file|line|trace)|^content-type$/.test(place),
  },
  {
    id: 'www-authenticate',
    title: '`WWW-Authenticate` of a 401',
    reason: 'RFC 9110 asks for it.',
    explains: ({ kind, place, received }) =>
      kind === 'header' && place === 'www-authenticate' && String(received).startsWith('Bearer'),
  },
]
