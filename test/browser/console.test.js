/** The console in a browser: every screen, by mouse and by keyboard alone, with few permissions and with hostile text. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toMarkdown } from '../../scripts/rehearse/report-markdown.js'
import { launchChromium, openPage, screenshot } from '../support/chromium'
import { admin, hurried, newServer } from '../support/server'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const hostile = '<img src=x onerror="hit=1"><script>hit=1</script>'
const password = 'a password long enough'
const reader = { email: 'rana.reader@example.org', password }
const screens = ['Find', 'Roles', 'API keys', 'Audit', 'Import', 'Export', 'Webhooks', 'Move', 'Health']

let server
let browser
let token
/** The people that the tests are about, by a short name. */
const people = {}

beforeAll(async () => {
  browser = await launchChromium()
  const upstream = { url: 'http://127.0.0.1:9/verify', hook: true }
  server = await newServer({ ...hurried, UPSTREAMS: JSON.stringify({ 'clinic-legacy': upstream }) })
  await server.start()
  await populate()
})
afterAll(async () => {
  await browser?.close()
  await server?.remove()
})

async function api(method, path, body, { as = token, headers = {} } = {}) {
  const response = await fetch(server.address + path, {
    method,
    headers: { ...(as && { authorization: `Bearer ${as}` }), 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = (response.headers.get('content-type') ?? '').includes('json') && !text.includes('\n')
  return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text }
}

const signInByApi = async ({ email, password: secret }, headers = {}) =>
  (await api('POST', '/v1/auth/login', { identifier: email, password: secret }, { as: '', headers })).body

async function populate() {
  token = (await signInByApi(admin)).access_token
  await api('POST', '/v1/roles', { name: 'reader', permissions: ['users:read'] })
  await api('POST', '/v1/roles', { name: hostile.slice(0, 60), description: hostile, permissions: [] })
  const create = async (name, fields) => (people[name] = (await api('POST', '/v1/users', { password, ...fields })).body)
  const pilar = { email: 'pilar.osei@example.org', name: 'Pilar Osei', first_name: 'Pilar', last_name: 'Osei' }
  await create('pilar', { ...pilar, matricule: 4821, username: 'pilar', phone: '+33 1 70 18 00 21', country_id: 250 })
  await create('noor', { email: 'noor.before@example.org', name: 'Noor Haddad' })
  await api('PATCH', `/v1/users/${people.noor.id}`, { email: 'noor.haddad@example.org' })
  await create('raced', { email: 'raced@example.org', name: 'Raced Person' })
  await create('reader', { ...reader, name: 'Rana Reader', role: 'reader' })
  await create('hostile', { email: 'hostile@example.org', name: hostile })
  await signInByApi({ email: 'hostile@example.org', password }, { 'user-agent': '<script>hit=1</script>' })
  await api('POST', '/v1/webhooks', { url: `http://127.0.0.1:9/${hostile}`, description: hostile })
  const pending = { email: 'pending@example.org', name: 'Pending Person', password_from: 'clinic-legacy' }
  const { body } = await api('POST', '/v1/imports', `${JSON.stringify(pending)}\n`, {
    headers: { 'content-type': 'application/x-ndjson' },
  })
  people.pending = { id: /usr_[0-9a-f]{32}/.exec(body)[0] }
}

/** A page that is signed in, at `path`. */
async function signedIn(path = '/console', { as = admin, ...options } = {}) {
  // Colours that are on their way to others have no contrast to measure.
  const opened = await openPage(browser, server.address, { reducedMotion: 'reduce', ...options })
  const { page } = opened
  await page.goto(server.address + path)
  await page.getByLabel('Email, username or matricule').fill(as.email)
  await page.getByLabel('Password').fill(as.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Sign out' }).waitFor()
  return opened
}

/** Waits until everything that the screen shows is loaded. */
async function settled(page) {
  await page.locator('h1').waitFor()
  await expect.poll(() => page.locator('.loading, [aria-busy=true]').count(), { interval: 30 }).toBe(0)
}

async function violations(page) {
  await page.evaluate(axe)
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
  const { violations: found } = await page.evaluate(
    (runOnly) => window.axe.run(document, { runOnly, resultTypes: ['violations'] }),
    tags,
  )
  return found.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`)}`,
  )
}

const personAt = (name) => `/console/people/${people[name].id}`
const pathOf = { Find: '/console', 'API keys': '/console/api-keys' }
const shown = [
  ...screens.map((name) => [name, () => pathOf[name] ?? `/console/${name.toLowerCase()}`]),
  ['person', () => personAt('pilar')],
  ['hostile person', () => personAt('hostile')],
  ['unknown', () => '/console/nothing'],
]
const looks = [
  ['light', 1280],
  ['dark', 1280],
  ['light', 360],
  ['dark', 390],
]

describe('every screen', () => {
  let opened
  beforeAll(async () => {
    opened = await signedIn()
  })
  afterAll(() => opened?.close())

  it.each(shown)(
    'renders without an error or a violation of the policy, fits its window, and axe finds nothing: %s',
    async (name, path) => {
      const { page, complaints } = opened
      complaints.length = 0
      await page.goto(server.address + path())
      await settled(page)
      for (const [colorScheme, width] of looks) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 900 })
        expect([width, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([width, width])
        await screenshot(page, `console-${name}-${colorScheme}-${width}.png`, { fullPage: true })
      }
      expect(complaints).toEqual([])
      // In the dark and narrow look, and in the light and wide one.
      expect(await violations(page)).toEqual([])
      await page.emulateMedia({ colorScheme: 'light' })
      await page.setViewportSize({ width: 1280, height: 900 })
      expect(await violations(page)).toEqual([])
    },
  )

  it.each([
    ['New person', () => '/console'],
    ['New role', () => '/console/roles'],
    ['New API key', () => '/console/api-keys'],
    ['New webhook', () => '/console/webhooks'],
    ['Set-password link', () => personAt('pilar')],
    ['Deactivate', () => personAt('pilar')],
    ['Delete', () => personAt('pilar')],
    ['Change roles', () => personAt('pilar')],
  ])('has dialogs that keep the focus, close by Escape, and in which axe finds nothing: %s', async (name, path) => {
    const { page, complaints } = opened
    complaints.length = 0
    await page.goto(server.address + path())
    await settled(page)
    const opener = page.getByRole('button', { name, exact: true })
    await opener.click()
    await page.getByRole('dialog').waitFor()
    await settled(page)
    expect(await page.evaluate(() => document.activeElement.closest('dialog') !== null)).toBe(true)
    expect(complaints).toEqual([])
    expect(await violations(page)).toEqual([])
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    expect(await opener.evaluate((element) => element === document.activeElement)).toBe(true)
  })

  it('has doors in which axe finds nothing: signing in, and choosing a password', async () => {
    const { page, close } = await openPage(browser, server.address, { reducedMotion: 'reduce' })
    for (const path of ['/console', '/console/set-password#token']) {
      await page.goto(server.address + path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      expect(await violations(page)).toEqual([])
    }
    await close()
  })

  it('is a link of the navigation, and opens with the focus on its heading', async () => {
    const { page, complaints, close } = await signedIn()
    const links = await page.locator('nav[aria-label=Screens] a').allTextContents()
    expect(links).toEqual(screens)
    for (const name of screens.slice(1)) {
      await page.getByRole('link', { name, exact: true }).click()
      // The link that was clicked has the same text as the heading.
      const focus = () => page.evaluate(() => `${document.activeElement.tagName} ${document.activeElement.textContent}`)
      await expect.poll(focus).toBe(`H1 ${name}`)
      await expect.poll(() => page.title()).toBe(`${name} · Usher console`)
    }
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: 'Move' }).waitFor()
    expect(complaints).toEqual([])
    await close()
  })

  it('shows that the directory does not answer, and tries again', async () => {
    const { page, close } = await signedIn('/console/roles')
    await page.getByText('Holds every permission').waitFor()
    await page.route('**/v1/webhooks', (route) => route.abort())
    await page.getByRole('link', { name: 'Webhooks' }).click()
    await page.getByRole('alert').getByText('The directory did not answer.').waitFor()
    await page.unroute('**/v1/webhooks')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('button', { name: 'Ping' }).waitFor()
    await close()
  })
})

