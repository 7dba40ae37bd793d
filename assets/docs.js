/**
 * The interactive reference: Swagger UI over one contract's document. Signing in by an operation of the page signs in the page, and
 * signing out by one signs it out. What it is signed in with is in memory only and gone when the page is.
 */
/* global SwaggerUIBundle */

const credential = document.getElementById('credential')

const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()

const isOk = ({ status, body }) => status >= 200 && status < 300 && body?.success !== false

/** The schemes that an answer to this operation signs in by, each as the library keeps it; none if it is no sign-in. */
function signedInBy({ security, schemes, method, response }) {
  if (security?.length !== 0 || method !== 'post' || !isOk(response)) return undefined
  const told = { ...response.body, ...response.body?.data }
  const token = told.access_token ?? told.token
  const found = Object.entries(schemes).find(([, schema]) =>
    token === undefined ? isCookie(schema) : schema.scheme === 'bearer',
  )
  if (!found) return undefined
  const [name, schema] = found
  // No script can read the session's cookie: the browser keeps it and sends it along.
  return { [name]: { name, schema, value: token ?? 'kept by the browser' } }
}

const isCookie = (schema) => schema.type === 'apiKey' && schema.in === 'cookie'
const signsOut = (path, response) => /\/logout\/?$/.test(path) && isOk(response)

/** A form begins as its example and not with a word in every field, which a person who fills in some would send with them. */
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
            const authorized = signedInBy({ security, schemes, method, response })
            if (authorized) authActions.authorize(authorized)
            if (signsOut(path, response)) authActions.logout(Object.keys(schemes))
            return original(path, method, response)
          },
      },
    },
  },
}

/** In the dialog: nobody can type a cookie that no script may touch. */
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

const ui = SwaggerUIBundle({
  url: document.body.dataset.document,
  domNode: document.getElementById('reference'),
  plugins: [contractDocument, cookieByBrowser],
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
  requestInterceptor(request) {
    // The cookie is the browser's to send; the library would show a made-up one in its curl line.
    delete request.headers.Cookie
    return request
  },
})

const toSignIn = document.createElement('button')
toSignIn.textContent = 'Sign in'
toSignIn.addEventListener('click', () => {
  const posts = Object.values(ui.specSelectors.specJson().toJS().paths).flatMap(({ post }) => post ?? [])
  const { tags, operationId } = posts.find(({ security }) => security.length === 0)
  ui.layoutActions.show(['operations', tags[0], operationId], true)
  document.getElementById(`operations-${tags[0]}-${operationId}`).scrollIntoView()
})

let isSignedIn

/** Says whether the page is signed in and, where it is not, leads to the first operation that takes no credential. */
function showCredential() {
  if (isSignedIn === (isSignedIn = ui.authSelectors.authorized().size > 0)) return
  credential.replaceChildren(...(isSignedIn ? ['Signed in'] : ['Not signed in', toSignIn]))
}

ui.getStore().subscribe(showCredential)
showCredential()
