/** The progress of the adoption of passwords, for each upstream. */
import { selectAdoptionDays, selectUpstreams } from '../../database/sign-in/adoption'
import { authorise, guard, translateRefusals, type Caller } from '../access/caller'
import { Refused } from '../refusal'

export interface UpstreamProgress {
  upstream: string
  /** Users whose password only the upstream knows. */
  pending: number
  adopted: number
  /** By day in UTC (YYYY-MM-DD), of the last 30 days. */
  adoptedByDay: Readonly<Record<string, number>>
  /** Answers that a password is wrong, and failures to get an answer. */
  refused: number
  unknown: number
  /** Unix seconds. */
  lastAdoptedAt: number | null
}

const days = 30

/** Returns the upstreams of the settings and those that users were imported from, in order of name. */
export async function getMigration(caller: Caller): Promise<UpstreamProgress[]> {
  const since = new Date((caller.now - (days - 1) * 86_400) * 1000).toISOString().slice(0, 10)
  const [rows, adoptions] = await translateRefusals(caller, () =>
    caller.database.batch(guard(caller), selectUpstreams(), selectAdoptionDays({ since })),
  )
  const names = new Set([...caller.settings.upstreams.keys(), ...rows.map(({ name }) => name)])
  return [...names].sort().map((upstream) => {
    const row = rows.find(({ name }) => name === upstream)
    const own = adoptions.filter((adoption) => adoption.upstream === upstream)
    return {
      upstream,
      pending: row?.pending ?? 0,
      adopted: row?.adopted ?? 0,
      adoptedByDay: Object.fromEntries(own.map(({ day, adopted }) => [day, adopted])),
      refused: row?.refused ?? 0,
      unknown: row?.unknown ?? 0,
      lastAdoptedAt: row?.last_adopted_at ?? null,
    }
  })
}

/** Refuses a caller without the permission. Then refuses a `name` that is not the name of a hook. */
export async function requireHook(caller: Caller, name: string): Promise<void> {
  await authorise(caller)
  const upstream = caller.settings.upstreams.get(name)
  if (!upstream || upstream.contract !== undefined) {
    throw new Refused({ kind: 'resource_not_found', resource: 'upstream' })
  }
}
