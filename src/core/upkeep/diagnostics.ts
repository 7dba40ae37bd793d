/** The truth about a deployment: where its database is and what was applied to it, and what hashing a password costs there. */
import type { Database } from '../../database/database'
import { unguarded } from '../../database/guard'
import { appliedMigrations, migrations } from '../../database/upkeep/migrations'
import { selectNothing } from '../../database/upkeep/health'
import { selectUserCount } from '../../database/users/users'
import { guard, translateRefusals, type Caller } from '../access/caller'
import { derive, iterationCap, platformAccepts } from '../passwords/pbkdf2'
import { adminRole } from '../access/roles'

export interface DatabaseFacts {
  /** How long the shortest of a few trips took, by the Worker's clock. */
  tripMilliseconds: number
  /** As the platform calls it; undefined where it does not say. */
  region: string | undefined
  sizeBytes: number | undefined
  migrations: { applied: readonly string[]; missing: readonly string[]; unknown: readonly string[] }
  /** Holders of the admin role. */
  admins: number
}

const trips = 3

export async function examineDatabase(caller: Caller): Promise<DatabaseFacts> {
  const { database } = caller
  const scope = `role:${adminRole}`
  const [counts] = await translateRefusals(caller, () => database.batch(guard(caller), selectUserCount({ scope })))
  const took: number[] = []
  for (let trip = 0; trip < trips; trip += 1) took.push(await timeTrip(database))
  const applied = await appliedMigrations(database)
  const { region, sizeBytes } = database.diagnostics
  return {
    tripMilliseconds: Math.min(...took),
    region,
    sizeBytes,
    migrations: {
      applied,
      missing: migrations.filter((name) => !applied.includes(name)),
      unknown: applied.filter((name) => !migrations.includes(name)),
    },
    admins: counts[0]?.count ?? 0,
  }
}

export interface HashingFacts {
  iterations: number
  rounds: number
  /** What a password costs, by the Worker's clock; undefined where the platform refused to hash it. */
  milliseconds: number | undefined
  /** Whether the platform refuses a single call of one iteration more. */
  refusesMore: boolean
}

/**
 * The platform's clock stands still while a Worker computes and moves on when something comes in, so what hashing took is what a trip
 * to the database takes longer with it than without.
 */
export async function measureHashing(caller: Caller): Promise<HashingFacts> {
  const { database, settings } = caller
  const rounds = settings.passwordRounds
  await translateRefusals(caller, () => database.batch(guard(caller)))
  const without = await timeTrip(database)
  const before = Date.now()
  const derived = await derive(new Uint8Array(16), new Uint8Array(16), iterationCap, rounds).catch(() => undefined)
  await database.batch(unguarded, selectNothing())
  const milliseconds = derived && Math.max(0, Date.now() - before - without)
  return { iterations: iterationCap, rounds, milliseconds, refusesMore: !(await platformAccepts(iterationCap + 1)) }
}

async function timeTrip(database: Database): Promise<number> {
  const before = Date.now()
  await database.batch(unguarded, selectNothing())
  return Date.now() - before
}
