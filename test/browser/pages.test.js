/** The index and the interactive reference in a browser. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, openPage, screenshot } from '../support/chromium'
import { operationsOf } from '../support/conformance'
import { admin, hurried, newServer } from '../support/server'

const newcomer = { email: 'pilar.osei@example.org', password: 'a password long enough' }

const plainRole = '019a0000-0000-7000-8000-000000000002'

/**
 * How to sign in, create a user, read them and sign out in each contract: the operations, and the values to type into
 * them.
 */
const contracts = {
  personnel: {
    signIn: ['personnelToken', { form: { username: admin.email, password: admin.password } }],
    create: [
      'personnelCreateUser',
      { json: { ...newcomer, email: 'pilar@personnel.example', matricule: 77, nom: 'Pilar Osei', role_id: plainRole } },
    ],
    read: ['personnelGetUser', { parameters: { user_id: '77' } }],
    signOut: 'personnelLogout',
    creates: 'pilar@personnel.example',
  },
  v1: {
    signIn: ['v1Login', { json: { identifier: admin.email, password: admin.password } }],
    create: ['v1CreateUser', { json: { ...newcomer, name: 'Pilar Osei' }, parameters: { 'idempotency-key': 'pilar' } }],
    read: ['v1ListUsers', { parameters: { search: 'pilar.osei' } }],
    signOut: 'v1Logout',
    creates: newcomer.email,
  },
  rbac: {
    signIn: ['rbacLogin', { json: { email: admin.email, password: admin.password } }],
    create: [
      'rbacCreateUser',
      { json: { ...newcomer, email: 'pilar@rbac.example', first_name: 'Pilar', last_name: 'Osei' } },
    ],
    read: ['rbacListUsers', { parameters: { search: 'pilar@rbac' } }],
    signOut: 'rbacLogout',
    creates: 'pilar@rbac.example',
  },
  clinic: {
    signIn: ['clinicLogin', { form: { username: admin.email, password: admin.password } }],
    create: [
      'clinicCreateUser',
      { form: { username: 'pilar.osei', first_name: 'Pilar', last_name: 'Osei', email: 'pilar@clinic.example' } },
    ],
    read: ['clinicSearchUsers', { parameters: { query_string: 'pilar@clinic' } }],
    signOut: 'clinicLogout',
    creates: 'pilar@clinic.example',
  },
  backoffice: {
    signIn: ['backofficeLogin', { json: { username: admin.email, password: admin.password } }],
    create: [
      'backofficeCreateUser',
      {
        json: {
          ...newcomer,
          email: 'pilar@backoffice.example',
          password_confirmation: newcomer.password,
          username: 'pilar',
          first_name: 'Pilar',
          last_name: 'Osei',
          gender: 'female',
          birthday: '1980-03-04',
        },
      },
    ],
    read: ['backofficeListUsers', { parameters: { search: 'pilar@backoffice' } }],
    signOut: 'backofficeLogout',
    creates: 'pilar@backoffice.example',
  },
  // Its clients bring a token. It has no sign-in of its own.
  scim: { create: ['scimCreateUser'] },
}
/** Those that have a sign-in of their own. */
const withSignIn = Object.fromEntries(Object.entries(contracts).filter(([, { signIn }]) => signIn))

let server
let browser

beforeAll(async () => {
  browser = await launchChromium()
  server = await newServer(hurried)
  await server.start()
})
afterAll(async () => {
  await browser?.close()
  await server?.remove()
})

const open = (options) => openPage(browser, server.address, options)

/** The reference of a contract, once its operations are visible. */
async function openReference(name, options) {
  const opened = await open(options)
  await opened.page.goto(`${server.address}/docs/${name}`)
  await opened.page.locator('.opblock').first().waitFor()
  return opened
}

/**
 * Opens an operation of the reference, types the given values, sends the request, and reads the response from the page.
 */
async function tryOut(page, operationId, { parameters = {}, form = {}, json } = {}) {
  const operation = page.locator(`.opblock[id$="-${operationId}"]`)
  const execute = operation.locator('.execute')
  if (!(await execute.isVisible())) await operation.locator('.opblock-summary-control').click()
  await execute.waitFor()
  for (const [name, value] of Object.entries(parameters)) {
    await operation.locator(`tr[data-param-name="${name}"] input`).fill(value)
  }
  for (const [name, value] of Object.entries(form)) {
    await operation.locator(`tr[data-property-name="${name}"] input[type]:not([type=checkbox])`).fill(value)
  }
  if (json) await operation.locator('textarea.body-param__text').fill(JSON.stringify(json))
  // Clears the response to an earlier request.
  if (await operation.locator('.btn-clear').isVisible()) await operation.locator('.btn-clear').click()
  const sent = page.waitForRequest((request) => !request.url().includes('/doc'))
  await execute.click()
  const request = await sent
  const answer = operation.locator('.live-responses-table .response')
  await answer.waitFor()
  const response = await request.response()
  expect((await answer.locator('.response-col_status').textContent()).trim()).toMatch(
    new RegExp(`^${response.status()}`),
  )
  return { status: response.status(), headers: await request.allHeaders(), text: await answer.textContent() }
}

