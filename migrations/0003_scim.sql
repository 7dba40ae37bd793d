-- What provisioning clients (SCIM) need: their own ids for users and roles, attributes that no other contract has, and times of roles.

-- The id that a client gives to a user or a role. A client is the user whose credential it uses; each client sees its own ids only.
-- client_number is no reference: numbers are never reused, and a check would cost every deletion of a user a row.
CREATE TABLE external_ids (
  kind TEXT NOT NULL CHECK (kind IN ('user', 'role')),
  subject_number INTEGER NOT NULL,
  client_number INTEGER NOT NULL,
  value TEXT NOT NULL CHECK (length(value) BETWEEN 1 AND 255),
  PRIMARY KEY (kind, subject_number, client_number)
) STRICT, WITHOUT ROWID;

CREATE INDEX external_ids_by_value ON external_ids (client_number, kind, value);

CREATE TRIGGER users_free_external_ids AFTER DELETE ON users BEGIN
  DELETE FROM external_ids WHERE kind = 'user' AND subject_number = OLD.number;
END;

CREATE TRIGGER roles_free_external_ids AFTER DELETE ON roles BEGIN
  DELETE FROM external_ids WHERE kind = 'role' AND subject_number = OLD.number;
END;

-- Attributes of a user that the record has no column for, as a JSON object. The employee number is repeated, folded, for look-ups.
CREATE TABLE kept_attributes (
  user_number INTEGER PRIMARY KEY REFERENCES users (number) ON DELETE CASCADE,
  attributes TEXT NOT NULL CHECK (length(attributes) <= 8192),
  employee_number_key TEXT
) STRICT;

CREATE INDEX kept_attributes_by_employee_number ON kept_attributes (employee_number_key)
WHERE employee_number_key IS NOT NULL;

-- The order of the name that a user is shown by: the username or, without one, the email.
CREATE INDEX users_by_shown_name ON users (coalesce(username_key, email_key));

ALTER TABLE roles ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE roles ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE roles SET created_at = unixepoch(), updated_at = unixepoch();
