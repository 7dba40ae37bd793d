-- Adoption: users whose passwords only a legacy system knows ("upstream"), until each signs in for the first time.

-- The upstream that checks the password of a pending user. Set only while there is no password_hash.
ALTER TABLE users ADD COLUMN password_from TEXT CHECK (length(password_from) BETWEEN 1 AND 64);
-- 1: the password was adopted although the password policy would refuse it.
ALTER TABLE users ADD COLUMN password_weak INTEGER NOT NULL DEFAULT 0 CHECK (password_weak IN (0, 1));

-- Lists of the users without a password: 1 for pending users, 0 for the others, each in order of number.
CREATE INDEX users_without_password ON users ((password_from IS NOT NULL)) WHERE password_hash IS NULL;
CREATE INDEX users_with_weak_password ON users (password_weak) WHERE password_weak = 1;

-- What is known of each upstream. `pending` is kept by the triggers below; the others are counted by sign-ins.
CREATE TABLE upstreams (
  name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 64),
  pending INTEGER NOT NULL CHECK (pending >= 0),
  adopted INTEGER NOT NULL,
  -- Answers that the password is wrong, and failures to get an answer.
  refused INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  last_adopted_at INTEGER
) STRICT, WITHOUT ROWID;

-- Adoptions by day in UTC, as YYYY-MM-DD.
CREATE TABLE adoption_days (
  upstream TEXT NOT NULL,
  day TEXT NOT NULL,
  adopted INTEGER NOT NULL,
  PRIMARY KEY (upstream, day)
) STRICT, WITHOUT ROWID;

-- Passwords of pending users that an upstream is checking now. A Worker that dies leaves its row behind, which then expires.
CREATE TABLE adoption_attempts (
  user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  id TEXT NOT NULL CHECK (length(id) = 36),
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (user_number, id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER users_count_pending AFTER INSERT ON users WHEN NEW.password_from IS NOT NULL BEGIN
  INSERT INTO upstreams (name, pending, adopted, refused, unknown) VALUES (NEW.password_from, 1, 0, 0, 0)
    ON CONFLICT (name) DO UPDATE SET pending = pending + 1;
END;

CREATE TRIGGER users_count_pending_ended AFTER UPDATE OF password_from ON users
WHEN OLD.password_from IS NOT NULL AND NEW.password_from IS NULL BEGIN
  UPDATE upstreams SET pending = pending - 1 WHERE name = OLD.password_from;
END;

CREATE TRIGGER users_count_pending_gone AFTER DELETE ON users WHEN OLD.password_from IS NOT NULL BEGIN
  UPDATE upstreams SET pending = pending - 1 WHERE name = OLD.password_from;
END;

-- Any password ends the pending state, however it is set.
CREATE TRIGGER users_end_pending AFTER UPDATE OF password_hash ON users
WHEN NEW.password_hash IS NOT NULL AND NEW.password_from IS NOT NULL BEGIN
  UPDATE users SET password_from = NULL WHERE number = NEW.number;
END;

-- A new password meets the policy. The same password under a new hash leaves the sessions alone, and stays weak.
CREATE TRIGGER users_end_weak_password AFTER UPDATE OF password_hash ON users
WHEN OLD.password_weak = 1 AND OLD.password_hash IS NOT NEW.password_hash
  AND OLD.session_generation <> NEW.session_generation BEGIN
  UPDATE users SET password_weak = 0 WHERE number = NEW.number;
END;
