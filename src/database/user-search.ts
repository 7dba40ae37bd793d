/** Search by trigrams: what is indexed of a user, and how the words of a query become one expression. */
import { sql, type SQL } from 'drizzle-orm'
import { prepare } from './statement'
import { userSearch, userSearchTerms } from './tables'

const value = sql.placeholder

export type SearchField = 'email' | 'username' | 'name' | 'given_name' | 'family_name' | 'certified_email'
/** Folded texts, `''` where there is none. */
export type SearchRow = Record<SearchField, string>

/** Ends every text, so that each of its characters begins a trigram. No field may hold it. */
const end = '\u0001\u0001'

const padded = (field: SearchField) => sql`iif(${value(field)} = '', '', ${value(field)} || ${end})`

/** The entry of the user with this id. */
export const insertUserSearch = prepare<SearchRow & { id: string }>(
  () => sql`
    INSERT INTO ${userSearch} (rowid, email, username, name, given_name, family_name, certified_email)
    SELECT number, ${padded('email')}, ${padded('username')}, ${padded('name')}, ${padded('given_name')},
      ${padded('family_name')}, ${padded('certified_email')}
    FROM users WHERE id = ${value('id')}`,
)

export const updateUserSearch = prepare<SearchRow & { number: number }>(
  () => sql`
    UPDATE ${userSearch} SET email = ${padded('email')}, username = ${padded('username')}, name = ${padded('name')},
      given_name = ${padded('given_name')}, family_name = ${padded('family_name')},
      certified_email = ${padded('certified_email')}
    WHERE rowid = ${value('number')}`,
)

/**
 * The MATCH expression that finds each of `words` (folded, without blanks) somewhere in `fields`. Three characters and more are a
 * phrase of trigrams; fewer are any of the trigrams that begin with them, looked up in the vocabulary. Control characters are in no
 * field: they would end the expression, or find the ends of texts.
 */
export function matchExpression(words: readonly string[], fields: readonly SearchField[]): SQL {
  const parts = words.map((word) => {
    if (/\p{Cc}/u.test(word)) return sql`${nothing}`
    return [...word].length >= 3 ? sql`${quoted(word)}` : beginnings(word)
  })
  return sql`${`{${fields.join(' ')}} : (`} || ${sql.join(parts, sql` || ' AND ' || `)} || ')'`
}

const quoted = (term: string) => `"${term.replaceAll('"', '""')}"`
const nothing = quoted('\u0002\u0002\u0002')

function beginnings(word: string): SQL {
  return sql`'(' || coalesce((
    SELECT group_concat('"' || replace(term, '"', '""') || '"', ' OR ') FROM ${userSearchTerms}
    WHERE term >= ${word} AND term < ${word + '\u{10ffff}'}), ${nothing}) || ')'`
}
