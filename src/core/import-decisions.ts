/** What becomes of each row of an import: created, skipped because present, or refused and why. */
import type { ActorRow } from '../database/guard'
import type { RoleRow } from '../database/roles'
import { isBlank, type Parsed, type Problem } from './fields'
import { unfitness } from './passwords'
import { fromMask, type Permission } from './permissions'
import type { LoginField } from './refusal'
import { defaultRole } from './roles'
import { isTooCostly, readHash } from './stored-hashes'
import { fold, isLonger } from './text'
import { coherentNames, type NewUser } from './user'

/** A user about to come. What is absent the directory gives; times are unix seconds. */
export interface Newcomer extends Omit<
  NewUser,
  'name' | 'givenName' | 'familyName' | 'roles' | 'role' | 'admin' | 'pin'
> {
  id?: Parsed<'uuid'> | undefined
  number?: Parsed<'userNumber', number> | null | undefined
  name?: Parsed<'keptName'> | undefined
  givenName?: Parsed<'keptName'> | undefined
  familyName?: Parsed<'keptName'> | undefined
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
  user: Newcomer
}

/** What is wrong with one field of a row, in the core's name for it. */
export interface RowProblem {
  field: string
  problem:
    | Problem
    | { rule: 'missing' }
    /** Somebody else's, in the directory or in a row before. */
    | { rule: 'taken' }
    /** Of a user who was deleted: ids are never given again. */
    | { rule: 'deleted' }
    | { rule: 'no_such_role' }
    | { rule: 'lacking'; missing: readonly Permission[] }
    | { rule: 'unknown_hash' }
    | { rule: 'costly_hash' }
    /** A password and a hash of one. */
    | { rule: 'beside_password' }
    | { rule: 'too_many_passwords' }
}

export type Decision = { line: number; user: Newcomer } & (
  | { status: 'created'; id: string | undefined; roles: readonly RoleRow[]; needs: readonly Permission[] }
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
  /** Whose a login key is, and whether as their email. */
  holders: ReadonlyMap<string, Holder>
  numbers: ReadonlySet<number>
  /** By folded name. */
  roles: ReadonlyMap<string, RoleRow>
}

interface Holder {
  id: string | undefined
  isEmail: boolean
}

/** What rows before have taken: as good as taken in the directory. */
export interface Claimed {
  ids: Set<string>
  keys: Map<string, Holder>
  numbers: Set<number>
}

interface Options {
  claimed: Claimed
  passwordsLeft: number
  passwordMinLength: number
  newId: () => string | undefined
}

export function decided(rows: readonly ImportRow[], facts: Facts, { claimed, ...options }: Options): Decision[] {
  let { passwordsLeft } = options
  return rows.map(({ line, user }, index): Decision => {
    const keys = facts.keys[index] ?? []
    const present = presentAs(user, keys, facts, claimed)
    if (present) return { line, user, status: 'skipped', id: present.id }
    const roles = rolesOf(user, facts)
    const problems = [
      ...clashes(user, keys, facts, claimed),
      ...ofNames(user),
      ...ofRoles(user, roles, facts),
      ...ofSecrets(user, passwordsLeft, options.passwordMinLength),
    ]
    if (problems.length > 0 || !roles) return { line, user, status: 'refused', problems }

    if (user.password !== undefined) passwordsLeft -= 1
    if (user.id !== undefined) claimed.ids.add(user.id)
    if (user.number != null) claimed.numbers.add(user.number)
    const id = user.id ?? options.newId()
    for (const [field, key] of keys) claimed.keys.set(key, { id, isEmail: field === 'email' })
    return { line, user, status: 'created', id, roles, needs: needsOf(user, roles) }
  })
}

/** Whom the directory has for this row: by its id or, if it has none, by its email. */
function presentAs(
  user: Newcomer,
  keys: readonly [LoginField, string][],
  facts: Facts,
  claimed: Claimed,
): { id: string | undefined } | undefined {
  if (user.id !== undefined) return facts.ids.get(user.id) || claimed.ids.has(user.id) ? { id: user.id } : undefined
  const [, key = ''] = keys.find(([field]) => field === 'email') ?? []
  const holder = facts.holders.get(key) ?? claimed.keys.get(key)
  return holder?.isEmail ? { id: holder.id } : undefined
}

