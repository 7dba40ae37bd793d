-- Run this after a restore by Time Travel, before the Worker serves again. The restore brings back sessions, keys and
-- tokens that were revoked since; this revokes them.
-- npx wrangler d1 execute DB --remote --env production --file scripts/after-restore.sql

-- All sessions, cookies and API keys: each is valid only while its generation equals its user's.
UPDATE users SET session_generation = session_generation + 1, key_generation = key_generation + 1;
-- All set-password tokens, which may have been used since.
DELETE FROM password_tokens;
-- Numbers assigned since the restore point are not assigned again.
UPDATE sqlite_sequence SET seq = seq + 100000 WHERE name IN ('users', 'roles');