describe('the session', () => {
  it('survives a reload, is in no storage that a script can read, and ends everywhere with the sign-out', async () => {
    const { page, complaints, close } = await signedIn('/console/roles')
    const [request] = await Promise.all([page.waitForRequest('**/v1/roles'), page.reload()])
    await page.getByRole('heading', { level: 1, name: 'Roles' }).waitFor()
    const { authorization } = await request.allHeaders()
    const readable = () => [localStorage.length, sessionStorage.length, document.cookie]
    expect(await page.evaluate(readable)).toEqual([0, 0, ''])
    const [cookie] = await page.context().cookies()
    expect(cookie).toMatchObject({ name: '__Host-console', httpOnly: true, secure: true, sameSite: 'Strict' })
    expect((await fetch(`${server.address}/v1/me`, { headers: { authorization } })).status).toBe(200)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByText('You have signed out.').waitFor()
    expect((await fetch(`${server.address}/v1/me`, { headers: { authorization } })).status).toBe(401)
    await page.reload()
    await page.getByLabel('Password').waitFor()
    expect(complaints).toEqual([])
    await close()
  })

  it('continues with a new access token when the old one has expired', async () => {
    const { page, close } = await signedIn()
    let expired = 0
    await page.route('**/v1/roles', async (route) => {
      const headers = { ...(await route.request().allHeaders()), authorization: 'Bearer expired' }
      await route.continue(expired++ === 0 ? { headers } : {})
    })
    await page.getByRole('link', { name: 'Roles' }).click()
    await page.getByText('Holds every permission').waitFor()
    expect(expired).toBe(2)
    await close()
  })

  it('asks to sign in again when the session was ended elsewhere, and then shows the same screen', async () => {
    const { page, close } = await signedIn('/console', { as: reader })
    await api('DELETE', `/v1/users/${people.reader.id}/sessions`)
    await page.getByRole('searchbox').fill('pilar')
    await page.getByText('Your session has ended.').waitFor()
    await page.getByLabel('Email, username or matricule').fill(reader.email)
    await page.getByLabel('Password').fill('not the password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('The identifier or the password is wrong.').waitFor()
    await page.getByLabel('Password').fill(reader.password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('link', { name: 'Pilar Osei' }).waitFor()
    await close()
  })
})

describe('Find', () => {
  it.each([
    ['part of a name', () => 'ila'],
    ['part of an email', () => 'pilar.os'],
    ['a username', () => 'pilar'],
    ['a matricule', () => '4821'],
    ['an id', () => people.pilar.id],
    ['a number', async () => String(await numberOf('pilar'))],
  ])('finds a person by %s', async (_, text) => {
    const { page, close } = await signedIn()
    await page.getByRole('searchbox').fill(await text())
    await page.locator('#found').getByRole('link', { name: 'Pilar Osei' }).first().click()
    await page.getByRole('heading', { level: 1, name: 'Pilar Osei' }).waitFor()
    await close()
  })

  it('filters by state, role and password, with the exact total, and keeps the filters in the URL', async () => {
    const { page, close } = await signedIn()
    const total = (text) => page.getByText(text, { exact: true }).waitFor()
    await total('7 people')
    await page.getByLabel('Password', { exact: true }).selectOption('pending')
    await total('1 person')
    await page.reload()
    await page.getByRole('link', { name: 'Pending Person' }).waitFor()
    await page.getByLabel('Password', { exact: true }).selectOption('')
    await page.getByLabel('Role', { exact: true }).selectOption('reader')
    await page.getByRole('link', { name: 'Rana Reader' }).waitFor()
    await page.getByLabel('State').selectOption('inactive')
    await page.getByText('No person matches.').waitFor()
    await close()
  })

  /** clinic shows the number of a person, v1 does not. */
  async function numberOf(name) {
    const { body } = await api('GET', `/clinic/users/user/search/?query_string=${people[name].email}`)
    return body.data[0].id
  }
})

describe('a person', () => {
  const fieldsOf = {
    personnel: ['user_id', 'matricule', 'nom', 'timestamp'],
    v1: ['id', 'matricule', 'first_name', 'country_id'],
    rbac: ['id', 'first_name', 'is_active'],
    clinic: ['id', 'uid', 'is_admin', 'gender'],
    backoffice: ['user_id', 'birthday', 'user_status'],
    scim: ['userName', 'name.givenName', 'displayName'],
  }

  it('is shown as each contract shows them, in a tab with its own field names, reached by the arrow keys', async () => {
    const { page, complaints, close } = await signedIn(personAt('pilar'))
    await page.getByRole('tab', { name: 'personnel' }).click()
    for (const [contract, fields] of Object.entries(fieldsOf)) {
      const panel = page.getByRole('tabpanel', { name: contract })
      await panel.locator('table').waitFor()
      expect(await page.getByRole('tab', { selected: true }).textContent()).toBe(contract)
      const shown = await panel.locator('tbody th').allTextContents()
      expect([contract, fields.filter((field) => !shown.includes(field))]).toEqual([contract, []])
      await page.keyboard.press('ArrowRight')
    }
    const personnel = page.getByRole('tabpanel', { name: 'personnel' })
    expect(await personnel.locator('tr', { hasText: 'nom' }).textContent()).toContain('renamed name')
    expect(await personnel.locator('.lost').textContent()).toContain('username, first_name, last_name')
    expect(complaints).toEqual([])
    await close()
  })

  it('is edited in place, and a lost race shows both versions', async () => {
    const { page, close } = await signedIn(personAt('raced'))
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Phone').fill('+33 1 00 00 00 01')
    await page.getByLabel('Username').fill('raced')
    await api('PATCH', `/v1/users/${people.raced.id}`, { phone: '+33 1 99 99 99 99' })
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Somebody else has changed this person' }).waitFor()
    const phone = page.getByRole('table', { name: 'Both versions' }).getByRole('row', { name: /^Phone/ })
    expect(await phone.textContent()).toContain('+33 1 99 99 99 99')
    expect(await phone.textContent()).toContain('+33 1 00 00 00 01')
    expect((await api('GET', `/v1/users/${people.raced.id}`)).body.username).toBeNull()
    await page.getByRole('button', { name: 'Save my changes on top' }).click()
    await page.getByRole('button', { name: 'Edit' }).waitFor()
    const { phone: kept, username } = (await api('GET', `/v1/users/${people.raced.id}`)).body
    expect([kept, username]).toEqual(['+33 1 00 00 00 01', 'raced'])
    await close()
  })

  it('gets a link that sets their password once, without the token in any request but the one that uses it', async () => {
    const { page, close } = await signedIn(personAt('raced'))
    await page.getByRole('button', { name: 'Set-password link' }).click()
    await page.getByRole('button', { name: 'Create the link' }).click()
    const link = await page.getByLabel('Set-password link').inputValue()
    await close()
    const other = await openPage(browser, server.address)
    const asked = []
    other.page.on('request', (request) => asked.push(request.url()))
    await other.page.goto(link)
    await other.page.getByLabel('New password').fill('quite another password')
    await other.page.getByRole('button', { name: 'Set the password' }).click()
    await other.page.getByText('Your password is set.').waitFor()
    expect(asked.filter((url) => url.includes(link.split('#')[1]))).toEqual([])
    expect(other.complaints).toEqual([])
    await other.close()
    expect((await signInByApi({ email: 'raced@example.org', password: 'quite another password' })).user.name).toBe(
      'Raced Person',
    )
  })

  it('is deleted only with the name typed', async () => {
    const { body } = await api('POST', '/v1/users', { email: 'gone@example.org', name: 'Gone Soon', password: null })
    const { page, close } = await signedIn(`/console/people/${body.id}`)
    await page.getByRole('button', { name: 'Delete' }).click()
    const confirm = page.getByRole('button', { name: 'Delete for good' })
    await page.getByLabel('Type the name').fill('Gone')
    expect(await confirm.isDisabled()).toBe(true)
    await page.getByLabel('Type the name').fill('Gone Soon')
    await confirm.click()
    await page.getByRole('heading', { level: 1, name: 'Find' }).waitFor()
    expect((await api('GET', `/v1/users/${body.id}`)).status).toBe(404)
    await close()
  })
})

describe('Move', () => {
  it('opens the Markdown report of a rehearsal, and refuses another file', async () => {
    const { page, complaints, close } = await signedIn('/console/move')
    const open = (name, text) =>
      page.getByLabel('Report, as Markdown').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) })
    const counts = { same: 7, listed: 0, difference: 0, skipped: 0, other: 0 }
    const lists = { operations: [], differences: [], deviations: [], skipped: [], work: [] }
    const facts = { title: 'Rehearsal of clinic', recording: 'traffic.har', origin: 'https://usher.example' }
    const notes = { date: '2027-01-31 10:00', writes: false, withoutBody: 0, unlisted: 0, compared: 7 }
    await open('report.md', toMarkdown({ ...facts, ...notes, ...lists, counts }))
    await page.getByRole('heading', { name: 'Rehearsal of clinic' }).waitFor()
    expect(await page.locator('.report tbody tr').first().textContent()).toBe('70000')
    await open('report.html', '<!doctype html><title>Rehearsal of clinic</title>')
    await page.getByRole('alert').getByText('report.html is not a rehearsal report in Markdown.').waitFor()
    expect(await page.locator('.report').count()).toBe(0)
    expect(complaints).toEqual([])
    await close()
  })
})