function clashes(user: Newcomer, keys: readonly [LoginField, string][], facts: Facts, claimed: Claimed): RowProblem[] {
  const problems: RowProblem[] = []
  if (user.id !== undefined && facts.ids.has(user.id)) problems.push({ field: 'id', problem: { rule: 'deleted' } })
  if (user.number != null && (facts.numbers.has(user.number) || claimed.numbers.has(user.number))) {
    problems.push({ field: 'number', problem: { rule: 'taken' } })
  }
  for (const [field, key] of keys) {
    if (facts.holders.has(key) || claimed.keys.has(key)) problems.push({ field, problem: { rule: 'taken' } })
  }
  return problems
}

/**
 * The rules of a new user's names. What has a version was a user before, whose names may have been joined or split here, and are as long,
 * or as empty, as that made them.
 */
function ofNames({ name, givenName, familyName, version }: Newcomer): RowProblem[] {
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
function rolesOf({ roles }: Newcomer, facts: Facts): RoleRow[] | undefined {
  const named = roles?.length
    ? roles.map((name) => facts.roles.get(fold(name)))
    : [...facts.roles.values()].filter(({ number }) => number === defaultRole)
  const found = new Set<RoleRow>()
  for (const role of named) {
    if (!role) return undefined
    found.add(role)
  }
  return [...found]
}

function ofRoles(user: Newcomer, roles: readonly RoleRow[] | undefined, { actor }: Facts): RowProblem[] {
  const lacking = (needs: readonly Permission[]) => {
    const held = fromMask(actor.permissions)
    return needs.filter((permission) => !held.includes(permission))
  }
  const problems: RowProblem[] = []
  if (!roles) problems.push({ field: 'roles', problem: { rule: 'no_such_role' } })
  const granting = fromMask((roles ?? []).reduce((mask, { permissions }) => mask | permissions, 0))
  const toGrant = lacking([...(roles && isByDefault(roles) ? [] : (['roles:assign'] as const)), ...granting])
  if (toGrant.length > 0) problems.push({ field: 'roles', problem: { rule: 'lacking', missing: toGrant } })
  const toDeactivate = user.active === false ? lacking(['users:deactivate']) : []
  if (toDeactivate.length > 0) problems.push({ field: 'active', problem: { rule: 'lacking', missing: toDeactivate } })
  return problems
}

const isByDefault = (roles: readonly RoleRow[]) => roles.length === 1 && roles[0]?.number === defaultRole

function needsOf(user: Newcomer, roles: readonly RoleRow[]): Permission[] {
  return [
    ...(isByDefault(roles) ? [] : (['roles:assign'] as const)),
    ...(user.active === false ? (['users:deactivate'] as const) : []),
  ]
}

function ofSecrets(user: Newcomer, passwordsLeft: number, minLength: number): RowProblem[] {
  const problems: RowProblem[] = []
  const { password, passwordHash, pinHash } = user
  if (passwordHash != null) {
    const stored = readHash(passwordHash)
    if (!stored) problems.push({ field: 'passwordHash', problem: { rule: 'unknown_hash' } })
    else if (isTooCostly(stored)) problems.push({ field: 'passwordHash', problem: { rule: 'costly_hash' } })
    else if (password !== undefined) problems.push({ field: 'passwordHash', problem: { rule: 'beside_password' } })
  }
  if (pinHash != null) {
    const stored = readHash(pinHash)
    if (stored?.scheme !== 'usher') problems.push({ field: 'pinHash', problem: { rule: 'unknown_hash' } })
    else if (isTooCostly(stored)) problems.push({ field: 'pinHash', problem: { rule: 'costly_hash' } })
  }
  if (password !== undefined) {
    const { name } = coherentNames(user, { givenName: '', familyName: '' })
    const problem = unfitness(password, [user.email, user.username, name], minLength)
    if (problem) problems.push({ field: 'password', problem })
    else if (passwordsLeft <= 0) problems.push({ field: 'password', problem: { rule: 'too_many_passwords' } })
  }
  return problems
}
