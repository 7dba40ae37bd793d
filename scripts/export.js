/**
 * `npm run export -- URL FILE`: exports all users of the directory at a URL as NDJSON, and its roles to a second file.
 * Run it again to resume an interrupted export.
 */
import { appendFileSync, closeSync, ftruncateSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandLine, directoryAt, linesOf, progressOf, reasonOf, run, say, Stop } from './directory.js'
import { createPrivate, openPrivate, readPrivate, writePrivate } from './private-file.js'

const usage = 'USHER_API_KEY=… npm run export -- URL FILE [--password-hashes]'
const attempts = 8

await run(async () => {
  const {
    URL: url,
    FILE: file,
    '--password-hashes': hashes,
  } = commandLine(usage, ['URL', 'FILE'], ['--password-hashes'])
  const directory = directoryAt(url)
  const [unfinished, progressFile] = [`${file}.part`, `${file}.progress.json`]
  const subject = JSON.stringify({ url: directory.url, hashes })
  process.once('SIGINT', () => {
    console.error('\nStopped. Run the same command to resume.')
    process.exit(130)
  })

  const begunFile = readPrivate(progressFile) === subject ? openPrivate(unfinished) : undefined
  const part = begunFile ?? createPrivate(unfinished)
  if (begunFile === undefined) writePrivate(progressFile, subject)
  let { after, count } = lastOf(part)
  if (count > 0) console.error(`Resuming after ${count} users.`)
  const begun = count
  const progress = progressOf('users', await totalOf(directory))
  for (let tried = 1; ; tried += 1) {
    try {
      const query = new URLSearchParams({ after: String(after), ...(hashes && { include: 'password_hashes' }) })
      for await (const lines of linesOf(await directory.ask(`/exports?${query}`))) {
        appendFileSync(part, lines.map((line) => `${line}\n`).join(''))
        if (lines.length > 0) after = JSON.parse(lines.at(-1)).number
        count += lines.length
        tried = 0
        progress.show({ all: count, here: count - begun })
      }
      break
    } catch (error) {
      if (error instanceof Stop) throw error
      if (tried >= attempts) throw new Stop(`${reasonOf(error)}. Run the same command to resume.`)
      const wait = Math.min(2 ** tried, 30)
      say(`${reasonOf(error)}. Resuming in ${wait} s.`)
      await sleep(wait * 1000)
    }
  }
  progress.end({ all: count, here: count - begun })
  await saveRoles(directory, `${file}.roles.json`)
  closeSync(part)
  renameSync(unfinished, file)
  rmSync(progressFile)
  console.log(`${count.toLocaleString('en')} users in ${file}, ${statSync(file).size.toLocaleString('en')} bytes.`)
})

/** Returns the last complete line of a file, and removes an incomplete one. */
function lastOf(file) {
  const bytes = readFileSync(file)
  const end = bytes.lastIndexOf(10) + 1
  ftruncateSync(file, end)
  if (end === 0) return { after: 0, count: 0 }
  const start = bytes.lastIndexOf(10, end - 2) + 1
  let count = 0
  for (let at = bytes.indexOf(10); at >= 0 && at < end; at = bytes.indexOf(10, at + 1)) count += 1
  return { after: JSON.parse(bytes.toString('utf8', start, end)).number, count }
}

/** Undefined if the key may not read users. */
async function totalOf(directory) {
  try {
    const { pagination } = await (await directory.ask('/users?limit=1')).json()
    return pagination.total
  } catch (error) {
    if (error.status === 403) return undefined
    throw error
  }
}

async function saveRoles(directory, path) {
  try {
    const { data } = await (await directory.ask('/roles')).json()
    writePrivate(path, `${JSON.stringify(data, null, 2)}\n`)
  } catch (error) {
    if (error.status !== 403) throw error
    console.error('The key lacks roles:read, so roles are not saved.')
  }
}
