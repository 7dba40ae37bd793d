/** Examines a deployment: its database, its migrations, and the cost of hashing a password. */
import type { Database } from '../../database/database'
import { unguarded } from '../../database/guard'
import { appliedMigrations, migrations } from '../../database/upkeep/migrations'
import { selectNothing } from '../../database/upkeep/health'
import { selectUserCount } from '../../database/users/users'
import { authorise, guard, translateRefusals, type Caller } from '../access/caller'
import { derive, iterationCap, platformAccepts } from '../passwords/pbkdf2'
import { adminRole } from '../access/roles'
import type { UpstreamAnswer } from '../sign-in/upstreams'

export interface DatabaseFacts {
  /** The shortest of a few round trips, by the Worker's clock. */
  tripMilliseconds: number
  /** The platform's name of the region; undefined when it reports none. */
  region: string | undefined
  sizeBytes: number | undefined
  migrations: { applied: readonly string[]; missing: readonly string[]; unknown: readonly string[] }
  /** Holders of the admin role. */
  admins: number
}

export interface UpstreamCheck {
  upstream: string
  answer: UpstreamAnswer
}

/** Asks each upstream about a user who does not exist. An upstream that works answers `no_match`. */
export async function checkUpstreams(caller: Caller): Promise<UpstreamCheck[]> {
  await authorise(caller)
  const names = [...caller.settings.upstreams.keys()]
  return Promise.all(names.map(async (upstream) => ({ upstream, answer: await caller.upstreams.probe(upstream) })))
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
  /** The time to hash a password, by the Worker's clock; undefined when the platform refuses to hash it. */
  milliseconds: number | undefined
  /** Whether the platform refuses a call with one iteration more. */
  refusesMore: boolean
}

/**
 * Measures the time to hash a password. A Worker's clock stands still while it computes and advances on input, so this
 * compares a round trip with hashing to one without.
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
