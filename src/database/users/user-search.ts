/** Search by trigrams: what is indexed of a user, and how the words of a query become one expression. */
import { sql, type SQL } from 'drizzle-orm'
import { prepare, type Values } from '../statement'
import { userSearch, userSearchTerms } from '../tables'

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

export interface Search {
  /** Folded, distinct and without blanks. */
  words: readonly string[]
  fields: readonly SearchField[]
}

/** The part of a search that its SQL depends on; the words themselves are values. */
export interface SearchShape {
  fields: readonly SearchField[]
  /** Every word is too short for a trigram, so the vocabulary says which trigrams to look for. */
  byVocabulary: boolean
  /** How many two-character words are checked on each hit. Undefined where no short word is checked. */
  checkedPairs: number | undefined
}

/**
 * How many short words are looked up in the index. Each is expanded to all trigrams that begin with it, and so reads the entries of
 * nearly all users.
 */
const maxExpandedWords = 2

const isShort = (word: string) => [...word].length < 3
const isPair = (word: string) => [...word].length === 2

/** No field holds a control character, so a word that does is found nowhere. The ends of the texts are such, and so is NUL. */
const isNowhere = (words: readonly string[]) => words.some((word) => /\p{Cc}/u.test(word))

/** The short words that the index does not find, or not all of them: each hit is checked for them. */
function checkedWords(words: readonly string[]): readonly string[] {
  const short = words.filter(isShort)
  return short.length < words.length || short.length > maxExpandedWords ? short : []
}

export function searchShapeOf({ words, fields }: Search): SearchShape {
  if (isNowhere(words)) return { fields, byVocabulary: false, checkedPairs: undefined }
  const checked = checkedWords(words)
  const checkedPairs = checked.length > 0 ? checked.filter(isPair).length : undefined
  return { fields, byVocabulary: words.every(isShort), checkedPairs }
}

export function searchValues({ words, fields }: Search): Values {
  if (isNowhere(words)) return { phrases: nothing }
  const checked = checkedWords(words)
  const long = words.filter((word) => !isShort(word)).map(quoted)
  return {
    phrases: `{${fields.join(' ')}} : (${long.join(' AND ')})`,
    columns: fields.join(' '),
    short: JSON.stringify(words.filter(isShort)),
    pairs: checked.filter(isPair).join(''),
    characters: checked.filter((word) => !isPair(word)).join(''),
  }
}

const quoted = (term: string) => `"${term.replaceAll('"', '""')}"`
const nothing = quoted('\u0002\u0002\u0002')

/** The conditions on user_search. A statement with a search by vocabulary needs `expandedWords`, too. */
export function searchConditions({ byVocabulary, checkedPairs, fields }: SearchShape): SQL[] {
  const match = sql`${userSearch} MATCH ${byVocabulary ? sql`(SELECT phrases FROM word)` : value('phrases')}`
  return checkedPairs === undefined ? [match] : [match, holdsShortWords(fields, checkedPairs)]
}

/** A common table expression: the MATCH expression of the rarest of the short words. */
export const expandedWords = sql`word AS MATERIALIZED (
  SELECT '{' || ${value('columns')} || '} : (' || group_concat('(' || trigrams || ')', ' AND ') || ')' AS phrases FROM (
    SELECT coalesce(group_concat('"' || replace(term, '"', '""') || '"', ' OR '), '"' || char(2, 2, 2) || '"') AS trigrams
    FROM json_each(${value('short')}) AS word LEFT JOIN ${userSearchTerms}
      ON term >= word.value AND term < word.value || char(1114111)
    GROUP BY word.key ORDER BY coalesce(sum(doc), 0) LIMIT ${sql.raw(String(maxExpandedWords))}))`

/**
 * Whether the texts of the hit hold each short word. No word reaches from one text into the next, since each text has its end.
 * Trimming the one-character words by the characters of the texts leaves nothing where each occurs; the pairs are checked one by one.
 * The number of parameters is the same for any number of words, and CASE is no deeper for many, unlike AND: D1 caps both.
 */
function holdsShortWords(fields: readonly SearchField[], pairs: number): SQL {
  const columns = fields.map((field) => sql`${userSearch[field]}`)
  const pair = (index: number) => sql`substr(pairs, ${sql.raw(String(2 * index + 1))}, 2)`
  const checks = Array.from({ length: pairs }, (_, index) => sql`WHEN instr(text, ${pair(index)}) THEN 0`)
  return sql`(
    SELECT CASE 0 WHEN ltrim(characters, text) = '' THEN 0 ${sql.join(checks, sql` `)} ELSE 1 END
    FROM (SELECT ${sql.join(columns, sql` || `)} AS text, ${value('characters')} AS characters, ${value('pairs')} AS pairs))`
}
