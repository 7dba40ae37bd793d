/** Search by trigrams: the indexed texts of a user, and the expression of a query's words. */
import { sql, type SQL } from 'drizzle-orm'
import { prepare, type Values } from '../statement'
import { userSearch, userSearchTerms } from '../tables'

const value = sql.placeholder

export const searchFields = ['email', 'username', 'name', 'given_name', 'family_name', 'certified_email'] as const
export type SearchField = (typeof searchFields)[number]
/** Folded texts; `''` when there is none. */
export type SearchRow = Record<SearchField, string>

/** Ends every text, so that each of its characters starts a trigram. No field may contain it. */
const end = '\u0001\u0001'

/** A folded text in its indexed form. */
export const padded = (text: SQL) => sql`iif(${text} = '', '', ${text} || ${end})`

const given = (field: SearchField) => padded(sql`${value(field)}`)

/** Inserts the entry of the user with this id. */
export const insertUserSearch = prepare<SearchRow & { id: string }>(
  () => sql`
    INSERT INTO ${userSearch} (rowid, email, username, name, given_name, family_name, certified_email)
    SELECT number, ${given('email')}, ${given('username')}, ${given('name')}, ${given('given_name')},
      ${given('family_name')}, ${given('certified_email')}
    FROM users WHERE id = ${value('id')}`,
)

/** Writes the entry even if it was missing, so that an update of a user also repairs the index. */
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

/** The parts of a search that its SQL depends on. The words are values. */
export interface SearchShape {
  fields: readonly SearchField[]
  /** Every word is too short for a trigram, so the trigrams come from the index's vocabulary. */
  byVocabulary: boolean
  /** The number of two-character words to check on each hit. Undefined when no short word is checked. */
  checkedPairs: number | undefined
}

/**
 * The maximum number of short words to look up in the index. Each is expanded to all trigrams that start with it, which
 * reads the entries of nearly all users.
 */
const maxExpandedWords = 2

const isShort = (word: string) => [...word].length < 3
const isPair = (word: string) => [...word].length === 2

/**
 * A word with a control character matches nothing, because no field contains one. This excludes the end marks and NUL.
 */
const isNowhere = (words: readonly string[]) => words.some((word) => /\p{Cc}/u.test(word))

/** The short words that the index does not fully cover. Each hit is checked for them. */
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

/** Returns the conditions on user_search. A search by vocabulary also needs `expandedWords` in its statement. */
export function searchConditions({ byVocabulary, checkedPairs, fields }: SearchShape): SQL[] {
  const match = sql`${userSearch} MATCH ${byVocabulary ? sql`(SELECT phrases FROM word)` : value('phrases')}`
  return checkedPairs === undefined ? [match] : [match, holdsShortWords(fields, checkedPairs)]
}

/** A common table expression with the MATCH expression of the rarest short words. */
export const expandedWords = sql`word AS MATERIALIZED (
  SELECT '{' || ${value('columns')} || '} : (' || group_concat('(' || trigrams || ')', ' AND ') || ')' AS phrases FROM (
    SELECT coalesce(group_concat('"' || replace(term, '"', '""') || '"', ' OR '), '"' || char(2, 2, 2) || '"') AS trigrams
    FROM json_each(${value('short')}) AS word LEFT JOIN ${userSearchTerms}
      ON term >= word.value AND term < word.value || char(1114111)
    GROUP BY word.key ORDER BY coalesce(sum(doc), 0) LIMIT ${sql.raw(String(maxExpandedWords))}))`

/**
 * Whether the texts of the hit contain each short word. End marks keep a word from matching across two texts. For
 * one-character words, trimming the words by the characters of the texts leaves nothing. Pairs are checked one by one.
 * The number of parameters does not grow with the words, and CASE, unlike AND, does not grow deeper. D1 limits both.
 */
function holdsShortWords(fields: readonly SearchField[], pairs: number): SQL {
  const columns = fields.map((field) => sql`${userSearch[field]}`)
  const pair = (index: number) => sql`substr(pairs, ${sql.raw(String(2 * index + 1))}, 2)`
  const checks = Array.from({ length: pairs }, (_, index) => sql`WHEN instr(text, ${pair(index)}) THEN 0`)
  return sql`(
    SELECT CASE 0 WHEN ltrim(characters, text) = '' THEN 0 ${sql.join(checks, sql` `)} ELSE 1 END
    FROM (SELECT ${sql.join(columns, sql` || `)} AS text, ${value('characters')} AS characters, ${value('pairs')} AS pairs))`
}
