/** Runs the app of the original back office in a browser, on another origin. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../support/chromium'
import { admin, freePort, hurried, newServer } from '../support/server'

const app = readFileSync(new URL('backoffice-app.html', import.meta.url))

/** Serves the page of the app on another origin. */
async function serveApp() {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html; charset=utf-8').end(app))
  const port = await freePort()
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { origin: `http://127.0.0.1:${port}`, close: () => server.close() }
}

let usher
let browser
let listed
let unlisted

beforeAll(async () => {
  ;[listed, unlisted] = [await serveApp(), await serveApp()]
  usher = await newServer({ ...hurried, CORS_ORIGINS: listed.origin })
  await usher.start()
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await usher?.remove()
  listed?.close()
  unlisted?.close()
})

async function openApp({ origin }) {
  const context = await browser.newContext()
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  await page.goto(`${origin}/?api=${encodeURIComponent(`${usher.address}/backoffice`)}`)
  const message = () => page.locator('#message').textContent()
  return {
    page,
    signIn: () => submit(page, '#login', { username: admin.email, password: admin.password }),
    save: (fields) => submit(page, '#user', fields),
    message,
    /** Waits until the app shows this message. */
    says: (text) => expect.poll(message).toBe(text),
    users: () => page.locator('#users li').evaluateAll((items) => items.map((item) => item.firstChild.textContent)),
    /** The messages below each input. */
    shownBelow: () =>
      page.locator('#user small').evaluateAll((all) => {
        const shown = all.filter((small) => small.textContent !== '')
        return Object.fromEntries(shown.map((small) => [small.previousElementSibling.name, small.textContent]))
      }),
    press: (label, user) => page.locator('#users li', { hasText: user }).getByRole('button', { name: label }).click(),
    close: () => context.close(),
  }
}

async function submit(page, form, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const field = page.locator(`${form} [name="${name}"]`)
    if ((await field.evaluate(({ localName }) => localName)) === 'select') await field.selectOption(value)
    else await field.fill(value)
  }
  await page.locator(`${form} button`).click()
}

const rui = {
  username: 'rui.tavares',
  email: 'rui.tavares@example.org',
  password: 'uma frase comprida',
  password_confirmation: 'uma frase comprida',
  first_name: 'Rui',
  last_name: 'Tavares',
  gender: 'male',
  birthday: '1978-11-30',
  user_status: 'inactive',
}

const signInAs = async ({ username, password }) =>
  fetch(`${usher.address}/backoffice/api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })

describe('the original back office app', () => {
  it('signs in across origins, lists, creates an inactive user, shows errors by field, edits and deletes', async () => {
    const { page, signIn, save, says, users, shownBelow, press, close } = await openApp(listed)
    await signIn()
    await expect.poll(users).toEqual([`${admin.email}  active`])

    await save({ ...rui, email: 'rui', password: 'curta' })
    await says('422 The email field must be a valid email address. (and 2 more errors)')
    expect(await shownBelow()).toEqual({
      email: 'The email field must be a valid email address.',
      password: 'The password field must be at least 8 characters., The password field confirmation does not match.',
    })

    await save(rui)
    await says('User created successfully')
    expect(await shownBelow()).toEqual({})
    expect(await users()).toEqual([`${admin.email}  active`, 'rui.tavares Tavares inactive'])
    expect((await signInAs(rui)).status).toBe(401)

    await press('Edit', rui.username)
    await expect.poll(() => page.locator('#user [name=last_name]').inputValue()).toBe('Tavares')
    await save({ last_name: 'Tavares Reis', user_status: 'active' })
    await says('User updated successfully')
    expect(await users()).toEqual([`${admin.email}  active`, 'rui.tavares Tavares Reis active'])
    expect((await signInAs(rui)).status).toBe(200)

    await press('Delete', rui.username)
    await says('200 User deleted successfully')
    expect(await users()).toEqual([`${admin.email}  active`])
    await close()
  })

  it('can send no request from an origin that CORS_ORIGINS does not list', async () => {
    const { signIn, says, users, close } = await openApp(unlisted)
    await signIn()
    await says('0 No connection')
    expect(await users()).toEqual([])
    await close()
  })
})