describe('by keyboard alone', () => {
  /** Presses Tab until the element with the focus has this name, as a screen reader would say it. */
  async function tabTo(page, name) {
    const seen = []
    for (let pressed = 0; pressed < 120; pressed += 1) {
      const now = await page.evaluate(() => {
        const { activeElement: element } = document
        const label = element.labels?.[0]?.textContent
        return (element.getAttribute('aria-label') ?? label ?? element.textContent ?? '').trim()
      })
      if (typeof name === 'string' ? now === name : name.test(now)) return
      seen.push(now.slice(0, 30))
      await page.keyboard.press('Tab')
    }
    throw new Error(`Tab never reaches ${name}: ${seen.join(' | ')}`)
  }
  const press = (page, ...keys) =>
    keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve())

  it('a person is found and deactivated', async () => {
    const { body } = await api('POST', '/v1/users', { email: 'leaver@example.org', name: 'Lea Leaver', password: null })
    const { page, close } = await signedIn('/console/roles')
    await press(page, '/')
    await expect.poll(() => page.evaluate(() => document.activeElement.type)).toBe('search')
    await page.keyboard.type('leav')
    await page.getByRole('link', { name: 'Lea Leaver' }).waitFor()
    await page.getByText('1 person', { exact: true }).waitFor()
    await press(page, 'ArrowDown', 'Enter')
    await page.getByRole('heading', { level: 1, name: 'Lea Leaver' }).waitFor()
    await settled(page)
    await tabTo(page, 'Deactivate')
    await press(page, 'Enter')
    await page.getByRole('dialog').waitFor()
    await tabTo(page, 'Deactivate')
    await press(page, 'Enter')
    await page.getByRole('button', { name: 'Activate', exact: true }).waitFor()
    expect((await api('GET', `/v1/users/${body.id}`)).body.status).toBe('inactive')
    // The button that opened the dialog is gone.
    await expect.poll(() => page.evaluate(() => document.activeElement.tagName)).toBe('H1')
    await close()
  })

  it('one session is ended, and the others stay', async () => {
    const { id } = people.noor
    for (let time = 0; time < 2; time += 1) await signInByApi({ email: 'noor.haddad@example.org', password })
    const { page, close } = await signedIn(personAt('noor'))
    await settled(page)
    await tabTo(page, /^End the session in v1/)
    await press(page, 'Enter')
    await expect.poll(async () => (await api('GET', `/v1/users/${id}/sessions`)).body.data.length).toBe(1)
    await expect.poll(() => page.getByRole('button', { name: /^End the session/ }).count()).toBe(1)
    await close()
  })

  it('a file with a bad line is previewed and imported, and its result is downloaded', async () => {
    const { page, complaints, close } = await signedIn('/console/import')
    await settled(page)
    await tabTo(page, /^Choose a file/)
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), press(page, 'Enter')])
    const table = 'Email;Full name;Matricule\nnew.one@example.org;New One;991\nno email;Bad Line;992\n'
    await chooser.setFiles({ name: 'staff.csv', mimeType: 'text/csv', buffer: Buffer.from(table) })
    await page
      .getByText('Preview: nothing is written yet. 1 person to create, 0 already there, 1 line refused.')
      .waitFor()
    expect(await page.locator('tr', { hasText: 'no email' }).textContent()).toContain('email must be an email address')
    expect((await api('GET', '/v1/users?search=new.one')).body.pagination.total).toBe(0)
    await tabTo(page, 'Import 1 person')
    await press(page, 'Enter')
    await page.getByText('Imported. 1 person created').waitFor()
    expect((await api('GET', '/v1/users?search=new.one')).body.data[0].matricule).toBe(991)
    await tabTo(page, 'Download the result')
    const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Enter')])
    const lines = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { line: 2, email: 'new.one@example.org', status: 'created' },
      { line: 3, email: 'no email', status: 'refused', reasons: ['email must be an email address'] },
    ])
    expect(complaints).toEqual([])
    await close()
  })

  it('an API key is created and copied, and is shown this one time', async () => {
    const { page, close } = await signedIn('/console', { permissions: ['clipboard-read', 'clipboard-write'] })
    await settled(page)
    await tabTo(page, 'API keys')
    await press(page, 'Enter')
    await page.getByRole('heading', { level: 1, name: 'API keys' }).waitFor()
    await settled(page)
    await tabTo(page, 'New API key')
    await press(page, 'Enter')
    await tabTo(page, 'Name')
    await page.keyboard.type('Rota')
    await tabTo(page, 'users:read')
    await press(page, 'Space')
    await tabTo(page, 'Create')
    await press(page, 'Enter')
    await page.getByLabel('API key', { exact: true }).waitFor()
    await tabTo(page, 'Copy')
    await press(page, 'Enter')
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const key = await page.evaluate(() => navigator.clipboard.readText())
    expect((await api('GET', '/v1/users', undefined, { as: key })).status).toBe(200)
    await press(page, 'Escape')
    await page.getByRole('row', { name: /Rota/ }).waitFor()
    expect(await page.content()).not.toContain(key)
    await close()
  })

  it('the person who changed an email is found', async () => {
    const { page, close } = await signedIn(personAt('noor'))
    await settled(page)
    const change = page.locator('tr', { hasText: 'user.updated' })
    expect(await change.textContent()).toContain('email')
    await tabTo(page, 'user.updated')
    await press(page, 'Tab', 'Enter')
    await page.locator('.screen .lead', { hasText: admin.email }).waitFor()
    await close()
  })
})

