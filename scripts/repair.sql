-- Repairs redundant data that the doctor reports: counters, the columns that repeat roles, login identifiers, stray
-- entries of the search index, and the numbers of pending users. It derives them from users and their roles, and
-- changes nothing that is correct.
-- npx wrangler d1 execute DB --remote --env production --file scripts/repair.sql

-- A user without a role gets the default role. Positions start at 0, the primary role.
INSERT INTO user_roles (user_number, role_number, position)
  SELECT number, 2, 0 FROM users WHERE number NOT IN (SELECT user_number FROM user_roles);
UPDATE user_roles SET position = placed.position
  FROM (
    SELECT user_number, role_number,
      row_number() OVER (PARTITION BY user_number ORDER BY position, role_number) - 1 AS position
    FROM user_roles) AS placed
  WHERE placed.user_number = user_roles.user_number AND placed.role_number = user_roles.role_number
    AND placed.position <> user_roles.position;
UPDATE users SET primary_role = kept.role, role_count = kept.count
  FROM (
    SELECT user_number, max(iif(position = 0, role_number, NULL)) AS role, count(*) AS count
    FROM user_roles GROUP BY user_number) AS kept
  WHERE kept.user_number = users.number AND (users.primary_role, users.role_count) <> (kept.role, kept.count);

DELETE FROM user_counts WHERE scope LIKE 'role:%' AND scope NOT IN (SELECT 'role:' || number FROM roles);
INSERT OR IGNORE INTO user_counts (scope, count)
  SELECT 'all', 0 UNION ALL SELECT 'inactive', 0 UNION ALL SELECT 'role:' || number, 0 FROM roles;
UPDATE user_counts SET count = CASE scope
  WHEN 'all' THEN (SELECT count(*) FROM users)
  WHEN 'inactive' THEN (SELECT count(*) FROM users WHERE active = 0)
  ELSE (SELECT count(*) FROM user_roles WHERE role_number = CAST(substr(user_counts.scope, 6) AS INTEGER)) END;

DELETE FROM user_spans;
INSERT INTO user_spans (scope, position, count, parts)
  WITH RECURSIVE
    counted (scope, part, count) AS MATERIALIZED (
      SELECT 'all', number / 512, count(*) FROM users GROUP BY 2
      UNION ALL SELECT 'inactive', number / 512, count(*) FROM users WHERE active = 0 GROUP BY 2
      UNION ALL SELECT 'role:' || role_number, user_number / 512, count(*) FROM user_roles GROUP BY 1, 2),
    place (part) AS (SELECT 0 UNION ALL SELECT part + 1 FROM place WHERE part < 31),
    span (scope, position) AS (SELECT DISTINCT scope, part / 32 FROM counted)
  SELECT span.scope, span.position, sum(coalesce(counted.count, 0)),
    json_group_array(coalesce(counted.count, 0) ORDER BY place.part)
  FROM span CROSS JOIN place
    LEFT JOIN counted ON counted.scope = span.scope AND counted.part = 32 * span.position + place.part
  GROUP BY span.scope, span.position;

DELETE FROM login_identifiers WHERE NOT EXISTS (
  SELECT 1 FROM users WHERE number = user_number AND key IN (email_key, username_key, CAST(matricule AS TEXT)));
INSERT OR IGNORE INTO login_identifiers (key, user_number)
  SELECT email_key, number FROM users
  UNION ALL SELECT username_key, number FROM users WHERE username_key IS NOT NULL
  UNION ALL SELECT CAST(matricule AS TEXT), number FROM users WHERE matricule IS NOT NULL;

DELETE FROM user_search WHERE rowid NOT IN (SELECT number FROM users);

INSERT OR IGNORE INTO upstreams (name, pending, adopted, refused, unknown)
  SELECT DISTINCT password_from, 0, 0, 0, 0 FROM users WHERE password_from IS NOT NULL;
UPDATE upstreams SET pending = counted.pending
  FROM (
    SELECT upstreams.name, count(users.number) AS pending
    FROM upstreams LEFT JOIN users ON users.password_from = upstreams.name GROUP BY upstreams.name) AS counted
  WHERE counted.name = upstreams.name AND counted.pending <> upstreams.pending;
-- A user with a password is not pending. A trigger lowers the number of pending users.
UPDATE users SET password_from = NULL WHERE password_hash IS NOT NULL AND password_from IS NOT NULL;
