-- What drizzle-kit generates for the table in crud.js.
CREATE TABLE `users` (
  `id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
  `email` text NOT NULL,
  `name` text NOT NULL,
  `phone` text,
  `birth_date` text,
  `role` text DEFAULT 'user' NOT NULL,
  `active` integer DEFAULT true NOT NULL,
  `password_hash` text NOT NULL,
  `created_at` integer NOT NULL,
  `updated_at` integer NOT NULL
);
CREATE UNIQUE INDEX `users_email_unique` ON `users` (`email`);
