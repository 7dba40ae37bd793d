/** Decides each row of an import: created, skipped because the user exists, or refused with reasons. */
import type { ActorRow } from '../../database/guard'
import type { RoleRow } from '../../database/access/roles'
import { isBlank, parsePassword, type Outcome, type Parsed, type Problem } from '../users/fields'
import { looksLikeHash } from '../passwords/lookalikes.js'
import { passwordPolicyProblem } from '../passwords/passwords'
import { fromMask, type Permission } from '../access/permissions'
import type { LoginField } from '../refusal'
import { defaultRole } from '../access/roles'
import { isTooCostly, readHash } from '../passwords/stored-hashes'
import { foldRoleName, isLonger } from '../users/text'
import { coherentNames, type NewUser } from '../users/user'

/** A user of an import. The directory supplies missing values. Times are unix seconds. */
export interface ImportedUser extends Omit<
  NewUser,
  'name' | 'givenName' | 'familyName' | 'roles' | 'role' | 'admin' | 'pin'
> {
  id?: Parsed<'uuid'> | undefined
  number?: Parsed<'userNumber', number> | null | undefined
  name?: Parsed<'storedName'> | undefined
  givenName?: Parsed<'storedName'> | undefined
  familyName?: Parsed<'storedName'> | undefined
  /** Names; the first is the primary role. An empty list means the default role. */
  roles?: readonly string[] | undefined
  passwordHash?: string | null | undefined
  /** The upstream that checks the password until the first sign-in. */
  passwordFrom?: string | null | undefined
  pinHash?: string | null | undefined
  createdAt?: number | undefined
  updatedAt?: number | undefined
  version?: Parsed<'version', number> | undefined
}

export interface ImportRow {
  line: number
  user: ImportedUser
}

/** A problem with one field of a row, under the core's name of the field. */
export interface RowProblem {
  field: string
  problem:
    | Problem
    | { rule: 'missing' }
    /** Another user or an earlier line has this value. For an email, `by` says which. */
    | { rule: 'taken'; by?: { line: number } | { id: string } }
    /** A deleted user had this id or number. Neither is ever reused. */
    | { rule: 'deleted' }
    | { rule: 'no_such_role' }
    | { rule: 'lacking'; missing: readonly Permission[] }
    | { rule: 'unknown_hash' }
    | { rule: 'costly_hash' }
    /** The row has both a password and a password hash. */
    | { rule: 'password_and_hash' }
    /** The row names an upstream, and has a password or a hash. */
    | { rule: 'second_password_source' }
    | { rule: 'unknown_upstream'; known: readonly string[] }
    | { rule: 'too_many_passwords' }
    /** The password looks like a hash. */
    | { rule: 'looks_like_hash' }
    | { rule: 'in_future' }
    | { rule: 'before_creation' }
}

export type Decision = { line: number; user: ImportedUser } & (
  | {
      status: 'created'
      id: string | undefined
      roles: readonly RoleRow[]
      needs: readonly Permission[]
      /** The row's hash marks a user without a password. */
      withoutPassword: boolean
    }
  | { status: 'skipped'; id: string | undefined }
  | { status: 'refused'; problems: readonly RowProblem[] }
)

/** The directory's facts about the rows. */
export interface Facts {
  actor: ActorRow
  /** The login keys of each row, in order. */
  keys: readonly (readonly [LoginField, string][])[]
  /** Known ids; true for an existing user, false for a deleted one. */
  ids: ReadonlyMap<string, boolean>
  /** The user that holds each login key. */
  holders: ReadonlyMap<string, Holder>
  /** Known numbers; true for an existing user, false for a deleted one. */
  numbers: ReadonlyMap<number, boolean>
  /** The highest number that any user ever had. */
  highest: number
  /** By folded name. */
  roles: ReadonlyMap<string, RoleRow>
}

/** A user of the directory or of an earlier line, with the values that identify a user. */
export interface Holder {
  id: string | undefined
  /** Only for a user of an earlier line. */
  line?: number
  /** Null until the directory assigns one. */
  number: number | null
  keys: Readonly<Partial<Record<LoginField, string>>>
}

/** Values that earlier rows take. They count as taken in the directory. */
export interface Claimed {
  ids: Set<string>
  keys: Map<string, Holder>
  numbers: Set<number>
  highest: number
}

interface Options {
  claimed: Claimed
  now: number
  passwordsLeft: number
  passwordMinLength: number
  /** The names of upstreams. */
  upstreams: readonly string[]
  newId: () => string | undefined
}

