/** Token introspection (RFC 7662), for services that a user calls with a token or key of the directory. */
import { createRoute } from '@hono/zod-openapi'
import { introspect } from '../../../core/sign-in/introspection'
import { readParameters, validate } from '../../../http/bodies/body'
import { authenticated } from '../../../http/credentials/authentication'
import { documentedBody, json } from '../../../http/contract/json'
import { readCredential } from '../../../http/credentials/tokens'
import { failures } from '../errors'
import { fromIntrospected } from '../mapping/introspection'
import { V1Introspect, V1Introspection, V1OAuthError } from '../schemas/introspection'
import { app } from './contract'

const introspection = createRoute({
  ...authenticated(['tokens:introspect']),
  method: 'post',
  path: '/auth/introspect',
  operationId: 'v1Introspect',
  tags: ['auth'],
  summary: 'Find out whether a token is valid now, and what its user may do',
  description:
    'RFC 7662. Answers `active: false` for everything that is not a valid access token or API key of this directory.',
  request: {
    body: documentedBody(app, { V1Introspect }, ['application/json', 'application/x-www-form-urlencoded']),
  },
  responses: {
    200: json(V1Introspection, 'The state of the token'),
    ...failures(401, 403, 413, 415),
    400: json(V1OAuthError, 'Bad input'),
  },
})

app.openapi(introspection, async (c) => {
  const { configuration, caller, visit } = c.var
  const { token } = validate(V1Introspect, await readParameters(c))
  const read = await readCredential(configuration, token, visit.now)
  return c.json(fromIntrospected(await introspect(caller, read.credential), read), 200)
})
