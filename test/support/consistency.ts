/** Checks that a directory is consistent: redundant data agrees, and every reference leads to an existing row. */
import { fold, foldIdentifier } from '../../src/core/users/text'

/** The rows that are in one query and not in the other. */
const differing = (one: string, other: string) => `
  WITH one AS (${one}), other AS (${other})
  SELECT * FROM (SELECT * FROM one EXCEPT SELECT * FROM other)
  UNION ALL SELECT * FROM (SELECT * FROM other EXCEPT SELECT * FROM one)`

/** Each query is named after the fault that it finds. In a consistent directory it returns no rows. */
const faults: Record<string, string> = {
  totals: differing(
    'SELECT scope, count FROM user_counts',
    `SELECT 'all', count(*) FROM users UNION ALL SELECT 'inactive', count(*) FROM users WHERE active = 0
     UNION ALL SELECT 'role:' || number, (SELECT count(*) FROM user_roles WHERE role_number = number) FROM roles`,
  ),
  'roles repeated in the user': differing(
    'SELECT number, primary_role, role_count FROM users',
    `SELECT user_number, max(iif(position = 0, role_number, NULL)), count(*) FROM user_roles GROUP BY user_number`,
  ),
  'places of roles': 'SELECT * FROM user_roles GROUP BY user_number HAVING max(position) <> count(*) - 1',
  'login identifiers': differing(
    'SELECT key, user_number FROM login_identifiers',
    `SELECT email_key, number FROM users
     UNION SELECT username_key, number FROM users WHERE username_key IS NOT NULL
     UNION SELECT CAST(matricule AS TEXT), number FROM users WHERE matricule IS NOT NULL`,
  ),
  'a number that a deleted user had': 'SELECT number FROM users WHERE number IN (SELECT number FROM deleted_numbers)',
  'entries of the search index': differing('SELECT rowid FROM user_search', 'SELECT number FROM users'),
  'what belongs to a user who is gone': `
    SELECT user_number FROM user_roles WHERE user_number NOT IN (SELECT number FROM users)
    UNION ALL SELECT user_number FROM sessions WHERE user_number NOT IN (SELECT number FROM users)
    UNION ALL SELECT user_number FROM api_keys WHERE user_number NOT IN (SELECT number FROM users)
    UNION ALL SELECT user_number FROM password_tokens WHERE user_number NOT IN (SELECT number FROM users)`,
  'refresh tokens of no session': 'SELECT * FROM refresh_tokens WHERE session_id NOT IN (SELECT id FROM sessions)',
  // Grouped by user. Grouping by action would count the events of all users together.
  'users created never or twice': `
    SELECT id FROM users WHERE 1 <> (SELECT count(*) FROM audit_events WHERE user_id = users.id AND +action = 'user.created')`,
  'users deleted twice, or not gone': `
    SELECT user_id FROM audit_events WHERE action = 'user.deleted' GROUP BY user_id
    HAVING count(*) > 1 OR user_id IN (SELECT id FROM users)`,
  'pending users of each upstream': differing(
    'SELECT name, pending FROM upstreams WHERE pending > 0',
    'SELECT password_from, count(*) FROM users WHERE password_from IS NOT NULL GROUP BY 1',
  ),
  'a pending user with a password':
    'SELECT id FROM users WHERE password_from IS NOT NULL AND password_hash IS NOT NULL',
  'a refusal left behind': 'SELECT * FROM refusal',
  'no active admin': `
    SELECT 1 WHERE NOT EXISTS (
      SELECT 1 FROM users JOIN user_roles ON user_number = number WHERE role_number = 1 AND active = 1)`,
}

type Query = <Row>(sql: string) => Promise<Row[]> | Row[]

/** The inconsistencies in the directory behind `query`. The list is empty when there are none. */
export async function inconsistencies(query: Query): Promise<string[]> {
  const found: string[] = []
  for (const [fault, sql] of Object.entries(faults)) {
    for (const row of await query<object>(sql)) found.push(`${fault}: ${JSON.stringify(row)}`)
  }
  const users = await query<
    Record<'email' | 'email_key' | 'name' | 'name_key', string> & Record<'username' | 'username_key', string | null>
  >('SELECT email, email_key, username, username_key, name, name_key FROM users')
  for (const { email, email_key, username, username_key, name, name_key } of users) {
    const folded = [foldIdentifier(email), username === null ? null : foldIdentifier(username), fold(name)]
    const kept = [email_key, username_key, name_key]
    if (JSON.stringify(folded) !== JSON.stringify(kept)) found.push(`folded columns: ${JSON.stringify(kept)}`)
  }
  return found
}