export function decideRows(rows: readonly ImportRow[], facts: Facts, { claimed, ...options }: Options): Decision[] {
  let { passwordsLeft } = options
  let withoutNumber = 0
  claimed.highest = Math.max(claimed.highest, facts.highest)
  const decisions = rows.map(({ line, user: given }, index): Decision => {
    const withoutPassword = given.passwordHash?.startsWith(noPasswordMark) ?? false
    const user = withoutPassword ? { ...given, passwordHash: null } : given
    const keys = facts.keys[index] ?? []
    const present = findExisting(user, keys, facts, claimed)
    if (present) return { line, user, status: 'skipped', id: present.id }
    const roles = rolesOf(user, facts)
    const problems = [
      ...clashes(user, keys, facts, claimed, claimed.highest + withoutNumber),
      ...nameProblems(user),
      ...roleProblems(user, roles, facts),
      ...timeProblems(user, options.now),
      ...secretProblems(given, passwordsLeft, options),
    ]
    if (problems.length > 0 || !roles) return { line, user, status: 'refused', problems }

    if (user.password !== undefined) passwordsLeft -= 1
    if (user.id !== undefined) claimed.ids.add(user.id)
    if (user.number == null) withoutNumber += 1
    else claimNumber(claimed, user.number)
    const id = user.id ?? options.newId()
    const holder = { id, line, number: user.number ?? null, keys: Object.fromEntries(keys) }
    for (const [, key] of keys) claimed.keys.set(key, holder)
    return { line, user, status: 'created', id, roles, needs: needsOf(user, roles), withoutPassword }
  })
  // The database assigns them the numbers after those of the rows.
  for (; withoutNumber > 0; withoutNumber -= 1) claimNumber(claimed, claimed.highest + 1)
  return decisions
}

function claimNumber(claimed: Claimed, number: number): void {
  claimed.numbers.add(number)
  claimed.highest = Math.max(claimed.highest, number)
}

/** Django's unusable password, followed by random characters. */
const noPasswordMark = '!'

/**
 * Finds the existing user of a row, in the directory or on an earlier line. A row with an id matches by id only. Other
 * rows match by email, unless their number, matricule or username contradicts it, because several people may share a
 * mailbox.
 */
function findExisting(
  user: ImportedUser,
  keys: readonly [LoginField, string][],
  facts: Facts,
  claimed: Claimed,
): { id: string | undefined } | undefined {
  if (user.id !== undefined) return facts.ids.get(user.id) || claimed.ids.has(user.id) ? { id: user.id } : undefined
  const email = keys.find(([field]) => field === 'email')?.[1] ?? ''
  const holder = holderOf(email, facts, claimed)
  if (holder?.keys.email !== email) return undefined
  if (user.number != null && user.number !== holder.number) return undefined
  const contradicts = keys.some(([field, key]) => {
    // Some contracts show the email as the username of a user without one.
    if (key === email) return false
    const own = holder.keys[field]
    const other = holderOf(key, facts, claimed)
    return (own !== undefined && own !== key) || (other !== undefined && !isSame(other, holder))
  })
  return contradicts ? undefined : { id: holder.id }
}

const holderOf = (key: string, facts: Facts, claimed: Claimed) => facts.holders.get(key) ?? claimed.keys.get(key)

const isSame = (a: Holder, b: Holder) => a === b || (a.id !== undefined && a.id === b.id)

function clashes(
  user: ImportedUser,
  keys: readonly [LoginField, string][],
  facts: Facts,
  claimed: Claimed,
  highest: number,
): RowProblem[] {
  const problems: RowProblem[] = []
  if (user.id !== undefined && facts.ids.has(user.id)) problems.push({ field: 'id', problem: { rule: 'deleted' } })
  if (user.number != null) {
    const problem = numberProblem(user.number, facts, claimed, highest)
    if (problem) problems.push({ field: 'number', problem })
  }
  for (const [field, key] of keys) {
    const holder = holderOf(key, facts, claimed)
    if (holder) problems.push({ field, problem: { rule: 'taken', ...(field === 'email' && holderReference(holder)) } })
  }
  return problems
}

function holderReference({ line, id }: Holder): { by?: { line: number } | { id: string } } {
  if (line !== undefined) return { by: { line } }
  return id === undefined ? {} : { by: { id } }
}

/** The maximum distance of a number above the highest. Otherwise one row could use up the numbers of new users. */
const numberGap = 1_000_000

/** Numbers that no user ever had are free, even below the highest. */
function numberProblem(
  number: number,
  facts: Facts,
  claimed: Claimed,
  highest: number,
): RowProblem['problem'] | undefined {
  if (facts.numbers.get(number) === true || claimed.numbers.has(number)) return { rule: 'taken' }
  if (facts.numbers.has(number)) return { rule: 'deleted' }
  return number > highest + numberGap ? { rule: 'above', max: highest + numberGap } : undefined
}

/**
 * Checks the names of a new user. A row with a version comes from an export, whose names may have been joined or split.
 * Those names may be longer than the limits, or empty.
 */
function nameProblems({ name, givenName, familyName, version }: ImportedUser): RowProblem[] {
  if (name === undefined && givenName === undefined && familyName === undefined) {
    return [{ field: 'name', problem: { rule: 'missing' } }]
  }
  if (version !== undefined) return []
  const problems: RowProblem[] = []
  if (isBlank(name ?? `${givenName ?? ''} ${familyName ?? ''}`))
    problems.push({ field: 'name', problem: { rule: 'blank' } })
  for (const [field, value, max] of [
    ['name', name, 200],
    ['givenName', givenName, 100],
    ['familyName', familyName, 100],
  ] as const) {
    if (value !== undefined && isLonger(value, max)) problems.push({ field, problem: { rule: 'too_long', max } })
  }
  return problems
}

