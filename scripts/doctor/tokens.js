/** Checks the tokens that other services verify: the published keys, their rotation, the lifetime and the issuer. */

/** Other services cannot see that a session has ended, so a published token must expire soon. */
const maxPublishedSeconds = 900

export async function checkTokens({ variables, access_token_seconds: seconds }, client, report) {
  const [keys, metadata] = [
    await client.get('/.well-known/jwks.json'),
    await client.get('/.well-known/oauth-authorization-server'),
  ]
  report.title('Tokens for other services')
  const names = ['SIGNING_KEY', 'SIGNING_KEY_NEXT', 'SIGNING_KEY_PREVIOUS'].filter((name) => variables.includes(name))
  checkKeys(names, keys, report)
  if (!variables.includes('SIGNING_KEY')) return
  if (seconds <= maxPublishedSeconds) report.ok(`lifetime: published tokens expire after ${seconds} s`)
  else
    report.fail(`lifetime: published tokens expire only after ${seconds} s`, 'ACCESS_TOKEN_TTL_SECONDS = 900 or less.')
  checkIssuer(variables, metadata, client, report)
}

function checkKeys(names, { status, body }, report) {
  const published = status === 200 && Array.isArray(body?.keys) ? body.keys.map(({ kid }) => kid) : undefined
  if (published?.length !== names.length) {
    const found = published ? `holds ${published.length} keys` : `returns ${status}`
    return report.fail(
      `keys: /.well-known/jwks.json ${found}, and ${names.length} are set`,
      'A proxy or a cache in front of the Worker answers instead of it, or with an old copy.',
    )
  }
  if (!names.includes('SIGNING_KEY')) {
    return report.info('keys: no SIGNING_KEY, so other services must use introspection', 'docs/verify-tokens.md.')
  }
  report.ok(`keys: SIGNING_KEY is set and published as ${published[0]}`)
  if (names.includes('SIGNING_KEY_NEXT')) {
    report.info(
      'keys: SIGNING_KEY_NEXT is published and does not sign yet',
      'docs/verify-tokens.md, step 2 of the rotation, 15 minutes after step 1.',
    )
  }
  if (names.includes('SIGNING_KEY_PREVIOUS')) {
    report.info(
      'keys: SIGNING_KEY_PREVIOUS is still published: a rotation is not finished',
      'docs/verify-tokens.md, step 3 of the rotation.',
    )
  }
}

function checkIssuer(variables, { body }, { origin, isLocal }, report) {
  const issuer = body?.issuer ?? 'no metadata'
  if (issuer !== origin) {
    const differs = isLocal ? report.info : report.fail
    differs(
      `issuer: ${issuer}, and this address is ${origin}`,
      'Services look for the keys at the issuer. Set ISSUER to the origin of the deployment, or run the doctor there.',
    )
  } else if (!variables.includes('ISSUER')) {
    report.info(`issuer: ${issuer} here; ISSUER is not set`, 'Set it if the deployment has several hosts.')
  } else report.ok(`issuer: ${issuer}, as this address`)
}