const signedIn = { byToken: `Signed in as ${admin.email}`, clinic: 'Signed in to clinic' }

const curlOf = (page, operationId) => page.locator(`.opblock[id$="-${operationId}"] .curl-command`).textContent()

const windows = [
  ['light', 1280],
  ['dark', 1280],
  ['light', 390],
  ['dark', 390],
]

/** The operations that show a closed lock. Signing out of v1 takes a credential or none, so the reference always shows it closed. */
const locked = (page) => page.locator('.opblock:not([id$="-v1Logout"]) .authorization__btn svg.locked').count()

describe('the index', () => {
  it('links to the reference, the document and /health, without a script', async () => {
    const { page, complaints, close } = await open({ javaScriptEnabled: false })
    await page.goto(`${server.address}/`)
    const links = await page.locator('a').evaluateAll((found) => found.map((link) => link.getAttribute('href')))
    const expected = [
      '/docs',
      '/doc',
      '/health',
      ...Object.keys(contracts).flatMap((name) => [`/docs/${name}`, `/doc/${name}`]),
    ]
    expect(links).toEqual(expect.arrayContaining(expected))
    for (const link of new Set(links)) expect([link, (await fetch(server.address + link)).status]).toEqual([link, 200])
    expect(await page.locator('pre').first().textContent()).toContain(`${server.address}/v1/auth/login`)
    expect(complaints).toEqual([])
    await close()
  })

  it.each(windows)('fits its window: %s, %i wide', async (colorScheme, width) => {
    const { page, complaints, close } = await open({ colorScheme, viewport: { width, height: 900 } })
    await page.goto(`${server.address}/`)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    await screenshot(page, `index-${colorScheme}-${width}.png`, { fullPage: true })
    expect(complaints).toEqual([])
    await close()
  })
})

describe.each(Object.entries(contracts))('the reference of %s', (name, { signIn, create, read, signOut, creates }) => {
  let page
  let complaints
  let close
  beforeAll(async () => {
    ;({ page, complaints, close } = await openReference(name))
  })
  afterAll(() => close?.())
  afterEach(() => expect(complaints).toEqual([]))

  it('lists every operation of its document and leads to the other contracts', async () => {
    const document = await (await fetch(`${server.address}/doc/${name}`)).json()
    const listed = await page.locator('.opblock').evaluateAll((blocks) => blocks.map(({ id }) => id))
    const documented = operationsOf(document).map(({ operationId, tags }) => `operations-${tags[0]}-${operationId}`)
    expect(listed.sort()).toEqual(documented.sort())
    const links = await page.locator('nav a').evaluateAll((found) => found.map((link) => link.getAttribute('href')))
    expect(links).toEqual(Object.keys(contracts).map((other) => `/docs/${other}`))
    expect(await page.locator('nav [aria-current=page]').textContent()).toBe(name)
  })

  it('lets the reader try every operation', async () => {
    const controls = page.locator('.opblock-summary-control')
    const press = () => controls.evaluateAll((found) => found.forEach((control) => control.click()))
    await press()
    await expect.poll(() => page.locator('.opblock .execute:enabled').count()).toBe(await controls.count())
    await press()
    await expect.poll(() => page.locator('.opblock .execute').count()).toBe(0)
  })

  it.each(windows)('fits its window with an open operation: %s, %i wide', async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 900 })
    await page.evaluate(() => scrollTo(0, 0))
    await screenshot(page, `${name}-${colorScheme}-${width}.png`)
    const operation = page.locator(`.opblock[id$="-${create[0]}"]`)
    await operation.locator('.opblock-summary-control').click()
    await operation.locator('.execute').waitFor()
    await screenshot(operation, `${name}-${create[0]}-${colorScheme}-${width}.png`)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    await operation.locator('.opblock-summary-control').click()
    await page.setViewportSize({ width: 1280, height: 900 })
  })

  if (!signIn) return

  it('is unchanged after a failed sign-in', async () => {
    const [signer, credentials] = signIn
    const [kind, entries] = Object.entries(credentials)[0]
    const { status } = await tryOut(page, signer, { [kind]: { ...entries, password: 'not the password' } })
    const credential = page.locator('#credential')
    if (status === 401) expect(await credential.textContent()).toContain('Not signed in: the sign-in failed (401)')
    else expect(await credential.textContent()).toContain('Not signed in')
    expect(await locked(page)).toBe(0)
  })

  it('signs in with its own operation, creates a user, shows them and signs out', async () => {
    const credential = page.locator('#credential')
    const [reader, shownUser] = read
    expect((await tryOut(page, reader, shownUser)).status).toBe(401)

    await credential.getByRole('button').click()
    const [signer, credentials] = signIn
    expect(await page.locator(`.opblock.is-open[id$="-${signer}"]`).count()).toBe(1)
    expect((await tryOut(page, signer, credentials)).status).toBe(200)
    await expect.poll(() => credential.textContent()).toMatch(signedIn[name] ?? signedIn.byToken)
    expect(await curlOf(page, signer)).not.toContain(admin.password)
    expect(await locked(page)).toBeGreaterThan(0)

    const created = await tryOut(page, ...create)
    expect(created.status, created.text).toBeLessThan(300)
    expect(created.text).toContain(creates)
    expect((await tryOut(page, reader, shownUser)).text).toContain('Pilar')
    expect(await directory(creates)).toEqual([creates])
    await screenshot(page, `${name}-signed-in.png`)
    // The token is kept only for the tab, and the cookie only by the browser.
    const kept = name === 'clinic' ? 0 : 1
    expect(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie])).toEqual([
      ...[0, kept, ''],
    ])

    expect((await tryOut(page, signOut)).status).toBeLessThan(300)
    expect(await credential.textContent()).toContain('Not signed in')
    expect(await locked(page)).toBe(0)
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    const after = await tryOut(page, reader, shownUser)
    expect([after.status, after.headers.authorization]).toEqual([401, undefined])
  })
})

