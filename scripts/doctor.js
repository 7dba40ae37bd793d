/**
 * `npm run doctor -- URL`: examines a deployed Worker, from inside and outside. USHER_API_KEY must be an API key with
 * every permission. Exits with 1 when it finds a failure, and with 2 when it cannot examine the Worker.
 */
import { checkAdoption } from './doctor/adoption.js'
import { checkDirectory } from './doctor/directory.js'
import { checkDeployment } from './doctor/deployment.js'
import { checkOutside } from './doctor/outside.js'
import { checkTokens } from './doctor/tokens.js'
import { checkUsage } from './doctor/usage.js'
import { CannotAsk, newClient } from './doctor/client.js'
import { newReport } from './doctor/report.js'

const report = newReport()
try {
  const client = newClient(process.argv.slice(2), process.env.USHER_API_KEY, report)
  report.title(`Usher at ${client.origin}`)
  await checkOutside(client, report)
  const facts = await checkDeployment(client, report)
  if (facts) {
    // A Worker of an earlier version has no such facts.
    if (facts.access_token_seconds) await checkTokens(facts, client, report)
    await checkAdoption(client, report)
    if (facts.usage) await checkUsage(facts, client, report)
    await checkDirectory(client, report)
  }
  report.end()
  process.exitCode = report.failures > 0 ? 1 : 0
} catch (error) {
  if (!(error instanceof CannotAsk)) throw error
  report.clear()
  console.error(error.message)
  process.exitCode = 2
}
