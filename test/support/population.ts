/**
 * Inserts many people at once, with the rows that the Worker would write, including the audit event of each creation.
 */
import { testEnv } from './usher'

const atOnce = 5000
const end = 'char(1, 1)'

/** Adds `count` invented people, numbered from `last` + 1. One in ten has no matricule. They cannot sign in. */
export async function populate(count: number, last?: number): Promise<void> {
  const before = last ?? (await lastNumber())
  for (let done = 0; done < count; done += atOnce) {
    const from = before + done
    const to = before + Math.min(done + atOnce, count)
    const numbers = 'WITH RECURSIVE n (i) AS (SELECT ? + 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)'
    const id = "printf('019b1c6e-7a40-7000-8000-%012x', i)"
    await testEnv.DB.batch([
      testEnv.DB.prepare(
        `${numbers} INSERT INTO users (number, id, matricule, username, username_key, email, email_key, name, name_key, given_name,
           family_name, birthdate, gender, phone_number, user_type, is_staff, active, primary_role, role_count, created_at,
           updated_at, version, password_hash, session_generation, key_generation)
         SELECT i, ${id}, CASE WHEN i % 10 THEN 1000000 + i END, 'user' || i, 'user' || i,
           'someone.' || i || '@example.org', 'someone.' || i || '@example.org', 'Someone Number' || i,
           'someone number' || i, 'Someone',
           'Number' || i, '1980-01-01', 'unknown', '+33 1 70 18 00 00', 'clinician', 0, 1, 2, 1, 1767225600 + i,
           1767225600 + i, 1, '$pbkdf2-sha256$i=100000,r=6$c2FsdHNhbHRzYWx0c2FsdA$' || printf('%043d', i), 0, 0
         FROM n`,
      ).bind(from, to),
      testEnv.DB.prepare(
        `${numbers} INSERT INTO user_search (rowid, email, username, name, given_name, family_name, certified_email)
         SELECT i, 'someone.' || i || '@example.org' || ${end}, 'user' || i || ${end}, '', '', 'number' || i || ${end}, ''
         FROM n`,
      ).bind(from, to),
      testEnv.DB.prepare(
        `${numbers} INSERT INTO user_roles (user_number, position, role_number) SELECT i, 0, 2 FROM n`,
      ).bind(from, to),
      testEnv.DB.prepare(
        `${numbers} INSERT INTO audit_events (id, at, actor_id, action, user_id, contract, fields)
         SELECT ${id}, 1767225600 + i, ${id}, 'user.created', ${id}, 'v1', '["email","name","password","role"]' FROM n`,
      ).bind(from, to),
    ])
  }
}

async function lastNumber(): Promise<number> {
  const number = await testEnv.DB.prepare('SELECT coalesce(max(number), 0) AS number FROM users').first<number>(
    'number',
  )
  return number ?? 0
}
