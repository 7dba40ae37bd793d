/** Where backoffice differs from the original on purpose. The README has the table. */
import type { Answer, Deviation } from '../../http/contract/rehearsal'

const errorsOf = ({ json }: Answer) => Object((Object(json) as { errors?: unknown }).errors) as Record<string, unknown>
const takenAlready = (answer: Answer) =>
  Object.entries(errorsOf(answer)).filter(([, sentences]) => JSON.stringify(sentences).includes('already been taken'))

export const deviations: readonly Deviation[] = [
  {
    id: 'created-201',
    title: 'status of a creation',
    reason: 'The page gives no status. Laravel responds 201 for a record that it has just created.',
    operations: ['backofficeCreateUser'],
    explains: ({ kind }, { recorded, received }) =>
      kind === 'status' && recorded.status === 200 && received.status === 201,
  },
  {
    id: 'authority-first',
    title: 'a bad request without the permission',
    reason: 'A caller without the permission must not learn what else is wrong with the request.',
    explains: (_, { recorded, received }) =>
      [404, 422].includes(recorded.status) && [401, 403].includes(received.status),
  },
  {
    id: 'taken-alone',
    title: 'a taken username or email among other errors',
    reason: 'The database decides it in the transaction of the change, which starts after all other checks.',
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
    title: 'unreadable JSON, and an unsupported content type',
    reason: 'Otherwise a client could not tell that its request was not understood.',
    explains: (_, { recorded, received }) =>
      [400, 415].includes(received.status) && received.status !== recorded.status,
  },
  {
    id: 'password-rules',
    title: 'passwords',
    reason: 'Attackers guess these passwords first.',
    operations: ['backofficeCreateUser', 'backofficeUpdateUser'],
    explains: (_, { recorded, received }) =>
      recorded.status < 400 && received.status === 422 && 'password' in errorsOf(received),
  },
  {
    id: 'last-admin',
    title: 'the last active administrator',
    reason: 'An administrator must remain to give other users access.',
    operations: ['backofficeUpdateUser', 'backofficeDeleteUser'],
    explains: (_, { recorded, received }) => recorded.status < 400 && received.status === 409,
  },
  {
    id: 'own-password',
    title: 'the password of the caller',
    reason:
      'The change takes the current password, and this contract has no field for it. `PUT /v1/me/password` has one.',
    operations: ['backofficeUpdateUser'],
    explains: (_, { request, recorded, received }) =>
      recorded.status < 400 && received.status === 403 && Boolean(request.fields['password']),
  },
  {
    id: 'not-found',
    title: 'body of a 404',
    reason: 'The class names of an application are internal.',
    explains: ({ place }, { recorded, received }) =>
      recorded.status === 404 &&
      received.status === 404 &&
      /^\$\.(message|exception|file|line|trace)|^content-type$/.test(place),
  },
  {
    id: 'www-authenticate',
    title: '`WWW-Authenticate` of a 401',
    reason: 'RFC 9110 requires it.',
    explains: ({ kind, place, received }) =>
      kind === 'header' && place === 'www-authenticate' && String(received).startsWith('Bearer'),
  },
]
