/** A headless Chromium, and pages in it that say what went wrong in them. */
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const executablePath = process.env.CHROMIUM_PATH || '/usr/bin/chromium'

export function launchChromium() {
  if (!existsSync(executablePath)) {
    throw new Error(`There is no Chromium at ${executablePath}: install one, or name another with CHROMIUM_PATH.`)
  }
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet]
  return chromium.launch({ executablePath, args })
}

/** A page of its own; in `complaints` what the console calls an error or a warning, and every request for another origin. */
export async function openPage(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const complaints = []
  // Chromium says of every answer from 400 on that it failed to load, which an answer to a try-out may well be.
  const isTriedOut = ({ url }) => new URL(url, address).pathname.match(/^\/(?!docs?(\/|$)|assets\/)/)
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return
    if (/^Failed to load resource/.test(message.text()) && isTriedOut(message.location())) return
    complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(`${address}/`) && !url.startsWith('data:')) complaints.push(`asked ${url}`)
  })
  // A violation of the policy is told by the page itself too, should the console not say it.
  await context.exposeBinding('complain', (_, text) => complaints.push(text))
  await context.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      window.complain(`${violatedDirective} violated by ${blockedURI}`),
    ),
  )
  return { page, complaints, close: () => context.close() }
}
