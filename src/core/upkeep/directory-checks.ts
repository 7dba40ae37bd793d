/**
 * Checks that redundant data agrees. Each range of users is checked in one transaction. Changes between ranges do not
 * matter, because no finding depends on two ranges.
 */
import {
  countHolders,
  countPending,
  countRange,
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
  type NumberRange,
} from '../../database/upkeep/directory-checks'
import { selectUpstreams } from '../../database/sign-in/adoption'
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
  'pending_off',
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
  /** The ids of the first affected users. */
  userIds: string[]
  /** The first places of findings that affect no user. */
  places: string[]
}

/** The position where a check continues: a number, or a login identifier to start after. */
export type CheckPosition = number | string

export interface CheckReport {
  /** The number of users checked. */
  users: number
  findings: Finding[]
  /** Passwords by the format of their hashes, for the check of hashes only. */
  hashes?: HashCount[]
  /** Undefined at the end. */
  next: CheckPosition | undefined
}

export interface HashCount {
  format: string
  standing: HashStanding
  count: number
}

/** Numbers per range, a multiple of the length of a span's part. */
const rangeLength = 4 * partLength
/** Users per range for which the search is tried. */
const sampleSize = 20
const maxExamples = 5

/** Checks one range, from `position` or the beginning. */
export async function checkDirectory(
  caller: Caller,
  check: DirectoryCheck,
  position: CheckPosition | undefined,
): Promise<CheckReport> {
  if (check === 'totals') return checkTotals(caller)
  if (check === 'identifiers' && typeof position === 'string') return checkIdentifiersAfter(caller, position)
  const from = typeof position === 'number' ? position : 0
  const [[row]] = await readGuarded(caller, selectLastNumber())
  const isLast = from + rangeLength > (row?.last ?? 0)
  // The last range is unbounded, to find data of numbers that no user has.
  const range = { from, to: isLast ? Number.MAX_SAFE_INTEGER : from + rangeLength }
  const report = await checkers[check](caller, range)
  const after = check === 'identifiers' ? '' : undefined
  return { ...report, next: isLast ? after : range.to }
}

type Checked = Omit<CheckReport, 'next'>

const checkers: Record<Exclude<DirectoryCheck, 'totals'>, (caller: Caller, range: NumberRange) => Promise<Checked>> = {
  counts: checkCounts,
  roles: checkRoles,
  search: checkSearch,
  identifiers: checkIdentifiers,
  hashes: checkHashes,
}

function readGuarded<const S extends readonly Statement<unknown>[]>(caller: Caller, ...statements: S) {
  return translateRefusals(caller, () => caller.database.batch(guard(caller), ...statements))
}

async function checkTotals(caller: Caller): Promise<CheckReport> {
  const [totals, upstreams, counts] = await readGuarded(caller, selectOffTotals(), selectUpstreams(), countPending())
  const off = totals.map(
    ({ scope, count, spans }) => `${scope}: ${count ?? 'none'} in all, ${spans ?? 'none'} by spans`,
  )
  const stored = new Map(upstreams.map(({ name, pending }) => [name, pending]))
  const counted = new Map(counts.map(({ upstream, pending }) => [upstream, pending]))
  const offPending = [...new Set([...stored.keys(), ...counted.keys()])]
    .filter((name) => (stored.get(name) ?? 0) !== (counted.get(name) ?? 0))
    .map((name) => `${name}: ${stored.get(name) ?? 0} kept, ${counted.get(name) ?? 0} counted`)
  return {
    users: 0,
    findings: [...placeFindings('total_off', off), ...placeFindings('pending_off', offPending)],
    next: undefined,
  }
}

async function checkCounts(caller: Caller, range: NumberRange): Promise<Checked> {
  const [parts, holders, spans] = await readGuarded(caller, countUsers(range), countHolders(range), selectSpans(range))
  const counted = parts.flatMap(({ part, users, inactive }) => [
    { scope: 'all', part, count: users },
    { scope: 'inactive', part, count: inactive },
  ])
  const stored = spans.flatMap(({ scope, position, parts: counts }) =>
    (JSON.parse(counts) as number[]).map((count, index) => ({
      scope,
      part: (position * spanLength) / partLength + index,
      count,
    })),
  )
  const off = differences(
    [...counted, ...holders],
    stored.filter(({ part }) => part * partLength >= range.from && part * partLength < range.to),
  )
  const offSpans = spans.filter(({ count, parts: counts }) => count !== sumOf(JSON.parse(counts) as number[]))
  return {
    users: sumOf(parts.map(({ users }) => users)),
    findings: [
      ...placeFindings(
        'span_off',
        offSpans.map(({ scope, position }) => `${scope}: span ${position}`),
      ),
      ...placeFindings('count_off', off),
    ],
  }
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0)

