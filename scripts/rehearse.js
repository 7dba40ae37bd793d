/**
 * `npm run rehearse -- CONTRACT RECORDING URL`: replays a recording of the original API against Usher at URL, and
 * reports every difference. Exits with 0 if every response is the same or differs as listed, with 1 if a response
 * differs otherwise, with 2 if the rehearsal is not possible, and with 3 if nothing was compared.
 */
import { basename, dirname } from 'node:path'
import { existsSync, readFileSync } from 'node:fs'
import { commandLine, progressOf, run, Stop } from './directory.js'
import { writePrivate } from './private-file.js'
import { operationsIn } from './rehearse/operations.ts'
import { entriesOf, sizeOf } from './rehearse/recording.js'
import { Replay } from './rehearse/replay.ts'
import { reportOf } from './rehearse/report.js'
import { toHtml } from './rehearse/report-html.js'
import { toMarkdown } from './rehearse/report-markdown.js'
import { CannotRehearse } from './rehearse/sessions.ts'
import { Tally } from './rehearse/tally.js'
import { summaryOf } from './rehearse/terminal.js'
import { originOf, transportTo } from './rehearse/transport.js'

const usage = `npm run rehearse -- CONTRACT RECORDING URL [options]
  CONTRACT          personnel, v1, rbac, clinic, backoffice or scim
  RECORDING         a HAR file, or NDJSON
  URL               the origin of Usher, such as http://localhost:8787
  --writes          replay what changes the directory: for a copy of it
  --report FILE     write a report: .html or .md
  --values          show values in it; passwords, tokens, cookies and hashes are never shown
  --strip PREFIX    what stands before the API's own paths in the recording
  --host NAME       the host whose requests belong to the API
  --principals FILE JSON: {"<recorded identifier>": {"identifier", "password"} | {"api_key"}}
Signs in with USHER_IDENTIFIER and USHER_PASSWORD for users that --principals does not name.`

const flags = ['--writes', '--values', '--report=', '--strip=', '--host=', '--principals=']

await run(async () => {
  const options = commandLine(usage, ['contract', 'recording', 'url'], flags)
  const { contract, recording, '--report': reportFile, '--strip': strip } = options
  if (reportFile && !/\.(html|md)$/.test(reportFile)) throw new Stop('A report is named .html or .md.')
  if (reportFile && !existsSync(dirname(reportFile))) throw new Stop(`There is no folder ${dirname(reportFile)}.`)
  const size = sizeOf(recording)
  const { rules, deviations } = await declarationsOf(contract)
  const origin = originOf(options.url)
  const transport = transportTo(origin)
  const { base, operations } = operationsIn(await documentAt(transport, origin, contract))
  const replay = new Replay({
    contract,
    rules,
    deviations,
    base,
    operations,
    origin,
    strip,
    host: options['--host'],
    writes: options['--writes'],
    operator: operatorIn(process.env),
    principals: principalsIn(options['--principals']),
    send: transport.send,
    wait: transport.wait,
    now: transport.now,
  })
  const tally = new Tally({ withValues: options['--values'] })
  try {
    // Reads the recording completely first, so that an incomplete recording is refused before any request.
    for await (const entry of entriesOf(recording)) replay.survey.add(entry)
    if (replay.survey.served > 0) await replay.checkCredentials()
    const progress = progressOf('entries', replay.survey.entries)
    for await (const entry of entriesOf(recording)) {
      tally.add(await replay.replay(entry))
      progress.show({ all: entry.index, here: entry.index })
    }
    progress.end(
      { all: replay.survey.entries, here: replay.survey.entries },
      size > 2 ** 20 ? `${Math.round(size / 2 ** 20)} MB` : undefined,
    )
  } catch (error) {
    throw error instanceof CannotRehearse ? new Stop(error.message) : error
  } finally {
    transport.close()
  }
  const facts = { contract, recording: basename(recording), origin, writes: options['--writes'], deviations }
  const report = reportOf(tally, facts)
  if (reportFile)
    writePrivate(reportFile, reportFile.endsWith('.md') ? `${toMarkdown(report)}\n` : await toHtml(report))
  console.log(summaryOf(report))
  if (tally.compared === 0) return 3
  return tally.counts.difference > 0 ? 1 : 0
})

async function declarationsOf(contract) {
  const folder = new URL(`../src/contracts/${contract}/`, import.meta.url)
  if (!/^[a-z0-9-]+$/.test(contract) || !existsSync(new URL('rehearsal.ts', folder))) {
    throw new Stop(`There is no contract ${contract}.\n${usage}`)
  }
  const [{ rehearsal }, { deviations }] = await Promise.all([
    import(new URL('rehearsal.ts', folder)),
    import(new URL('deviations.ts', folder)),
  ])
  return { rules: rehearsal, deviations }
}

async function documentAt(transport, origin, contract) {
  const { status, body } = await transport.send({ method: 'GET', path: `/doc/${contract}`, headers: [] })
  try {
    const document = JSON.parse(body)
    if (status === 200 && document.paths) return document
  } catch {
    // Reported below.
  }
  throw new Stop(`${origin} does not serve ${contract}: /doc/${contract} answered ${status}.`)
}

function operatorIn({ USHER_IDENTIFIER: identifier, USHER_PASSWORD: password }) {
  if (!identifier && !password) return undefined
  if (!identifier || !password) throw new Stop('Set both USHER_IDENTIFIER and USHER_PASSWORD, or neither.')
  return { identifier, password }
}

function principalsIn(path) {
  if (path === undefined) return undefined
  if (!existsSync(path)) throw new Stop(`There is no ${path}.`)
  let people
  try {
    people = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    throw new Stop(`${path} is not JSON.`)
  }
  const isPrincipal = (value) =>
    typeof value?.api_key === 'string' || (typeof value?.identifier === 'string' && typeof value?.password === 'string')
  const entries = Object.entries(Object(people))
  if (Array.isArray(people) || entries.length === 0 || !entries.every(([, value]) => isPrincipal(value))) {
    throw new Stop(`${path} must be {"<recorded identifier>": {"identifier", "password"} | {"api_key"}}.`)
  }
  return new Map(entries.map(([name, value]) => [name.trim().toLowerCase(), value]))
}
