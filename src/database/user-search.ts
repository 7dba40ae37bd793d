/** Search by trigrams: what is indexed of a user, and how the words of a query become one expression. */
import { sql, type SQL } from 'drizzle-orm'
import { prepare, type Values } from './statement'
import { userSearch, userSearchTerms } from './tables'

const value = sql.placeholder

export const searchFields = ['email', 'username', 'name', 'given_name', 'family_name', 'certified_email'] as const
export type SearchField = (typeof searchFields)[number]
/** Folded texts, `''` where there is none. */
export type SearchRow = Record<SearchField, string>

/** Ends every text, so that each of its characters begins a trigram. No field may hold it. */
const end = '\u0001\u0001'

/** A folded text as it is indexed. */
export const padded = (text: SQL) => sql`iif(${text} = '', '', ${text} || ${end})`

const given = (field: SearchField) => padded(sql`${value(field)}`)

/** The entry of the user with this id. */
export const insertUserSearch = prepare<SearchRow & { id: string }>(
  () => sql`
    INSERT INTO ${userSearch} (rowid, email, username, name, given_name, family_name, certified_email)
    SELECT number, ${given('email')}, ${given('username')}, ${given('name')}, ${given('given_name')},
      ${given('family_name')}, ${given('certified_email')}
    FROM users WHERE id = ${value('id')}`,
)

/** Whether there was an entry or not: a change of a user mends the index, too. */
export const updateUserSearch = prepare<SearchRow & { number: number }>(
  () => sql`
    INSERT OR REPLACE INTO ${userSearch} (rowid, email, username, name, given_name, family_name, certified_email)
    VALUES (${value('number')}, ${given('email')}, ${given('username')}, ${given('name')}, ${given('given_name')},
      ${given('family_name')}, ${given('certified_email')})`,
)

/** Whether there are words too short for a phrase of trigrams: those are looked up in the vocabulary. */
export interface SearchShape {
  short: boolean
}

const isShort = (word: string) => [...word].length < 3

export function searchShapeOf(words: readonly string[]): SearchShape {
  return { short: !isNowhere(words) && words.some(isShort) }
}

/** No field holds a control character, so a word that does is nowhere; the ends of the texts, and of a string in C, are such. */
const isNowhere = (words: readonly string[]) => words.some((word) => /\p{Cc}/u.test(word))

/** The values of a MATCH expression that finds each of `words` (folded, without blanks) somewhere in `fields`. */
export function searchValues(words: readonly string[], fields: readonly SearchField[]): Values {
  if (isNowhere(words)) return { phrases: nothing }
  const short = words.filter(isShort)
  const phrases = words.filter((word) => !isShort(word)).map(quoted)
  const head = `{${fields.join(' ')}} : (${phrases.join(' AND ')}`
  if (short.length === 0) return { phrases: `${head})` }
  return { phrases: phrases.length > 0 ? `${head} AND ` : head, short: JSON.stringify(short) }
}

/**
 * Three characters and more are a phrase of trigrams; fewer are any of the trigrams that begin with them, looked up in the vocabulary.
 * However many words there are, the SQL and the number of its parameters stay the same: D1 caps both.
 */
export function matchExpression({ short }: SearchShape): SQL {
  return short ? sql`${value('phrases')} || ${beginnings} || ')'` : sql`${value('phrases')}`
}

const quoted = (term: string) => `"${term.replaceAll('"', '""')}"`
const nothing = quoted('\u0002\u0002\u0002')

const beginnings = sql`(
    SELECT group_concat('(' || coalesce((
      SELECT group_concat('"' || replace(term, '"', '""') || '"', ' OR ') FROM ${userSearchTerms}
      WHERE term >= word.value AND term < word.value || char(1114111)), '"' || char(2, 2, 2) || '"') || ')', ' AND ')
    FROM json_each(${value('short')}) AS word)`