describe('an account with users:read only', () => {
  it('sees no link and no action that it may not use', async () => {
    const { page, complaints, close } = await signedIn('/console', { as: reader })
    expect(await page.locator('nav[aria-label=Screens] a').allTextContents()).toEqual(['Find'])
    expect(await page.locator('.screen button').count()).toBe(0)
    await page.goto(server.address + personAt('pilar'))
    await page.getByRole('tab', { name: 'scim' }).click()
    await settled(page)
    const buttons = await page.locator('main button').allTextContents()
    expect(buttons).toEqual(['personnel', 'v1', 'rbac', 'clinic', 'backoffice', 'scim'])
    expect(await page.locator('h2').allTextContents()).toEqual(['Record', 'Roles', 'As each contract shows them'])
    for (const name of screens.slice(1)) {
      await page.goto(server.address + (pathOf[name] ?? `/console/${name.toLowerCase()}`))
      await page.getByText('This screen needs a permission that you do not have').waitFor()
    }
    // Nothing was asked that had to be refused.
    expect(complaints).toEqual([])
    await close()
  })

  it('is refused by the API all the same', async () => {
    const { page, close } = await signedIn('/console', { as: reader })
    const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
    const { body } = await api('POST', '/console/token', undefined, { as: '', headers: { cookie } })
    expect(body.permissions).toEqual(['users:read'])
    const { id } = people.pilar
    for (const [method, path, sent] of [
      ['PATCH', `/v1/users/${id}`, { phone: '1' }],
      ['DELETE', `/v1/users/${id}`],
      ['POST', `/v1/users/${id}/deactivate`],
      ['PUT', `/v1/users/${id}/roles`, { roles: ['admin'] }],
      ['POST', `/v1/users/${id}/password-token`],
      ['GET', `/v1/users/${id}/sessions`],
      ['GET', '/v1/roles'],
      ['POST', '/v1/api-keys', { name: 'x', permissions: [] }],
      ['GET', '/v1/audit-events'],
      ['GET', '/v1/exports'],
      ['GET', '/v1/webhooks'],
      ['GET', '/v1/usage'],
      ['GET', '/v1/diagnostics'],
    ]) {
      expect([path, (await api(method, path, sent, { as: body.access_token })).status]).toEqual([path, 403])
    }
    await close()
  })
})

