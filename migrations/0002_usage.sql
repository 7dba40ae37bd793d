-- Which user and program used which operation: a row for each day (UTC), in which each bit of `hours` stands for one hour of that day.
-- No second index and no rowid: recording a use writes one row.
CREATE TABLE usage (
  contract TEXT NOT NULL,
  operation TEXT NOT NULL,
  -- The id of the user. No reference: the record outlives the user.
  principal TEXT NOT NULL CHECK (length(principal) = 36),
  -- The id of the API key, else the first product of the `User-Agent` header, else an empty text.
  program TEXT NOT NULL CHECK (length(program) <= 40),
  -- Days since 1970-01-01.
  day INTEGER NOT NULL,
  hours INTEGER NOT NULL CHECK (hours BETWEEN 1 AND 16777215),
  PRIMARY KEY (contract, operation, principal, program, day)
) STRICT, WITHOUT ROWID;

-- The permission usage:read is bit 15.
UPDATE roles SET permissions = permissions | 32768 WHERE number = 1;
