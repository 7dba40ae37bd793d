/**
 * The console: one page for every screen, and the session that gives the page its access tokens. The page calls the
 * contracts like any other client. Errors are problems, as in v1.
 */
import { toProblem } from '../contracts/v1/errors'
import { createContract, finishContract } from '../http/contract/contract'
import { assetFor } from '../http/deployment/assets'
import { serveSession } from './session'

export const consolePath = '/console'

/** The folder of the page in the assets. */
export const consoleAssets = '/console'

/** Allows nothing inline, no other origin, no eval, and no sink that could turn text into a script. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"

const contract = createContract({
  name: 'console',
  title: 'The console',
  description: 'The screens of the directory, in a browser.',
  toFailureResponse: toProblem,
})
const { app } = contract

serveSession(app)

// Each screen has a URL. The page shows the screen.
app.get('*', async (c, next) => {
  const page = await assetFor(c, `${consoleAssets}/index.html`)
  if (!page) return next()
  page.headers.set('content-security-policy', policy)
  return page
})

export const consoleApp = finishContract(contract).app
