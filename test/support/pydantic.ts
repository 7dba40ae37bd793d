/** Spellings that pydantic accepts, for the contracts that come from FastAPI. */

/** Spellings of an email that pydantic's `EmailStr` accepts. */
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

/** Texts that look like an address with a name. Pydantic rejects them too. */
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

/** Spellings of a uuid that pydantic accepts. */
export const spellingsOfUuid = (uuid: string): string[] => [
  uuid.toUpperCase(),
  uuid.replaceAll('-', ''),
  uuid.replaceAll('-', '').toUpperCase(),
  `{${uuid}}`,
  `urn:uuid:${uuid.toUpperCase()}`,
]
