/** `npm run csv -- FILE.csv FILE.ndjson`: a table of users, with a line of headings, as rows for an import. */
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { parse } from 'csv-parse'
import { commandLine, run, Stop } from './directory.js'
import { createPrivate } from './private-file.js'

const integers = ['number', 'matricule', 'country_id', 'version']
const texts = [
  ...['id', 'email', 'name', 'first_name', 'last_name', 'username', 'birth_date', 'gender', 'phone', 'mobile'],
  ...['certified_email', 'user_type', 'role', 'created_at', 'updated_at', 'password', 'password_hash', 'pin_hash'],
]
/** What the other contracts call them. */
const aliases = {
  nom: 'name',
  user_id: 'id',
  uid: 'id',
  role_name: 'role',
  timestamp: 'created_at',
  birthday: 'birth_date',
  user_status: 'status',
  is_active: 'status',
}
const yes = /^(true|1|yes|oui|t|y|active|activated)$/i
const no = /^(false|0|no|non|f|n|inactive|deactivated)$/i

await run(async () => {
  const { FILE: file, TO: to } = commandLine('npm run csv -- FILE.csv FILE.ndjson', ['FILE', 'TO'], [])
  if (!existsSync(file)) throw new Stop(`There is no ${file}.`)
  const passedOver = new Set()
  const parser = parse({
    bom: true,
    delimiter: delimiterOf(file),
    columns: (headings) => headings.map(fieldOf),
    skip_empty_lines: true,
    trim: true,
  })
  let count = 0
  await pipeline(
    createReadStream(file),
    parser,
    async function* (records) {
      for await (const record of records) {
        count += 1
        yield `${JSON.stringify(toRow(record, passedOver))}\n`
      }
    },
    createWriteStream(to, { fd: createPrivate(to) }),
  ).catch((error) => {
    throw error.code?.startsWith('CSV_') ? new Stop(error.message) : error
  })
  if (passedOver.size > 0) console.error(`Columns that no user has, passed over: ${[...passedOver].join(', ')}.`)
  console.log(`${count.toLocaleString('en')} rows in ${to}.`)
})

/** Whichever the line of headings has most of. */
function delimiterOf(file) {
  const [headings = ''] = readFileSync(file, 'utf8').split('\n', 1)
  const often = (character) => headings.split(character).length
  return [',', ';', '\t'].reduce((most, one) => (often(one) > often(most) ? one : most))
}

function fieldOf(heading) {
  const name = heading
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
  return aliases[name] ?? name
}

/** What reads as a value of its field becomes one; what does not stays text, for the import to refuse. An empty cell says nothing. */
function toRow(record, passedOver) {
  const row = {}
  for (const [field, value] of Object.entries(record)) {
    if (value === '') continue
    if (texts.includes(field)) row[field] = value
    else if (integers.includes(field)) row[field] = /^\d{1,15}$/.test(value) ? Number(value) : value
    else if (field === 'is_staff') row[field] = yes.test(value) ? true : no.test(value) ? false : value
    else if (field === 'status') row[field] = yes.test(value) ? 'active' : no.test(value) ? 'inactive' : value
    else if (field === 'roles') row[field] = value.split('|').map((name) => name.trim())
    else passedOver.add(field)
  }
  return row
}