/** Returns the parts where the count differs from the stored count. A part missing on one side counts as 0. */
function differences(counted: readonly PartCount[], stored: readonly PartCount[]): string[] {
  const counts = new Map<string, { scope: string; part: number; counted: number; stored: number }>()
  for (const [which, list] of [
    ['counted', counted],
    ['stored', stored],
  ] as const) {
    for (const { scope, part, count } of list) {
      const key = `${scope} ${part}`
      counts.set(key, { scope, part, counted: 0, stored: 0, ...counts.get(key), [which]: count })
    }
  }
  return [...counts.values()]
    .filter((part) => part.counted !== part.stored)
    .map(
      ({ scope, part, counted, stored }) =>
        `${scope}: ${counted} counted, ${stored} kept of the numbers from ${part * partLength}`,
    )
}

async function checkRoles(caller: Caller, range: NumberRange): Promise<Checked> {
  const [counts, off] = await readGuarded(caller, countRange(range), selectOffRoles(range))
  return { users: counts[0]?.users ?? 0, findings: userFindings('role_columns_off', off) }
}

async function checkSearch(caller: Caller, range: NumberRange): Promise<Checked> {
  const [users, entries] = await readGuarded(
    caller,
    selectNumbers(range),
    selectIndexed({ ...range, limit: 2 * rangeLength }),
  )
  const there = new Set(users.map(({ number }) => number))
  const indexed = new Set(entries.map(({ number }) => number))
  const numbers = sampleOf(users.filter(({ number }) => indexed.has(number))).map(({ number }) => number)
  const [sample] = await readGuarded(caller, selectSample({ numbers: JSON.stringify(numbers) }))
  const expressions = sample.map((user) => [user.number, user.version, ownWords(user)])
  const [unfound] = await readGuarded(caller, selectUnfound({ sought: JSON.stringify(expressions) }))
  return {
    users: users.length,
    findings: [
      ...userFindings(
        'search_entry_missing',
        users.filter(({ number }) => !indexed.has(number)),
      ),
      ...placeFindings(
        'search_entry_stray',
        entries.filter(({ number }) => !there.has(number)).map(({ number }) => `number ${number}`),
      ),
      ...userFindings('search_entry_outdated', unfound),
    ],
  }
}

/** Returns a random sample. */
function sampleOf<Item>(items: readonly Item[]): Item[] {
  const rest = [...items]
  return Array.from({ length: Math.min(sampleSize, items.length) }, () => {
    const [item] = rest.splice(Math.floor(Math.random() * rest.length), 1)
    return item as Item
  })
}

/** Returns a MATCH expression that must find the user: each word of three characters or more, in its own field. */
function ownWords(user: SampledUser): string {
  return Object.entries(toSearchRow(user))
    .map(([field, text]) => [field as SearchField, text.split(/\s+/u).filter((word) => [...word].length > 2)] as const)
    .filter(([, words]) => words.length > 0)
    .map(([field, words]) => `(${String(searchValues({ words, fields: [field] })['phrases'])})`)
    .join(' AND ')
}

async function checkIdentifiers(caller: Caller, range: NumberRange): Promise<Checked> {
  const [users, missing] = await readGuarded(caller, selectFolded(range), selectUnidentified(range))
  const outdated = users.filter(
    ({ email, email_key, username, username_key, name, name_key }) =>
      foldIdentifier(email) !== email_key ||
      (username === null ? null : foldIdentifier(username)) !== username_key ||
      fold(name) !== name_key,
  )
  return {
    users: users.length,
    findings: [...userFindings('identifier_missing', missing), ...userFindings('identifier_outdated', outdated)],
  }
}

async function checkIdentifiersAfter(caller: Caller, after: string): Promise<CheckReport> {
  const [rows] = await readGuarded(caller, selectIdentifiersAfter({ after, limit: rangeLength }))
  const stray = rows.filter((row) => row.stray === 1)
  return {
    users: 0,
    findings: placeFindings(
      'identifier_stray',
      stray.map((row) => `number ${row.user_number}`),
    ),
    next: rows.length === rangeLength ? rows.at(-1)?.key : undefined,
  }
}

async function checkHashes(caller: Caller, range: NumberRange): Promise<Checked> {
  const [counts, rows] = await readGuarded(caller, countRange(range), selectPasswordHashes(range))
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
      ...userFindings('hash_unverifiable', standing('unverifiable')),
      ...userFindings('hash_outdated', standing('outdated')),
    ],
    hashes: [...forms.values()].map((alike) => {
      const [{ format, standing: is }] = alike as [(typeof hashes)[number]]
      return { format, standing: is, count: alike.length }
    }),
  }
}

function userFindings(kind: Finding['kind'], users: readonly { id: string }[]): Finding[] {
  const userIds = users.slice(0, maxExamples).map(({ id }) => id)
  return users.length === 0 ? [] : [{ kind, count: users.length, userIds, places: [] }]
}

function placeFindings(kind: Finding['kind'], places: readonly string[]): Finding[] {
  return places.length === 0 ? [] : [{ kind, count: places.length, userIds: [], places: places.slice(0, maxExamples) }]
}