describe('the reference', () => {
  it.each(windows)(
    'has an index of the contracts at /docs that fits its window: %s, %i wide',
    async (scheme, width) => {
      const { page, complaints, close } = await open({ colorScheme: scheme, viewport: { width, height: 900 } })
      await page.goto(`${server.address}/docs`)
      const links = await page
        .locator('main h2 a')
        .evaluateAll((found) => found.map((link) => link.getAttribute('href')))
      expect(links).toEqual(Object.keys(contracts).map((name) => `/docs/${name}`))
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
      await screenshot(page, `docs-${scheme}-${width}.png`, { fullPage: true })
      expect(complaints).toEqual([])
      await close()
    },
  )

  it('stays signed in on the page of every contract in the tab, and signs out from its header', async () => {
    const { page, complaints, close } = await openReference('personnel')
    const credential = page.locator('#credential')
    const visit = async (name) => {
      await page.locator(`nav a[href="/docs/${name}"]`).click()
      await page.locator('.opblock').first().waitFor()
    }
    await tryOut(page, ...contracts.personnel.signIn)
    for (const [name, { read }] of Object.entries(withSignIn)) {
      await visit(name)
      await expect.poll(() => credential.textContent()).toContain(`Signed in as ${admin.email}`)
      expect([name, (await tryOut(page, ...read)).status]).not.toEqual([name, 401])
    }
    const token = await page.evaluate(() => sessionStorage.getItem('token'))
    await credential.getByRole('button', { name: 'Sign out' }).click()
    await expect.poll(() => credential.textContent()).toContain('Not signed in')
    await visit('v1')
    expect((await tryOut(page, ...contracts.v1.read)).status).toBe(401)
    const me = await fetch(`${server.address}/v1/me`, { headers: { authorization: `Bearer ${token}` } })
    expect(me.status).toBe(401)
    expect(complaints).toEqual([])
    await close()
  })

  it('signs out of the session cookie from the header', async () => {
    const { page, close } = await openReference('clinic')
    await tryOut(page, ...contracts.clinic.signIn)
    const credential = page.locator('#credential')
    await expect.poll(() => credential.textContent()).toContain('Signed in to clinic')
    await credential.getByRole('button', { name: 'Sign out' }).click()
    await expect.poll(() => credential.textContent()).toContain('Not signed in')
    expect((await tryOut(page, ...contracts.clinic.read)).status).toBe(401)
    await close()
  })

  it('shows a failed sign-in on a phone without scrolling, and the status above the curl line', async () => {
    const { page, close } = await openReference('v1', { viewport: { width: 390, height: 700 } })
    await tryOut(page, 'v1Login', { json: { identifier: admin.email, password: 'not the password' } })
    const credential = page.locator('#credential')
    expect(await credential.textContent()).toContain('the sign-in failed (401)')
    const { y, height } = await credential.boundingBox()
    expect([y >= 0, y + height <= 700]).toEqual([true, true])
    const operation = page.locator('.opblock[id$="-v1Login"]')
    const status = await operation.locator('.live-responses-table .response-col_status').last().boundingBox()
    const curl = await operation.locator('.curl-command').boundingBox()
    expect(status.y).toBeLessThan(curl.y)
    await close()
  })

  it('hides passwords, PINs and tokens in the curl line of JSON bodies and of forms', async () => {
    const { page, close } = await openReference('personnel')
    await tryOut(page, 'personnelToken', { form: { username: admin.email, password: 'a secret <in> a form' } })
    expect(await curlOf(page, 'personnelToken')).not.toMatch(/a(%20|\+| )secret/)
    await page.goto(`${server.address}/docs/v1`)
    await page.locator('.opblock').first().waitFor()
    const secret = 'a secret in JSON'
    await tryOut(page, 'v1Login', { json: { identifier: admin.email, password: secret } })
    expect(await curlOf(page, 'v1Login')).not.toContain(secret)
    await tryOut(page, 'v1SetPassword', { json: { token: secret, new_password: secret } })
    expect(await curlOf(page, 'v1SetPassword')).not.toContain(secret)
    await close()
  })

  it('warns before it sends an operation that creates real data', async () => {
    const { page, close } = await openReference('rbac')
    const notices = async (operationId) => {
      const operation = page.locator(`.opblock[id$="-${operationId}"]`)
      await operation.locator('.opblock-summary-control').click()
      await operation.locator('.execute').waitFor()
      return operation.locator('.is-real').allTextContents()
    }
    expect(await notices('rbacCreateUser')).toEqual(['Execute creates something real in this directory.'])
    expect(await notices('rbacListUsers')).toEqual([])
    await close()
  })

  it('opens at the operation that the URL names', async () => {
    const { page, close } = await open()
    const { paths } = await (await fetch(`${server.address}/doc/v1`)).json()
    const [tag] = paths['/users/{id}'].patch.tags
    await page.goto(`${server.address}/docs/v1#/${tag}/v1PatchUser`)
    await page.locator(`#operations-${tag}-v1PatchUser .execute`).waitFor()
    await close()
  })

  it('sends the typed headers If-Match and Idempotency-Key', async () => {
    const { page, close } = await openReference('v1')
    await tryOut(page, ...contracts.v1.signIn)
    const json = { ...newcomer, email: 'twice@example.org', name: 'Repeated Request' }
    const parameters = { 'idempotency-key': 'repeated request' }
    const first = await tryOut(page, 'v1CreateUser', { json, parameters })
    const again = await tryOut(page, 'v1CreateUser', { json, parameters })
    expect([first.status, again.status, again.headers['idempotency-key']]).toEqual([201, 201, 'repeated request'])
    const [id] = /usr_[0-9a-f]{32}/.exec(again.text)
    const changed = (version) =>
      tryOut(page, 'v1PatchUser', { parameters: { id, 'if-match': version }, json: { phone: '+33 1 70 18 00 01' } })
    expect((await changed('"99"')).status).toBe(412)
    expect((await changed('"1"')).status).toBe(200)
    await close()
  })

  it('sends no token with a sign-in, even when signed in', async () => {
    const { page, close } = await openReference('v1')
    await tryOut(page, ...contracts.v1.signIn)
    const { text } = await tryOut(page, 'v1ListUsers', { parameters: { search: 'pilar.osei' } })
    const [id] = /usr_[0-9a-f]{32}/.exec(text)
    expect((await tryOut(page, 'v1IssuePasswordToken', { parameters: { id } })).status).toBeLessThan(300)
    expect((await tryOut(page, 'v1GetMe')).status).toBe(200)
    await close()
  })
})

/** The emails of the users who have this one, from the API. */
async function directory(email) {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ identifier: admin.email, password: admin.password })
  const { access_token } = await (
    await fetch(`${server.address}/v1/auth/login`, { method: 'POST', headers, body })
  ).json()
  const response = await fetch(`${server.address}/v1/users?search=${encodeURIComponent(email)}`, {
    headers: { authorization: `Bearer ${access_token}` },
  })
  return (await response.json()).data.map((user) => user.email)
}
