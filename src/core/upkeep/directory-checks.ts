/**
 * Whether the directory is whole: what is kept twice agrees, in one transaction a stretch of users. From stretch to stretch others may
 * change what they like: no finding depends on two.
 */
import {
  countHolders,
  countStretch,
  countUsers,
  selectFolded,
  selectIdentifiersAfter,
  selectIndexed,
  selectLastNumber,
  selectNumbers,
  selectOffRoles,
  selectOffTotals,
  selectPasswordHashes,
  selectSample,
  selectSpans,
  selectUnfound,
  selectUnidentified,
  type PartCount,
  type SampledUser,
  type Stretch,
} from '../../database/upkeep/directory-checks'
import type { Statement } from '../../database/statement'
import { partLength, spanLength } from '../../database/users/user-pages'
import { searchValues, type SearchField } from '../../database/users/user-search'
import { guard, translateRefusals, type Caller } from '../access/caller'
import { formatOf, standingOf, type HashStanding } from '../passwords/passwords'
import { fold, foldIdentifier } from '../users/text'
import { toSearchRow } from '../users/users'

export const directoryChecks = ['totals', 'counts', 'roles', 'search', 'identifiers', 'hashes'] as const
export type DirectoryCheck = (typeof directoryChecks)[number]

export const findings = [
  'total_off',
  'span_off',
  'count_off',
  'role_columns_off',
  'search_entry_missing',
  'search_entry_stray',
  'search_entry_outdated',
  'identifier_missing',
  'identifier_stray',
  'identifier_outdated',
  'hash_outdated',
  'hash_unverifiable',
] as const

export interface Finding {
  kind: (typeof findings)[number]
  count: number
  /** The ids of the first users concerned. */
  userIds: string[]
  /** Of what concerns no user: the first places it was found at. */
  places: string[]
}

/** Where a check goes on: at a number, or after a login identifier. */
export type CheckPosition = number | string

export interface CheckReport {
  /** Users looked at. */
  users: number
  findings: Finding[]
  /** Passwords by the form of their hashes, where that is what is checked. */
  hashes?: HashCount[]
  /** Undefined at the end. */
  next: CheckPosition | undefined
}

export interface HashCount {
  format: string
  standing: HashStanding
  count: number
}

/** Numbers at a time: whole parts of the spans. */
const stretchLength = 4 * partLength
/** Users a stretch whose own words are searched for. */
const sampleSize = 20
const maxExamples = 5

/** One stretch of a check, from `position` or the beginning. */
export async function checkDirectory(
  caller: Caller,
  check: DirectoryCheck,
  position: CheckPosition | undefined,
): Promise<CheckReport> {
  if (check === 'totals') return checkTotals(caller)
  if (check === 'identifiers' && typeof position === 'string') return checkIdentifiersAfter(caller, position)
  const from = typeof position === 'number' ? position : 0
  const [[row]] = await asked(caller, selectLastNumber())
  const isLast = from + stretchLength > (row?.last ?? 0)
  // The last stretch has no end, so that what is kept of numbers that nobody has is seen.
  const stretch = { from, to: isLast ? Number.MAX_SAFE_INTEGER : from + stretchLength }
  const report = await checkers[check](caller, stretch)
  const after = check === 'identifiers' ? '' : undefined
  return { ...report, next: isLast ? after : stretch.to }
}

type Checked = Omit<CheckReport, 'next'>

const checkers: Record<Exclude<DirectoryCheck, 'totals'>, (caller: Caller, stretch: Stretch) => Promise<Checked>> = {
  counts: checkCounts,
  roles: checkRoles,
  search: checkSearch,
  identifiers: checkIdentifiers,
  hashes: checkHashes,
}

function asked<const S extends readonly Statement<unknown>[]>(caller: Caller, ...statements: S) {
  return translateRefusals(caller, () => caller.database.batch(guard(caller), ...statements))
}

async function checkTotals(caller: Caller): Promise<CheckReport> {
  const [rows] = await asked(caller, selectOffTotals())
  const off = rows.map(({ scope, count, spans }) => `${scope}: ${count ?? 'none'} in all, ${spans ?? 'none'} by spans`)
  return { users: 0, findings: placed('total_off', off), next: undefined }
}

async function checkCounts(caller: Caller, stretch: Stretch): Promise<Checked> {
  const [parts, holders, spans] = await asked(caller, countUsers(stretch), countHolders(stretch), selectSpans(stretch))
  const counted = parts.flatMap(({ part, users, inactive }) => [
    { scope: 'all', part, count: users },
    { scope: 'inactive', part, count: inactive },
  ])
  const kept = spans.flatMap(({ scope, position, parts: counts }) =>
    (JSON.parse(counts) as number[]).map((count, index) => ({
      scope,
      part: (position * spanLength) / partLength + index,
      count,
    })),
  )
  const off = differences(
    [...counted, ...holders],
    kept.filter(({ part }) => part * partLength >= stretch.from && part * partLength < stretch.to),
  )
  const offSpans = spans.filter(({ count, parts: counts }) => count !== sumOf(JSON.parse(counts) as number[]))
  return {
    users: sumOf(parts.map(({ users }) => users)),
    findings: [
      ...placed(
        'span_off',
        offSpans.map(({ scope, position }) => `${scope}: span ${position}`),
      ),
      ...placed('count_off', off),
    ],
  }
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)

