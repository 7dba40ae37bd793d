-- To be run after a restore by Time Travel, before the Worker serves again: what was ended since is back, and ends here.
--   npx wrangler d1 execute DB --remote --env production --file scripts/after-restore.sql

-- Every session, cookie and API key: each lives only while it carries its user's generation.
UPDATE users SET session_generation = session_generation + 1, key_generation = key_generation + 1;
-- Every set-password token: it may have been used since.
DELETE FROM password_tokens;
-- Numbers that people were given since are not given to others.
UPDATE sqlite_sequence SET seq = seq + 100000 WHERE name IN ('users', 'roles');