describe('hostile text', () => {
  it('is text and nothing else: in names, role names, webhook URLs, programs and the address of the page', async () => {
    const { page, complaints, close } = await signedIn('/console?q=hostile')
    await page.getByRole('link', { name: hostile }).waitFor()
    await page.getByRole('link', { name: hostile }).click()
    await page.getByRole('heading', { level: 1, name: hostile }).waitFor()
    await page.getByRole('link', { name: 'Roles' }).click()
    await page.getByText(hostile, { exact: true }).waitFor()
    await page.getByRole('link', { name: 'Webhooks' }).click()
    await page.getByRole('heading', { name: /onerror/ }).waitFor()
    await page.getByRole('link', { name: 'Move' }).click()
    await page.getByLabel('By').selectOption('contract,program')
    await settled(page)
    await page.goto(
      `${server.address}/console?q=${encodeURIComponent(hostile)}&role=${encodeURIComponent(hostile)}&sort=x`,
    )
    await page.getByRole('heading', { level: 1, name: 'Find' }).waitFor()
    await settled(page)
    await page.goto(
      `${server.address}/console/audit?request=${encodeURIComponent(hostile)}&action=${encodeURIComponent(hostile)}`,
    )
    await page.getByText('No event of this request').waitFor()
    expect(await page.evaluate(() => window.hit)).toBeUndefined()
    expect(complaints).toEqual([])
    await close()
  })
})
