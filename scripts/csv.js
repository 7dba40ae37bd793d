/**
 * `npm run csv -- TABLE.csv USERS.ndjson`: converts a table of users with a line of headings to lines for an import.
 * The output appears when it is complete. Refused rows are reported by line and left out.
 */
import { createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { columnsOf } from './csv/headings.js'
import { recordsOf } from './csv/records.js'
import { toRow } from './csv/values.js'
import { commandLine, run, Stop } from './directory.js'
import { createPrivate } from './private-file.js'

const usage = 'npm run csv -- TABLE.csv USERS.ndjson [--encoding windows-1252]'

await run(async () => {
  const { TABLE: file, USERS: to, '--encoding': encoding } = commandLine(usage, ['TABLE', 'USERS'], ['--encoding='])
  if (!existsSync(file)) throw new Stop(`There is no ${file}.`)
  if (isSameFile(file, to)) throw new Stop(`${to} is the table itself. Name another file.`)
  const unfinished = `${to}.${randomUUID()}.part`
  process.once('exit', () => rmSync(unfinished, { force: true }))
  process.once('SIGINT', () => process.exit(130))

  const counts = { written: 0, refused: 0 }
  const passedOver = new Set()
  await pipeline(
    recordsOf(file, encoding),
    async function* (records) {
      let columns
      for await (const { line, values } of records) {
        if (!columns) {
          columns = columnsOf(values)
          continue
        }
        const { row, refused } = atLine(line, () => toRow(values, columns, passedOver))
        counts[refused ? 'refused' : 'written'] += 1
        if (refused) console.error(`Line ${line}: ${refused}.`)
        else yield `${JSON.stringify(row)}\n`
      }
      if (!columns) throw new Stop(`${file} is empty.`)
    },
    createWriteStream(unfinished, { fd: createPrivate(unfinished) }),
  )
  renameSync(unfinished, to)
  if (passedOver.size > 0) console.error(`Ignored columns, which match no user field: ${[...passedOver].join(', ')}.`)
  console.log(`${counts.written.toLocaleString('en')} rows in ${to}.`)
  if (counts.refused > 0) console.log(`${counts.refused.toLocaleString('en')} rows refused.`)
  return counts.refused > 0 ? 1 : 0
})

/** Compares the files, not their paths, so that a link equals its target. */
function isSameFile(first, second) {
  if (!existsSync(second)) return false
  const [one, other] = [statSync(first), statSync(second)]
  return one.dev === other.dev && one.ino === other.ino
}

function atLine(line, read) {
  try {
    return read()
  } catch (error) {
    throw error instanceof Stop ? new Stop(`Line ${line} ${error.message}`) : error
  }
}