/** Where what was counted is not what is kept; a part that neither has anything in is none. */
function differences(counted: readonly PartCount[], kept: readonly PartCount[]): string[] {
  const counts = new Map<string, { scope: string; part: number; counted: number; kept: number }>()
  for (const [which, list] of [
    ['counted', counted],
    ['kept', kept],
  ] as const) {
    for (const { scope, part, count } of list) {
      const key = `${scope} ${part}`
      counts.set(key, { scope, part, counted: 0, kept: 0, ...counts.get(key), [which]: count })
    }
  }
  return [...counts.values()]
    .filter((one) => one.counted !== one.kept)
    .map(
      ({ scope, part, ...one }) =>
        `${scope}: ${one.counted} counted, ${one.kept} kept of the numbers from ${part * partLength}`,
    )
}

async function checkRoles(caller: Caller, stretch: Stretch): Promise<Checked> {
  const [counts, off] = await asked(caller, countStretch(stretch), selectOffRoles(stretch))
  return { users: counts[0]?.users ?? 0, findings: concerning('role_columns_off', off) }
}

async function checkSearch(caller: Caller, stretch: Stretch): Promise<Checked> {
  const [users, entries] = await asked(
    caller,
    selectNumbers(stretch),
    selectIndexed({ ...stretch, limit: 2 * stretchLength }),
  )
  const there = new Set(users.map(({ number }) => number))
  const indexed = new Set(entries.map(({ number }) => number))
  const numbers = someOf(users.filter(({ number }) => indexed.has(number))).map(({ number }) => number)
  const [sample] = await asked(caller, selectSample({ numbers: JSON.stringify(numbers) }))
  const sought = sample.map((user) => [user.number, user.version, ownWords(user)])
  const [unfound] = await asked(caller, selectUnfound({ sought: JSON.stringify(sought) }))
  return {
    users: users.length,
    findings: [
      ...concerning(
        'search_entry_missing',
        users.filter(({ number }) => !indexed.has(number)),
      ),
      ...placed(
        'search_entry_stray',
        entries.filter(({ number }) => !there.has(number)).map(({ number }) => `number ${number}`),
      ),
      ...concerning('search_entry_outdated', unfound),
    ],
  }
}

/** As many as are looked at closely, others every time. */
function someOf<Item>(items: readonly Item[]): Item[] {
  const rest = [...items]
  return Array.from({ length: Math.min(sampleSize, items.length) }, () => {
    const [one] = rest.splice(Math.floor(Math.random() * rest.length), 1)
    return one as Item
  })
}

/** A MATCH expression of everything that a user is to be found by: each word of three characters or more, in its own field. */
function ownWords(user: SampledUser): string {
  return Object.entries(toSearchRow(user))
    .map(([field, text]) => [field as SearchField, text.split(/\s+/u).filter((word) => [...word].length > 2)] as const)
    .filter(([, words]) => words.length > 0)
    .map(([field, words]) => `(${String(searchValues({ words, fields: [field] })['phrases'])})`)
    .join(' AND ')
}

async function checkIdentifiers(caller: Caller, stretch: Stretch): Promise<Checked> {
  const [users, missing] = await asked(caller, selectFolded(stretch), selectUnidentified(stretch))
  const outdated = users.filter(
    ({ email, email_key, username, username_key, name, name_key }) =>
      foldIdentifier(email) !== email_key ||
      (username === null ? null : foldIdentifier(username)) !== username_key ||
      fold(name) !== name_key,
  )
  return {
    users: users.length,
    findings: [...concerning('identifier_missing', missing), ...concerning('identifier_outdated', outdated)],
  }
}

async function checkIdentifiersAfter(caller: Caller, after: string): Promise<CheckReport> {
  const [rows] = await asked(caller, selectIdentifiersAfter({ after, limit: stretchLength }))
  const stray = rows.filter((row) => row.stray === 1)
  return {
    users: 0,
    findings: placed(
      'identifier_stray',
      stray.map((row) => `number ${row.user_number}`),
    ),
    next: rows.length === stretchLength ? rows.at(-1)?.key : undefined,
  }
}

async function checkHashes(caller: Caller, stretch: Stretch): Promise<Checked> {
  const [counts, rows] = await asked(caller, countStretch(stretch), selectPasswordHashes(stretch))
  const hashes = rows.map(({ id, password_hash }) => ({
    id,
    format: formatOf(password_hash),
    standing: standingOf(password_hash, caller.settings.passwordRounds),
  }))
  const forms = Map.groupBy(hashes, ({ format, standing }) => `${format} ${standing}`)
  const standing = (which: HashStanding) => hashes.filter((hash) => hash.standing === which)
  return {
    users: counts[0]?.users ?? 0,
    findings: [
      ...concerning('hash_unverifiable', standing('unverifiable')),
      ...concerning('hash_outdated', standing('outdated')),
    ],
    hashes: [...forms.values()].map((alike) => {
      const [{ format, standing: is }] = alike as [(typeof hashes)[number]]
      return { format, standing: is, count: alike.length }
    }),
  }
}

function concerning(kind: Finding['kind'], users: readonly { id: string }[]): Finding[] {
  const userIds = users.slice(0, maxExamples).map(({ id }) => id)
  return users.length === 0 ? [] : [{ kind, count: users.length, userIds, places: [] }]
}

function placed(kind: Finding['kind'], places: readonly string[]): Finding[] {
  return places.length === 0 ? [] : [{ kind, count: places.length, userIds: [], places: places.slice(0, maxExamples) }]
}
