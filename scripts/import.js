/**
 * `npm run import -- FILE URL`: imports the users of an NDJSON file into the directory at a URL. The result of each row
 * is written to FILE.results.ndjson. Run it again to resume from that file.
 */
import {
  appendFileSync,
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandLine, directoryAt, linesOf, progressOf, reasonOf, run, say, Stop } from './directory.js'
import { createPrivate, openPrivate, readPrivate, writePrivate } from './private-file.js'

const usage = 'USHER_API_KEY=… npm run import -- FILE URL [--dry-run] [--create-roles]'
const attempts = 8
const newline = 10

/**
 * The limits of one request. A dry run detects duplicates only within one request, so its requests are as large as
 * possible.
 */
const parts = {
  import: { bytes: 8_000_000, lines: 20_000, passwords: 100 },
  dryRun: { bytes: 26_000_000, lines: 100_000, passwords: 100 },
}

await run(async () => {
  const {
    FILE: file,
    URL: url,
    '--dry-run': dryRun,
    '--create-roles': createsRoles,
  } = commandLine(usage, ['FILE', 'URL'], ['--dry-run', '--create-roles'])
  if (!existsSync(file)) throw new Stop(`There is no ${file}.`)
  const directory = directoryAt(url)
  await checkRoles(directory, `${file}.roles.json`, createsRoles)
  const record = dryRun ? noRecord() : recordOf(file, directory.url)
  process.once('SIGINT', () => {
    console.error(dryRun ? '' : '\nStopped. Run the same command to resume.')
    process.exit(130)
  })

  const total = countLines(file)
  const progress = progressOf('lines', total)
  const { counts } = record
  const begun = record.next
  const more = () => `${counts.created} created, ${counts.skipped} skipped, ${counts.refused} refused`
  const done = () => ({ all: record.next - 1, here: record.next - begun })
  const hashes = new Map()
  const unknownFields = new Map()
  let rowsWritten = 0
  for (const part of partsOf(file, begun, dryRun ? parts.dryRun : parts.import)) {
    for await (const { results, end } of answersTo(directory, part, dryRun)) {
      record.add(results)
      progress.show(done(), more())
      if (!end) continue
      rowsWritten += end.rows_written
      for (const entry of end.password_hashes) {
        hashes.set(entry.kind, { ...entry, users: entry.users + (hashes.get(entry.kind)?.users ?? 0) })
      }
      for (const { field, lines } of end.unknown_fields ?? []) {
        unknownFields.set(field, lines + (unknownFields.get(field) ?? 0))
      }
    }
    record.passed(part.end)
  }
  progress.end(done(), more())
  record.close()
  console.log(`${dryRun ? 'It would write' : 'It wrote'} ${rowsWritten.toLocaleString('en')} rows.`)
  for (const { kind, users, milliseconds } of hashes.values()) {
    console.log(
      `${users.toLocaleString('en')} passwords are kept as ${kind}: about ${milliseconds} ms at the first sign-in.`,
    )
  }
  if (unknownFields.size > 0) {
    const named = [...unknownFields].map(([field, lines]) => `${field} (${lines.toLocaleString('en')} lines)`)
    console.log(`Ignored fields, which match no user field: ${named.join(', ')}.`)
  }
  if (counts.withoutPassword > 0) {
    console.log(`Without a usable password: ${counts.withoutPassword.toLocaleString('en')} of those created.`)
  }
  if (counts.sharedEmail > 0) {
    console.log(`Refused because another user has their email: ${counts.sharedEmail.toLocaleString('en')}.`)
  }
  if (counts.refused > 0) console.log(dryRun ? record.text() : `Refused rows and reasons: ${file}.results.ndjson`)
  return counts.refused > 0 ? 1 : 0
})

/**
 * Yields the results of a part, by line number of the file. After a transient error, repeats the request from the last
 * result.
 */
async function* answersTo(directory, part, dryRun) {
  let { first, body } = part
  for (let tried = 1; body.length > 0; tried += 1) {
    let decided = 0
    let wait = Math.min(2 ** (tried - 1), 30)
    try {
      const response = await directory.ask(`/imports${dryRun ? '?dry_run=true' : ''}`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body,
      })
      for await (const lines of linesOf(response)) {
        const answers = lines.map((line) => JSON.parse(line))
        const results = answers.filter(({ status }) => status !== 'done' && status !== 'stopped')
        const end = answers.find(({ status }) => status === 'done')
        decided = results.at(-1)?.line ?? decided
        yield { results: results.map((result) => inFile(result, first)), end }
        if (end) return
        const stopped = answers.find(({ status }) => status === 'stopped')
        if (!stopped) continue
        const { status, title, detail } = stopped.problem
        if (![413, 429, 503].includes(status)) throw new Stop(`${status} ${title} ${detail}`)
        decided = stopped.line - 1
        if (status === 413) wait = 0
      }
    } catch (error) {
      if (error instanceof Stop) throw error
      if (dryRun) throw new Stop(reasonOf(error))
      if (tried >= attempts) throw new Stop(`${reasonOf(error)}. Run the same command to resume.`)
    }
    if (decided > 0) tried = 0
    if (tried >= attempts) throw new Stop('No further progress. Run the same command to resume.')
    if (wait > 0) say(`The response ended early. Resuming in ${wait} s.`)
    first += decided
    body = afterLines(body, decided)
    await sleep(wait * 1000)
  }
}

