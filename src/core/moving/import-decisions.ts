/** What becomes of each row of an import: created, skipped because present, or refused and why. */
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

/** A user about to come. What is absent the directory gives; times are unix seconds. */
export interface ImportedUser extends Omit<
  NewUser,
  'name' | 'givenName' | 'familyName' | 'roles' | 'role' | 'admin' | 'pin'
> {
  id?: Parsed<'uuid'> | undefined
  number?: Parsed<'userNumber', number> | null | undefined
  name?: Parsed<'storedName'> | undefined
  givenName?: Parsed<'storedName'> | undefined
  familyName?: Parsed<'storedName'> | undefined
  /** Names, the first the primary role; none at all means the default one. */
  roles?: readonly string[] | undefined
  passwordHash?: string | null | undefined
  pinHash?: string | null | undefined
  createdAt?: number | undefined
  updatedAt?: number | undefined
  version?: Parsed<'version', number> | undefined
}

export interface ImportRow {
  line: number
  user: ImportedUser
}

/** What is wrong with one field of a row, in the core's name for it. */
export interface RowProblem {
  field: string
  problem:
    | Problem
    | { rule: 'missing' }
    /** Another user's, or an earlier line's; of an email it says whose. */
    | { rule: 'taken'; by?: { line: number } | { id: string } }
    /** Of a user who was deleted: ids and numbers are never given again. */
    | { rule: 'deleted' }
    | { rule: 'no_such_role' }
    | { rule: 'lacking'; missing: readonly Permission[] }
    | { rule: 'unknown_hash' }
    | { rule: 'costly_hash' }
    /** A password and a hash of one. */
    | { rule: 'beside_password' }
    | { rule: 'too_many_passwords' }
    /** A hash in the place of a password. */
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
      /** The row's hash says that the user has no password. */
      withoutPassword: boolean
    }
  | { status: 'skipped'; id: string | undefined }
  | { status: 'refused'; problems: readonly RowProblem[] }
)

/** What the directory said of the rows. */
export interface Facts {
  actor: ActorRow
  /** The login keys of each row, in order. */
  keys: readonly (readonly [LoginField, string][])[]
  /** Ids that are somebody's, or were. */
  ids: ReadonlyMap<string, boolean>
  /** The user that has a login key. */
  holders: ReadonlyMap<string, Holder>
  /** Numbers that are somebody's, or were. */
  numbers: ReadonlyMap<number, boolean>
  /** The highest number that anybody ever had. */
  highest: number
  /** By folded name. */
  roles: ReadonlyMap<string, RoleRow>
}

/** A user of the directory or of an earlier line, by what tells users apart. */
export interface Holder {
  id: string | undefined
  /** Only of an earlier line. */
  line?: number
  /** Null where the directory has yet to give one. */
  number: number | null
  keys: Readonly<Partial<Record<LoginField, string>>>
}

/** What rows before have taken: as good as taken in the directory. */
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
  newId: () => string | undefined
}

