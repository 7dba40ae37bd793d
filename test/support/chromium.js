/** A headless Chromium whose pages report their errors. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
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

/** Opens a new page. `complaints` collects console errors, console warnings, and every request to another origin. */
export async function openPage(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const complaints = []
  // Chromium logs "failed to load" for every status from 400 on. A try-out may well return one.
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
  // The page also reports violations of its policy, in case the console does not.
  await context.exposeBinding('complain', (_, text) => complaints.push(text))
  await context.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      window.complain(`${violatedDirective} violated by ${blockedURI}`),
    ),
  )
  return { page, complaints, close: () => context.close() }
}

/** Stores a picture of a page, or of an element of it, in the folder that SCREENSHOTS names. */
export async function screenshot(subject, file, options) {
  const folder = process.env.SCREENSHOTS
  if (folder) await subject.screenshot({ path: join(folder, file), ...options })
}