function afterLines(body, count) {
  let at = 0
  for (let passed = 0; passed < count; passed += 1) {
    const end = body.indexOf(newline, at)
    if (end < 0) return body.subarray(body.length)
    at = end + 1
  }
  return body.subarray(at)
}

/**
 * Yields the lines of the file from number `from`, in parts that fit into one request. `end` is the line after the
 * part.
 */
function* partsOf(file, from, most) {
  let lines = []
  let [bytes, passwords, number] = [0, 0, 0]
  const part = () => ({ first: number - lines.length + 1, end: number + 1, body: Buffer.concat(lines) })
  for (const line of linesIn(file)) {
    const secret = /"password"\s*:\s*"/.test(line.toString('latin1'))
    const full =
      lines.length === most.lines || bytes + line.length > most.bytes || (secret && passwords === most.passwords)
    if (full && lines.length > 0) {
      yield part()
      ;[lines, bytes, passwords] = [[], 0, 0]
    }
    number += 1
    if (number < from) continue
    lines.push(line)
    bytes += line.length
    passwords += Number(secret)
  }
  if (lines.length > 0) yield part()
}

/** Yields each line with its end, as bytes. The directory checks that they are UTF-8. */
function* linesIn(file) {
  const handle = openSync(file, 'r')
  const buffer = Buffer.alloc(1 << 20)
  let rest = Buffer.alloc(0)
  try {
    for (let read = readSync(handle, buffer); read > 0; read = readSync(handle, buffer)) {
      const bytes = Buffer.concat([rest, buffer.subarray(0, read)])
      let start = 0
      for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
        yield bytes.subarray(start, end + 1)
        start = end + 1
      }
      rest = bytes.subarray(start)
    }
    if (rest.length > 0) yield rest
  } finally {
    closeSync(handle)
  }
}

function countLines(file) {
  let count = 0
  for (const _ of linesIn(file)) count += 1
  return count
}

function newCounts() {
  return { created: 0, skipped: 0, refused: 0, sharedEmail: 0, withoutPassword: 0 }
}

function count(counts, { status, errors = [], note }) {
  counts[status] += 1
  if (errors.some(({ field, message }) => field === 'email' && /^is taken by /.test(message))) counts.sharedEmail += 1
  if (note !== undefined) counts.withoutPassword += 1
}

/** Converts line numbers of the part to line numbers of the file. The part starts at line `first`. */
function inFile(result, first) {
  const toFile = (line) => first + Number(line) - 1
  const errors = result.errors?.map(({ field, message }) => ({
    field,
    message: message.replace(/^(is taken by line )(\d+)$/, (_, text, line) => `${text}${toFile(line)}`),
  }))
  return { ...result, line: toFile(result.line), ...(errors && { errors }) }
}

/** A dry run records only refused rows. */
function noRecord() {
  const refused = []
  return {
    next: 1,
    counts: newCounts(),
    add(results) {
      for (const result of results) {
        count(this.counts, result)
        this.next = result.line + 1
        if (result.status === 'refused') refused.push(JSON.stringify(result))
      }
    },
    passed(line) {
      this.next = line
    },
    text: () => refused.join('\n'),
    close() {},
  }
}

/** The record of an import of this file into this directory, including an earlier unfinished run. */
function recordOf(file, url) {
  const progress = `${file}.progress.json`
  const resultsPath = `${file}.results.ndjson`
  const { size, mtimeMs } = statSync(file)
  const subject = JSON.stringify({ url, size, mtimeMs })
  const counts = newCounts()
  let next = 1
  const begunFile = readPrivate(progress) === subject ? openPrivate(resultsPath) : undefined
  const results = begunFile ?? createPrivate(resultsPath)
  if (begunFile !== undefined) {
    const text = readFileSync(results, 'utf8')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    ftruncateSync(results, Buffer.byteLength(whole))
    for (const line of whole.split('\n').filter((line) => line !== '')) {
      const result = JSON.parse(line)
      count(counts, result)
      next = result.line + 1
    }
    if (next > 1) console.error(`Resuming from line ${next}.`)
  } else {
    writePrivate(progress, subject)
  }
  return {
    next,
    counts,
    add(answers) {
      for (const result of answers) {
        count(counts, result)
        this.next = result.line + 1
      }
      appendFileSync(results, answers.map((result) => `${JSON.stringify(result)}\n`).join(''))
    },
    passed(line) {
      this.next = line
    },
    text: () => '',
    close: () => rmSync(progress),
  }
}

/** An export saves its roles in a second file. Creates the missing ones if requested, and otherwise names them. */
async function checkRoles(directory, path, creates) {
  if (!existsSync(path)) return
  const wanted = JSON.parse(readFileSync(path, 'utf8'))
  const { data: present } = await (await directory.ask('/roles')).json()
  const missing = wanted.filter(({ name }) => !present.some((role) => role.name === name))
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name).join(', ')
  if (!creates) {
    console.error(
      `Roles that are not there: ${names}. With --create-roles they are made first; without them rows are refused.`,
    )
    return
  }
  for (const role of missing) {
    await directory.ask('/roles', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(role),
    })
  }
  console.error(`Roles created: ${names}.`)
}