export function decideRows(rows: readonly ImportRow[], facts: Facts, { claimed, ...options }: Options): Decision[] {
  let { passwordsLeft } = options
  let withoutNumber = 0
  claimed.highest = Math.max(claimed.highest, facts.highest)
  const decisions = rows.map(({ line, user: given }, index): Decision => {
    const withoutPassword = given.passwordHash?.startsWith(unusable) ?? false
    const user = withoutPassword ? { ...given, passwordHash: null } : given
    const keys = facts.keys[index] ?? []
    const present = presentAs(user, keys, facts, claimed)
    if (present) return { line, user, status: 'skipped', id: present.id }
    const roles = rolesOf(user, facts)
    const problems = [
      ...clashes(user, keys, facts, claimed, claimed.highest + withoutNumber),
      ...ofNames(user),
      ...ofRoles(user, roles, facts),
      ...ofTimes(user, options.now),
      ...ofSecrets(given, passwordsLeft, options.passwordMinLength),
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
  // The database gives them the next numbers, after those that the rows bring.
  for (; withoutNumber > 0; withoutNumber -= 1) claimNumber(claimed, claimed.highest + 1)
  return decisions
}

function claimNumber(claimed: Claimed, number: number): void {
  claimed.numbers.add(number)
  claimed.highest = Math.max(claimed.highest, number)
}

/** Django's mark of a user without a password: what follows it is random. */
const unusable = '!'

/**
 * The user that the row is about, if the directory or an earlier line has them: known by the row's id or, where the row has none, by its
 * email. People who share a mailbox are told apart by number, matricule and username.
 */
function presentAs(
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
    // An email in the place of a username is how some contracts show that there is none.
    if (key === email) return false
    const own = holder.keys[field]
    const other = holderOf(key, facts, claimed)
    return (own !== undefined && own !== key) || (other !== undefined && !isSame(other, holder))
  })
  return contradicts ? undefined : { id: holder.id }
}

const holderOf = (key: string, facts: Facts, claimed: Claimed) => facts.holders.get(key) ?? claimed.keys.get(key)

const isSame = (one: Holder, other: Holder) => one === other || (one.id !== undefined && one.id === other.id)

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
    const problem = unfitNumber(user.number, facts, claimed, highest)
    if (problem) problems.push({ field: 'number', problem })
  }
  for (const [field, key] of keys) {
    const holder = holderOf(key, facts, claimed)
    if (holder) problems.push({ field, problem: { rule: 'taken', ...(field === 'email' && whose(holder)) } })
  }
  return problems
}

function whose({ line, id }: Holder): { by?: { line: number } | { id: string } } {
  if (line !== undefined) return { by: { line } }
  return id === undefined ? {} : { by: { id } }
}

/** How far a number may be above the highest so far: one row must not use up the numbers that the directory gives next. */
const numberGap = 1_000_000

/** Numbers that nobody ever had are free, also below the highest. */
function unfitNumber(
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
 * The rules of a new user's names. What has a version was a user before, whose names may have been joined or split here, and are as long,
 * or as empty, as that made them.
 */
function ofNames({ name, givenName, familyName, version }: ImportedUser): RowProblem[] {
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

/** The roles a row names, undefined where the directory has none of a name. */
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

function ofRoles(user: ImportedUser, roles: readonly RoleRow[] | undefined, { actor }: Facts): RowProblem[] {
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

/** How far the clock of the directory that a row comes from may be ahead. */
const clockSkewSeconds = 60

function ofTimes({ createdAt, updatedAt }: ImportedUser, now: number): RowProblem[] {
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

/** A password in clear as rows have it: one that looks like a hash is refused with the rest of the row's secrets, whatever its length. */
export function parseRowPassword(input: string): Outcome<Parsed<'password'>> {
  return looksLikeHash(input) ? { value: input as Parsed<'password'> } : parsePassword(input)
}

function ofSecrets(user: ImportedUser, passwordsLeft: number, minLength: number): RowProblem[] {
  const problems: RowProblem[] = []
  const { password, passwordHash, pinHash } = user
  if (passwordHash != null) {
    const stored = readHash(passwordHash)
    const none = passwordHash.startsWith(unusable)
    if (!stored && !none) problems.push({ field: 'passwordHash', problem: { rule: 'unknown_hash' } })
    else if (stored && isTooCostly(stored)) problems.push({ field: 'passwordHash', problem: { rule: 'costly_hash' } })
    else if (password !== undefined) problems.push({ field: 'passwordHash', problem: { rule: 'beside_password' } })
  }
  if (pinHash != null) {
    const stored = readHash(pinHash)
    if (stored?.scheme !== 'usher') problems.push({ field: 'pinHash', problem: { rule: 'unknown_hash' } })
    else if (isTooCostly(stored)) problems.push({ field: 'pinHash', problem: { rule: 'costly_hash' } })
  }
  if (password !== undefined) {
    const { name } = coherentNames(user, { givenName: '', familyName: '' })
    const problem = passwordPolicyProblem(password, [user.email, user.username, name], minLength)
    if (looksLikeHash(password)) problems.push({ field: 'password', problem: { rule: 'looks_like_hash' } })
    else if (problem) problems.push({ field: 'password', problem })
    else if (passwordsLeft <= 0) problems.push({ field: 'password', problem: { rule: 'too_many_passwords' } })
  }
  return problems
}
