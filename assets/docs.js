/**
 * The interactive reference: Swagger UI for the document of one contract. An operation that signs in also signs the
 * page in, and one that signs out signs it out. The token is kept in the tab's session storage, so all contracts' pages
 * in the tab are signed in. Closing the tab deletes it.
 */
/* global SwaggerUIBundle */

const credential = document.getElementById('credential')
const contract = document.body.dataset.contract

const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()

/** The token of this tab, for every contract. */
const stored = {
  get: () => sessionStorage.getItem('token'),
  set: (token) => sessionStorage.setItem('token', token),
  clear: () => sessionStorage.removeItem('token'),
}

const isOk = ({ status, body }) => status >= 200 && status < 300 && body?.success !== false
const isCookie = (schema) => schema.type === 'apiKey' && schema.in === 'cookie'
const isBearer = (schema) => schema.scheme === 'bearer'
const signsIn = ({ security, method }) => security?.length === 0 && method === 'post'
const signsOut = (path) => /\/logout\/?$/.test(path)

/**
 * Returns the security schemes that a successful sign-in satisfies, each as the library stores it. Returns undefined
 * for any other response.
 */
function signedInBy(schemes, response) {
  const fields = { ...response.body, ...response.body?.data }
  const token = fields.access_token ?? fields.token
  const found = Object.entries(schemes).find(([, schema]) => (token === undefined ? isCookie : isBearer)(schema))
  if (!found) return undefined
  const [name, schema] = found
  // Scripts cannot read the session cookie. The browser stores and sends it.
  return { [name]: { name, schema, value: token ?? 'kept by the browser' } }
}

/** Fills each form with its example. The library would put a word into every field and send those. */
function withFormsAsTheirExamples(spec) {
  const operations = Object.values(spec.paths).flatMap((item) => Object.values(item))
  for (const content of operations.map(({ requestBody }) => requestBody?.content ?? {})) {
    for (const [type, media] of Object.entries(content)) {
      const component = spec.components.schemas[media.schema.$ref?.split('/').at(-1)]
      if (!type.includes('form') || !component?.properties) continue
      const fields = Object.entries(component.properties).map(([name, schema]) => {
        return [name, { ...schema, example: component.example?.[name] ?? '' }]
      })
      media.schema = { ...component, properties: Object.fromEntries(fields) }
    }
  }
  return spec
}

const contractDocument = {
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (original) => (spec) => original(withFormsAsTheirExamples(spec)),
        setResponse:
          (original, { authActions, specSelectors }) =>
          (path, method, response) => {
            const { paths, components } = specSelectors.specJson().toJS()
            const schemes = components.securitySchemes
            const { security } = paths[path][method]
            if (signsIn({ security, method }) && isOk(response)) {
              const authorized = signedInBy(schemes, response)
              if (authorized) authActions.authorize(authorized)
            }
            if (/\/(login|token)\/?$/.test(path) && !isOk(response))
              show({ failed: response.status ?? response.err?.statusCode ?? 'no answer' })
            if (signsOut(path) && isOk(response)) authActions.logout(Object.keys(schemes))
            return original(path, method, response)
          },
      },
    },
  },
}

/** Shows that the browser holds the cookie, which a user cannot enter. */
const cookieByBrowser = {
  wrapComponents: {
    apiKeyAuth: (Original, { React }) =>
      function ApiKey(props) {
        if (!isCookie(props.schema.toJS())) return React.createElement(Original, props)
        const isSignedIn = props.authorized?.get(props.name) !== undefined
        return React.createElement(
          'div',
          { className: 'kept-by-browser' },
          React.createElement('h4', null, React.createElement('code', null, props.name), ' (session cookie)'),
          React.createElement(
            'p',
            null,
            isSignedIn
              ? 'Signed in: the browser sends the cookie along until the operation that signs out takes it back.'
              : 'The operation that signs in gives the browser the cookie.',
          ),
        )
      },
  },
}

const secretField = /password|pin$|refresh_token|^token$/
const mask = '••••••••'

/** Returns a request body to display, with passwords, PINs and tokens masked. */
function masked(body) {
  if (typeof body !== 'string') return maskedFields(body)
  if (!body.trim().startsWith('{')) return body.replace(/(^|&)([^=&]+)=([^&]+)/g, maskedPair)
  try {
    return JSON.stringify(maskedFields(JSON.parse(body)), null, 2)
  } catch {
    // JSON that cannot be parsed may contain a password too.
    return mask
  }
}

