/** What pydantic reads, for the contracts that came from FastAPI. */

/** Spellings of an email that pydantic's `EmailStr` takes. */
export const spellingsOfEmail = (email: string): string[] => [
  ` ${email} `,
  `\t${email}\n`,
  `\u00a0${email}\u3000`,
  `Sand <${email}>`,
  `Théa Sand  <${email}>`,
  `  T-S o'Sand < ${email} > `,
  `"Sand, Théa" <${email}>`,
  `<${email}>`,
]

/** What looks like an address with a name, and is none to pydantic either. */
export const notAnAddress = (email: string): string[] => [
  `Sand ${email}`,
  `Sand <${email}`,
  `Sand ${email}>`,
  `Sand <${email}> Théa`,
  `Sand <<${email}>>`,
  `Sand, Théa <${email}>`,
  `"Sand <${email}`,
  'Sand <thea>',
  'Sand <>',
  `${'S'.repeat(2100)} <${email}>`,
]

/** Spellings of a uuid that pydantic takes. */
export const spellingsOfUuid = (uuid: string): string[] => [
  uuid.toUpperCase(),
  uuid.replaceAll('-', ''),
  uuid.replaceAll('-', '').toUpperCase(),
  `{${uuid}}`,
  `urn:uuid:${uuid.toUpperCase()}`,
]
