/**
 * Converts a row of a table to a line of an import. A value that cannot be parsed stays text, and the import refuses
 * it.
 */
import { lookalikeOf, looksLikeHash } from '../../src/core/passwords/lookalikes.js'
import { Stop } from '../stop.js'

const yes = /^(true|1|yes|oui|t|y|on|active|activated|enabled|actif)$/i
const no =
  /^(false|0|no|non|f|n|off|inactive|deactivated|disabled|suspended|archived|blocked|banned|deprovisioned|inactif)$/i
const genders = { m: 'male', male: 'male', f: 'female', female: 'female', u: 'unknown', unknown: 'unknown' }
const userTypes = {
  ad: 'administrative',
  administrative: 'administrative',
  te: 'technician',
  technician: 'technician',
  cl: 'clinician',
  clinician: 'clinician',
  st: 'student',
  student: 'student',
  // The types of accounts in Entra.
  member: undefined,
  guest: undefined,
}
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

const integer = (text) => (/^\d{1,15}$/.test(text) ? Number(text) : text)
const boolean = (text) => (yes.test(text) ? true : no.test(text) ? false : text)
const status = (text) => ({ true: 'active', false: 'inactive' })[boolean(text)] ?? text
const among = (values) => (text) => (Object.hasOwn(values, text.toLowerCase()) ? values[text.toLowerCase()] : text)
const same = (text) => text

/**
 * The fields of a column from its text, by kind. No fields if the column is ignored, undefined if the text means no
 * value.
 */
const kinds = {
  id: identifier,
  uid: identifier,
  nothing: () => ({}),
  inactive: (text) => ({ status: { true: 'inactive', false: 'active' }[boolean(text)] ?? text }),
  // A date means activated at that date.
  activated: (text) => (typeof boolean(text) === 'boolean' ? { status: status(text) } : {}),
  deleted: (text) => ({ deleted: boolean(text) === false ? undefined : text }),
  password: (text) => ({ password: isPlaceholder(text) ? undefined : text }),
  password_hash: (text) => ({ password_hash: isPlaceholder(text) ? undefined : text }),
}
const readers = {
  ...Object.fromEntries(['number', 'matricule', 'country_id', 'version'].map((field) => [field, integer])),
  birth_date: date,
  created_at: time,
  updated_at: time,
  gender: among(genders),
  user_type: among(userTypes),
  is_staff: boolean,
  status,
  roles: (text) => text.split('|').map((name) => name.trim()),
}

/** An integer is the number of a user, in systems that have numbers. Okta's ids have no use elsewhere. */
function identifier(text) {
  if (/^\d{1,15}$/.test(text)) return { number: Number(text) }
  return /^00u[0-9A-Za-z]{17}$/.test(text) ? {} : { id: text }
}

/** The placeholders for a password or hash in exports. */
const isPlaceholder = (text) => text === 'password_hashed' || /^\*+$/.test(text)

/** `1980-07-08`, with or without a time, and `08 Jul 1980`. */
function date(text) {
  const [, iso] = /^(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d.*)?$/.exec(text) ?? []
  if (iso) return iso
  const [, day, name, year] = /^(\d{1,2}) ([a-z]{3}) (\d{4})$/i.exec(text) ?? []
  const month = months.indexOf(name?.toLowerCase()) + 1
  return month ? `${year}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}` : text
}

/** ISO 8601 and SQL formats, in UTC unless a zone is given. A number is seconds since 1970. */
function time(text) {
  if (/^\d{9,10}$/.test(text)) return new Date(Number(text) * 1000).toISOString()
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?)? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/i.exec(
    text,
  )
  if (!parts) return text
  const [, day, minutes = '00:00', seconds = ':00', zone = 'Z'] = parts
  const offset = /^[+-]/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}` : 'Z'
  return `${day}T${minutes}${seconds.slice(0, 13)}${offset}`
}

/**
 * Only passwords keep their blanks. SQL's marks for no value count as empty, except in names, because Null is a
 * surname.
 */
function textIn(value, kind) {
  if (kind === 'password') return value
  const text = value.trim()
  return text === '\\N' || (text === 'NULL' && !/name$/.test(kind)) ? '' : text
}

/**
 * Returns the row or the reason to refuse it. `passedOver` collects ignored columns that have values. A value that
 * looks like a status or a hash is passed on in such a field, so that the import refuses it.
 */
export function toRow(values, columns, passedOver) {
  const row = {}
  const sources = {}
  if (values.length < columns.length || values.slice(columns.length).some((value) => value.trim() !== '')) {
    throw new Stop(`has ${values.length} values under ${columns.length} headings.`)
  }
  for (const [index, { name, kind }] of columns.entries()) {
    const text = textIn(values[index] ?? '', kind)
    if (text === '') continue
    const fields = kind ? fieldsOf(kind, text) : lookalikeOf(name, text) ? { [name]: text } : {}
    if (Object.keys(fields).length === 0) passedOver.add(name || 'without a heading')
    for (const [field, value] of Object.entries(fields)) {
      if (value === undefined) continue
      if (field in row && row[field] !== value)
        throw new Stop(`has two values of ${field}, under ${sources[field]} and ${name}. Remove a column.`)
      row[field] = value
      sources[field] = name
    }
  }
  withoutEmailAsUsername(row)
  const isHash = row.password !== undefined && looksLikeHash(row.password)
  return { row, refused: isHash ? 'password looks like a hash: name the column password_hash' : undefined }
}

function fieldsOf(kind, text) {
  return kinds[kind] ? kinds[kind](text) : { [kind]: (readers[kind] ?? same)(text) }
}

/** Removes a username that equals the email, from systems that sign in by email. */
function withoutEmailAsUsername(row) {
  if (row.email === undefined && row.username?.includes('@')) row.email = row.username
  if (row.username !== undefined && row.username.toLowerCase() === row.email?.toLowerCase()) delete row.username
}