const maskedPair = (pair, before, name) => (secretField.test(name) ? `${before}${name}=${mask}` : pair)

const maskedFields = (fields) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, secretField.test(name) ? mask : value]))

/** Hides secrets in the curl line, and marks operations that create something before they are sent. */
const plainWords = {
  wrapComponents: {
    curl:
      (Original, { React, Im }) =>
      ({ request, ...props }) => {
        const body = Im.isImmutable(request.get('body')) ? request.get('body').toJS() : request.get('body')
        const shown = body ? request.set('body', Im.fromJS(masked(body))) : request
        return React.createElement(Original, { ...props, request: shown })
      },
    execute:
      (Original, { React }) =>
      (props) =>
        React.createElement(
          React.Fragment,
          null,
          /Create|Issue|Import/.test(props.operation.get('operationId')) &&
            React.createElement('p', { className: 'is-real' }, 'Execute creates something real in this directory.'),
          React.createElement(Original, props),
        ),
  },
}

const ui = SwaggerUIBundle({
  url: document.body.dataset.document,
  domNode: document.getElementById('reference'),
  plugins: [contractDocument, cookieByBrowser, plainWords],
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete: start,
  requestInterceptor(request) {
    // The browser sends the cookie itself. The library would show a made-up one in its curl line.
    delete request.headers.Cookie
    return request
  },
})

const spec = () => ui.specSelectors.specJson().toJS()
const schemes = () => Object.entries(spec().components.securitySchemes)

/** Signs the page in with the token that the tab stored, then keeps the header up to date. */
function start() {
  const [name, schema] = schemes().find(([, candidate]) => isBearer(candidate))
  const value = stored.get()
  if (value) ui.authActions.authorize({ [name]: { name, schema, value } })
  ui.getStore().subscribe(followAuthorization)
  followAuthorization()
}

/** Returns the token of the page, `cookie` for the session cookie, or undefined. */
function signedInWith() {
  const entries = Object.values(ui.authSelectors.authorized()?.toJS() ?? {})
  if (entries.length === 0) return undefined
  return entries.find(({ schema }) => isBearer(schema))?.value ?? 'cookie'
}

let current = null

function followAuthorization() {
  if (current === (current = signedInWith())) return
  if (current === undefined || current === 'cookie') stored.clear()
  else stored.set(current)
  show()
  if (current !== undefined && current !== 'cookie') void showEmail(current)
}

/** Shows the user's email in the header. Removes a token that is no longer valid. */
async function showEmail(token) {
  const response = await fetch('/v1/me', { headers: { authorization: `Bearer ${token}` } })
  if (token !== current) return
  if (response.status === 401) ui.authActions.logout(schemes().map(([name]) => name))
  else if (response.ok) show({ email: (await response.json()).email })
}

/** Updates the header: the user and a sign-out link, or a sign-in link with the status of a failed sign-in. */
function show({ email, failed } = {}) {
  credential.classList.toggle('failed', failed !== undefined)
  if (current !== undefined) {
    const place = current === 'cookie' ? ` to ${contract}` : ''
    return credential.replaceChildren(`Signed in${place}${email ? ` as ${email}` : ''}`, button('Sign out', signOut))
  }
  const state = failed === undefined ? 'Not signed in' : `Not signed in: the sign-in failed (${failed})`
  credential.replaceChildren(state, button('Sign in', leadToSignIn))
}

function button(text, onClick) {
  const element = document.createElement('button')
  element.textContent = text
  element.addEventListener('click', onClick)
  return element
}

/** Opens the operation that signs in, the first without a credential. */
function leadToSignIn() {
  const posts = Object.values(spec().paths).flatMap(({ post }) => post ?? [])
  const { tags, operationId } = posts.find(({ security }) => security.length === 0)
  ui.layoutActions.show(['operations-tag', tags[0]], true)
  ui.layoutActions.show(['operations', tags[0], operationId], true)
  document.getElementById(`operations-${tags[0]}-${operationId}`).scrollIntoView()
}

/** Ends the session in the directory, then in the page. */
async function signOut() {
  if (current === 'cookie') {
    const [path] = Object.keys(spec().paths).filter(signsOut)
    await fetch(`/${contract}${path}`)
  } else {
    await fetch('/v1/auth/logout', { method: 'POST', headers: { authorization: `Bearer ${current}` } })
  }
  ui.authActions.logout(schemes().map(([name]) => name))
}