/** Returns the roles of a row, or undefined if any does not exist. */
function rolesOf({ roles }: ImportedUser, facts: Facts): RoleRow[] | undefined {
  const named = roles?.length
    ? roles.map((name) => facts.roles.get(foldRoleName(name)))
    : [...facts.roles.values()].filter(({ number }) => number === defaultRole)
  const found = new Set<RoleRow>()
  for (const role of named) {
    if (!role) return undefined
    found.add(role)
  }
  return [...found]
}

function roleProblems(user: ImportedUser, roles: readonly RoleRow[] | undefined, { actor }: Facts): RowProblem[] {
  const lacking = (needs: readonly Permission[]) => {
    const held = fromMask(actor.permissions)
    return needs.filter((permission) => !held.includes(permission))
  }
  const problems: RowProblem[] = []
  if (!roles) problems.push({ field: 'roles', problem: { rule: 'no_such_role' } })
  const grantedPermissions = fromMask((roles ?? []).reduce((mask, { permissions }) => mask | permissions, 0))
  const toGrant = lacking([...(roles && isByDefault(roles) ? [] : (['roles:assign'] as const)), ...grantedPermissions])
  if (toGrant.length > 0) problems.push({ field: 'roles', problem: { rule: 'lacking', missing: toGrant } })
  const toDeactivate = user.active === false ? lacking(['users:deactivate']) : []
  if (toDeactivate.length > 0) problems.push({ field: 'active', problem: { rule: 'lacking', missing: toDeactivate } })
  return problems
}

const isByDefault = (roles: readonly RoleRow[]) => roles.length === 1 && roles[0]?.number === defaultRole

function needsOf(user: ImportedUser, roles: readonly RoleRow[]): Permission[] {
  return [
    ...(isByDefault(roles) ? [] : (['roles:assign'] as const)),
    ...(user.active === false ? (['users:deactivate'] as const) : []),
  ]
}

/** How far the clock of the source directory may be ahead. */
const clockSkewSeconds = 60

function timeProblems({ createdAt, updatedAt }: ImportedUser, now: number): RowProblem[] {
  const problems: RowProblem[] = []
  const latest = now + clockSkewSeconds
  if (createdAt !== undefined && createdAt > latest)
    problems.push({ field: 'createdAt', problem: { rule: 'in_future' } })
  if (updatedAt === undefined) return problems
  if (updatedAt > latest) problems.push({ field: 'updatedAt', problem: { rule: 'in_future' } })
  else if (createdAt !== undefined && updatedAt < createdAt)
    problems.push({ field: 'updatedAt', problem: { rule: 'before_creation' } })
  return problems
}

/**
 * Parses a row's plain-text password. A password that looks like a hash passes here, whatever its length, and is
 * refused later with the row's other secrets.
 */
export function parseRowPassword(input: string): Outcome<Parsed<'password'>> {
  return looksLikeHash(input) ? { value: input as Parsed<'password'> } : parsePassword(input)
}

function secretProblems(
  user: ImportedUser,
  passwordsLeft: number,
  { passwordMinLength, upstreams }: Pick<Options, 'passwordMinLength' | 'upstreams'>,
): RowProblem[] {
  const problems: RowProblem[] = []
  const { password, passwordHash, pinHash, passwordFrom } = user
  if (passwordHash != null) {
    const stored = readHash(passwordHash)
    const none = passwordHash.startsWith(noPasswordMark)
    if (!stored && !none) problems.push({ field: 'passwordHash', problem: { rule: 'unknown_hash' } })
    else if (stored && isTooCostly(stored)) problems.push({ field: 'passwordHash', problem: { rule: 'costly_hash' } })
    else if (password !== undefined) problems.push({ field: 'passwordHash', problem: { rule: 'password_and_hash' } })
  }
  if (passwordFrom != null) {
    const isSecond = password !== undefined || passwordHash != null
    if (!upstreams.includes(passwordFrom)) {
      problems.push({ field: 'passwordFrom', problem: { rule: 'unknown_upstream', known: upstreams } })
    } else if (isSecond) problems.push({ field: 'passwordFrom', problem: { rule: 'second_password_source' } })
  }
  if (pinHash != null) {
    const stored = readHash(pinHash)
    if (stored?.scheme !== 'usher') problems.push({ field: 'pinHash', problem: { rule: 'unknown_hash' } })
    else if (isTooCostly(stored)) problems.push({ field: 'pinHash', problem: { rule: 'costly_hash' } })
  }
  if (password !== undefined) {
    const { name } = coherentNames(user, { givenName: '', familyName: '' })
    const problem = passwordPolicyProblem(password, [user.email, user.username, name], passwordMinLength)
    if (looksLikeHash(password)) problems.push({ field: 'password', problem: { rule: 'looks_like_hash' } })
    else if (problem) problems.push({ field: 'password', problem })
    else if (passwordsLeft <= 0) problems.push({ field: 'password', problem: { rule: 'too_many_passwords' } })
  }
  return problems
}
