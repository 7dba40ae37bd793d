-- The directory: users, roles, sessions and the audit trail. Times are unix seconds; booleans are 0 and 1. A *_key or
-- *_hash column is derived and never returned.

CREATE TABLE roles (
  number INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number > 0),
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
  name_key TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL CHECK (length(description) <= 500),
  -- A bit mask: bit n is the n-th permission of the core's list. A migration that adds a permission must grant it to
  -- admin.
  permissions INTEGER NOT NULL CHECK (permissions BETWEEN 0 AND 1048575),
  built_in INTEGER NOT NULL CHECK (built_in IN (0, 1))
) STRICT;

INSERT INTO roles (number, id, name, name_key, description, permissions, built_in) VALUES
  (1, '019a0000-0000-7000-8000-000000000001', 'admin', 'admin', 'Holds every permission.', 32767, 1),
  (2, '019a0000-0000-7000-8000-000000000002', 'user', 'user', 'Holds no permission; everyone''s role unless given another.', 0, 1);

CREATE TABLE users (
  number INTEGER PRIMARY KEY AUTOINCREMENT CHECK (number > 0),
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
  matricule INTEGER UNIQUE CHECK (matricule BETWEEN 0 AND 9007199254740991),
  username TEXT CHECK (length(username) BETWEEN 1 AND 128),
  username_key TEXT CHECK ((username_key IS NULL) = (username IS NULL)),
  email TEXT NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  email_key TEXT NOT NULL UNIQUE,
  -- Longer than a client may send, because a name may be joined from its parts or split into them.
  name TEXT NOT NULL CHECK (length(name) <= 401),
  name_key TEXT NOT NULL,
  given_name TEXT NOT NULL CHECK (length(given_name) <= 401),
  family_name TEXT NOT NULL CHECK (length(family_name) <= 401),
  birthdate TEXT CHECK (birthdate GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
  gender TEXT CHECK (gender IN ('male', 'female', 'unknown')),
  phone_number TEXT CHECK (length(phone_number) <= 32),
  mobile_number TEXT CHECK (length(mobile_number) <= 32),
  certified_email TEXT CHECK (length(certified_email) <= 254),
  user_type TEXT CHECK (user_type IN ('administrative', 'technician', 'clinician', 'student')),
  is_staff INTEGER NOT NULL CHECK (is_staff IN (0, 1)),
  country_id INTEGER CHECK (country_id > 0),
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  -- Repeats user_roles, so that reading a user with one role reads only that role. No foreign key, because user_roles
  -- has one.
  primary_role INTEGER NOT NULL,
  role_count INTEGER NOT NULL CHECK (role_count > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  password_hash TEXT,
  pin_hash TEXT,
  -- A session is valid only while its generation equals its user's. Raising this number ends all sessions.
  session_generation INTEGER NOT NULL,
  -- The same for API keys.
  key_generation INTEGER NOT NULL
) STRICT;

-- Indexes for lists: by name, and by status and gender in order of number.
CREATE INDEX users_by_name ON users (name_key);
CREATE INDEX users_by_active ON users (active);
CREATE INDEX users_by_gender ON users (gender) WHERE gender IS NOT NULL;

-- One namespace for all login identifiers: folded emails, usernames and matricules. The triggers below maintain it.
CREATE TABLE login_identifiers (
  key TEXT PRIMARY KEY,
  user_number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER users_take_email AFTER INSERT ON users BEGIN
  INSERT INTO login_identifiers (key, user_number) VALUES (NEW.email_key, NEW.number);
END;

CREATE TRIGGER users_take_username AFTER INSERT ON users WHEN NEW.username_key <> NEW.email_key BEGIN
  INSERT INTO login_identifiers (key, user_number) VALUES (NEW.username_key, NEW.number);
END;

CREATE TRIGGER users_take_matricule AFTER INSERT ON users
WHEN NEW.matricule IS NOT NULL AND NEW.username_key IS NOT CAST(NEW.matricule AS TEXT) BEGIN
  INSERT INTO login_identifiers (key, user_number) VALUES (NEW.matricule, NEW.number);
END;

CREATE TRIGGER users_change_identifiers AFTER UPDATE OF email_key, username_key, matricule ON users BEGIN
  DELETE FROM login_identifiers
    WHERE key IN (OLD.email_key, OLD.username_key, CAST(OLD.matricule AS TEXT)) AND user_number = NEW.number
      AND key <> NEW.email_key AND key IS NOT NEW.username_key AND key IS NOT CAST(NEW.matricule AS TEXT);
  INSERT INTO login_identifiers (key, user_number)
    SELECT NEW.email_key, NEW.number
    WHERE NEW.email_key <> OLD.email_key AND NEW.email_key IS NOT OLD.username_key;
  INSERT INTO login_identifiers (key, user_number)
    SELECT NEW.username_key, NEW.number
    WHERE NEW.username_key IS NOT OLD.username_key
      AND NEW.username_key NOT IN (OLD.email_key, NEW.email_key) AND NEW.username_key IS NOT CAST(OLD.matricule AS TEXT);
  INSERT INTO login_identifiers (key, user_number)
    SELECT NEW.matricule, NEW.number
    WHERE NEW.matricule IS NOT OLD.matricule AND NEW.matricule IS NOT NULL
      AND CAST(NEW.matricule AS TEXT) IS NOT OLD.username_key AND CAST(NEW.matricule AS TEXT) IS NOT NEW.username_key;
END;

CREATE TRIGGER users_free_identifiers AFTER DELETE ON users BEGIN
  DELETE FROM login_identifiers WHERE key = OLD.email_key;
  DELETE FROM login_identifiers WHERE key = OLD.username_key;
  DELETE FROM login_identifiers WHERE key = CAST(OLD.matricule AS TEXT);
END;

-- The numbers of deleted users. AUTOINCREMENT does not reuse them; this table also keeps an import from reusing them.
CREATE TABLE deleted_numbers (
  number INTEGER PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TRIGGER users_retire_number AFTER DELETE ON users BEGIN
  INSERT INTO deleted_numbers (number) VALUES (OLD.number);
END;

-- An import decides on facts that may be outdated at its commit: a user may have been deleted in between.
CREATE TRIGGER users_refuse_deleted_number AFTER INSERT ON users
WHEN EXISTS (SELECT 1 FROM deleted_numbers WHERE number = NEW.number) BEGIN
  INSERT INTO refusal (reason) VALUES ('stale');
END;

-- The search index: trigrams of the folded fields. Each text ends in two U+0001, which no field may contain. So every
-- character starts a trigram, and one or two characters are looked up as the trigrams that start with them. The texts
-- are stored, because short words are checked on them and reading them costs no rows. Texts that another text contains
-- are left empty (`toSearchRow`). The core writes the entry, because only it can fold; a trigger deletes it.
CREATE VIRTUAL TABLE user_search USING fts5 (
  email, username, name, given_name, family_name, certified_email,
  columnsize = 0, tokenize = 'trigram case_sensitive 1'
);

CREATE VIRTUAL TABLE user_search_terms USING fts5vocab (user_search, 'row');

CREATE TRIGGER users_free_search AFTER DELETE ON users BEGIN
  DELETE FROM user_search WHERE rowid = OLD.number;
END;

-- The roles of a user. Position 0 is the primary role; the others follow in order.
CREATE TABLE user_roles (
  user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  role_number INTEGER NOT NULL REFERENCES roles (number),
  position INTEGER NOT NULL CHECK (position >= 0),
  PRIMARY KEY (user_number, role_number)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX user_roles_by_role ON user_roles (role_number, user_number);

-- Exact totals, one row each: 'all' users, the 'inactive' users, and the holders of a role ('role:<number>').
CREATE TABLE user_counts (
  scope TEXT PRIMARY KEY,
  count INTEGER NOT NULL CHECK (count >= 0)
) STRICT, WITHOUT ROWID;

INSERT INTO user_counts (scope, count) VALUES ('all', 0), ('inactive', 0), ('role:1', 0), ('role:2', 0);

-- Counts by number: the users of a scope in each span of 16,384 numbers and, as a JSON array, in each 32nd part of it.
-- They locate the first user of a page by number without reading the users before it.
CREATE TABLE user_spans (
  scope TEXT NOT NULL,
  position INTEGER NOT NULL,
  count INTEGER NOT NULL CHECK (count >= 0),
  parts TEXT NOT NULL,
  PRIMARY KEY (scope, position)
) STRICT, WITHOUT ROWID;

-- Inserting here counts a user who enters or leaves a scope. The view stores nothing.
CREATE VIEW user_count_changes AS SELECT '' AS scope, 0 AS number, 0 AS change WHERE 0;

CREATE TRIGGER user_counts_change INSTEAD OF INSERT ON user_count_changes BEGIN
  UPDATE user_counts SET count = count + NEW.change WHERE scope = NEW.scope;
  INSERT INTO user_spans (scope, position, count, parts)
    VALUES (NEW.scope, NEW.number / 16384, 0, '[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]')
    ON CONFLICT DO NOTHING;
  UPDATE user_spans SET count = count + NEW.change, parts = json_set(
      parts, '$[' || (NEW.number % 16384 / 512) || ']', parts ->> (NEW.number % 16384 / 512) + NEW.change)
    WHERE scope = NEW.scope AND position = NEW.number / 16384;
END;

-- While this table has a row, inserted users are not counted one by one. The batch that inserts the row counts its
-- users together, then deletes the row.
CREATE TABLE counted_together (
  present INTEGER PRIMARY KEY CHECK (present = 1)
) STRICT;

CREATE TRIGGER users_count_new AFTER INSERT ON users WHEN NOT EXISTS (SELECT 1 FROM counted_together) BEGIN
  INSERT INTO user_count_changes VALUES ('all', NEW.number, 1);
END;

CREATE TRIGGER users_count_new_inactive AFTER INSERT ON users
WHEN NEW.active = 0 AND NOT EXISTS (SELECT 1 FROM counted_together) BEGIN
  INSERT INTO user_count_changes VALUES ('inactive', NEW.number, 1);
END;

CREATE TRIGGER users_count_active AFTER UPDATE OF active ON users WHEN OLD.active <> NEW.active BEGIN
  INSERT INTO user_count_changes VALUES ('inactive', NEW.number, OLD.active - NEW.active);
END;

CREATE TRIGGER users_count_gone AFTER DELETE ON users BEGIN
  INSERT INTO user_count_changes VALUES ('all', OLD.number, -1);
END;

CREATE TRIGGER users_count_gone_inactive AFTER DELETE ON users WHEN OLD.active = 0 BEGIN
  INSERT INTO user_count_changes VALUES ('inactive', OLD.number, -1);
END;

CREATE TRIGGER user_roles_count_new AFTER INSERT ON user_roles WHEN NOT EXISTS (SELECT 1 FROM counted_together) BEGIN
  INSERT INTO user_count_changes VALUES ('role:' || NEW.role_number, NEW.user_number, 1);
END;

CREATE TRIGGER user_roles_count_gone AFTER DELETE ON user_roles BEGIN
  INSERT INTO user_count_changes VALUES ('role:' || OLD.role_number, OLD.user_number, -1);
END;

CREATE TRIGGER roles_count_new AFTER INSERT ON roles BEGIN
  INSERT INTO user_counts (scope, count) VALUES ('role:' || NEW.number, 0);
END;

CREATE TRIGGER roles_count_gone AFTER DELETE ON roles BEGIN
  DELETE FROM user_counts WHERE scope = 'role:' || OLD.number;
  DELETE FROM user_spans WHERE scope = 'role:' || OLD.number;
END;

-- A session is one sign-in and its family of refresh tokens.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  generation INTEGER NOT NULL,
  contract TEXT NOT NULL,
  -- SHA-256 of the part that all refresh tokens of the family share. It distinguishes any used token from a forgery.
  family_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_number);

-- The family's usable refresh tokens and those used a moment ago. A token of the family that is not here was used
-- earlier.
CREATE TABLE refresh_tokens (
  session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  spent_at INTEGER,
  PRIMARY KEY (session_id, hash)
) STRICT, WITHOUT ROWID;

-- Failed sign-ins by account: 'user:<number>', or 'identifier:<SHA-256>' for an unknown identifier.
CREATE TABLE sign_in_failures (
  account TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  lockouts INTEGER NOT NULL,
  locked_until INTEGER NOT NULL,
  last_failed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER users_free_failures AFTER DELETE ON users BEGIN
  DELETE FROM sign_in_failures WHERE account = 'user:' || OLD.number;
END;

-- API keys for programs. A key never has more permissions than its owner.
CREATE TABLE api_keys (
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
  hash TEXT PRIMARY KEY,
  user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  generation INTEGER NOT NULL,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  permissions INTEGER NOT NULL CHECK (permissions BETWEEN 0 AND 1048575),
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER,
  -- The key that created this one. Both are revoked together.
  parent_hash TEXT REFERENCES api_keys (hash) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_by_user ON api_keys (user_number, id);
CREATE INDEX api_keys_by_parent ON api_keys (parent_hash) WHERE parent_hash IS NOT NULL;

-- Set-password tokens, for users without a password or with a forgotten one. Each is stored as a hash and is valid for
-- one use.
CREATE TABLE password_tokens (
  user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  -- The issuer, their generation of API keys at that time, and the API key of the request, if any. When the token is
  -- used, it grants only what the issuer or that key may still do.
  giver_number INTEGER NOT NULL,
  giver_generation INTEGER NOT NULL,
  key_hash TEXT,
  PRIMARY KEY (user_number, hash)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER users_end_password_tokens AFTER UPDATE OF password_hash ON users
WHEN OLD.password_hash IS NOT NEW.password_hash AND OLD.session_generation <> NEW.session_generation BEGIN
  DELETE FROM password_tokens WHERE user_number = NEW.number;
END;

-- The token may have been sent to the previous address.
CREATE TRIGGER users_end_password_tokens_of_email AFTER UPDATE OF email ON users WHEN OLD.email <> NEW.email BEGIN
  DELETE FROM password_tokens WHERE user_number = NEW.number;
END;

CREATE TRIGGER users_end_password_tokens_of_inactive AFTER UPDATE OF active ON users
WHEN OLD.active = 1 AND NEW.active = 0 BEGIN
  DELETE FROM password_tokens WHERE user_number = NEW.number;
END;

-- The results of POST requests with an Idempotency-Key, written in the batch of the change. A retry gets the same
-- result.
CREATE TABLE idempotency_records (
  principal TEXT NOT NULL,
  key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  -- A keyed hash of the request.
  fingerprint TEXT NOT NULL,
  -- The id of the user or role that the request created or changed.
  subject_id TEXT NOT NULL,
  -- The row after the request, as JSON. NULL once the row is deleted; a retry then gets 404.
  result TEXT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (principal, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_records_by_subject ON idempotency_records (subject_id);

CREATE TRIGGER users_erase_results AFTER DELETE ON users BEGIN
  UPDATE idempotency_records SET result = NULL WHERE subject_id = OLD.id;
END;

CREATE TRIGGER roles_erase_results AFTER DELETE ON roles BEGIN
  UPDATE idempotency_records SET result = NULL WHERE subject_id = OLD.id;
END;

CREATE TABLE audit_events (
  sequence INTEGER PRIMARY KEY,
  id TEXT NOT NULL CHECK (length(id) = 36),
  at INTEGER NOT NULL,
  actor_id TEXT,
  action TEXT NOT NULL,
  user_id TEXT,
  contract TEXT NOT NULL,
  -- A JSON array of field names, never of values.
  fields TEXT NOT NULL,
  -- The role, API key, session or webhook that the event is about.
  subject_id TEXT,
  -- The session or API key that authorised the request, and the request's own id: uuids as 16 bytes, to save storage.
  credential_kind TEXT CHECK (credential_kind IN ('session', 'key')),
  credential_id BLOB CHECK (length(credential_id) = 16),
  request_id BLOB CHECK (length(request_id) = 16),
  -- The client's address, for sign-ins, lockouts and refused refreshes only.
  address TEXT
) STRICT;

CREATE INDEX audit_events_by_user ON audit_events (user_id);
CREATE INDEX audit_events_by_actor ON audit_events (actor_id);
CREATE INDEX audit_events_by_action ON audit_events (action);

-- The subscribers to changes of users. Their events are in the audit trail after `position`, so a change writes nothing
-- here.
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY CHECK (length(id) = 36),
  url TEXT NOT NULL CHECK (length(url) <= 2000),
  description TEXT NOT NULL CHECK (length(description) <= 500),
  -- A JSON array of actions.
  events TEXT NOT NULL,
  active INTEGER NOT NULL CHECK (active IN (0, 1)),
  created_at INTEGER NOT NULL,
  -- A JSON array of {nonce, until}. The secrets are derived from the nonces, the current one first. `until` is when an
  -- earlier secret stops signing.
  secret_nonces TEXT NOT NULL,
  -- The sequence of the last audit event that is delivered or stored as a failure below.
  position INTEGER NOT NULL,
  -- Failed attempts in a row, and the time of the next attempt.
  failures INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  last_attempt_at INTEGER,
  last_outcome TEXT,
  -- The run that is delivering, and when its lease expires.
  lease TEXT,
  leased_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Lets every change check for an active webhook by reading one row.
CREATE INDEX webhooks_active ON webhooks (active) WHERE active = 1;

-- Events that are not yet delivered, and the time of the next attempt. NULL after the last attempt.
CREATE TABLE webhook_failures (
  webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  sequence INTEGER NOT NULL REFERENCES audit_events (sequence) ON DELETE CASCADE,
  attempts INTEGER NOT NULL,
  last_attempt_at INTEGER NOT NULL,
  last_outcome TEXT NOT NULL,
  next_attempt_at INTEGER,
  PRIMARY KEY (webhook_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_failures_due ON webhook_failures (webhook_id, next_attempt_at);
CREATE INDEX webhook_failures_by_event ON webhook_failures (sequence);

-- Where the sweep stopped in each table. It continues from run to run.
CREATE TABLE sweep_positions (
  task TEXT PRIMARY KEY,
  -- A JSON array: the key of the last row scanned.
  position TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Always empty. The health check inserts a row and deletes it in the same batch.
CREATE TABLE write_probe (
  number INTEGER PRIMARY KEY,
  filling BLOB NOT NULL
) STRICT;

-- Always empty. Inserting a reason violates the CHECK of that name, which rolls back the whole batch. So a batch
-- decides in its own transaction whether it may run.
CREATE TABLE refusal (
  reason TEXT NOT NULL,
  CONSTRAINT unauthenticated CHECK (reason <> 'unauthenticated'),
  CONSTRAINT forbidden CHECK (reason <> 'forbidden'),
  CONSTRAINT stale CHECK (reason <> 'stale'),
  CONSTRAINT not_there CHECK (reason <> 'not_there'),
  CONSTRAINT last_admin CHECK (reason <> 'last_admin'),
  CONSTRAINT admin_exists CHECK (reason <> 'admin_exists'),
  CONSTRAINT sign_in_changed CHECK (reason <> 'sign_in_changed'),
  CONSTRAINT refresh_token_unusable CHECK (reason <> 'refresh_token_unusable'),
  CONSTRAINT password_token_unusable CHECK (reason <> 'password_token_unusable')
) STRICT;
