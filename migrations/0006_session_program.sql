-- The program that signed in, by its own account: the first product of its User-Agent. Empty where it named none.
ALTER TABLE sessions ADD COLUMN program TEXT NOT NULL DEFAULT '' CHECK (length(program) <= 40);
