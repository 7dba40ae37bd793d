/** Text searches: the limits of a query, and its words. */
import type { Outcome, Parsed } from './fields'
import { foldForSearch, isLonger, lengthOf } from './text'

/**
 * A search for words of at least three characters is cheap. Each shorter word reads the index entries of nearly all
 * users.
 */
const longWord = 3
const maxShortWords = 3

/** Measures the text before folding it, because the time to fold grows with the text. */
export function parseSearch(input: string): Outcome<Parsed<'search'>> {
  if (isLonger(input, 200)) return { problem: { rule: 'too_long', max: 200 } }
  const words = searchWords(input)
  const tooMany = words.length > maxShortWords && words.every((word) => lengthOf(word) < longWord)
  return tooMany
    ? { problem: { rule: 'too_many_short_words', max: maxShortWords, longWord } }
    : { value: input as Parsed<'search'> }
}

const punctuation = `[\\p{Ps}\\p{Pe}'",.;:!?¡¿·、。]+`
const punctuationAround = new RegExp(`^${punctuation}|${punctuation}$`, 'gu')

/**
 * Returns the distinct words of a query, folded and without surrounding punctuation. A query of punctuation alone is
 * kept as it is.
 */
export function searchWords(text: string): string[] {
  const words = foldForSearch(text)
    .split(/\s+/u)
    .filter((word) => word !== '')
  const bare = words.map((word) => word.replace(punctuationAround, '')).filter((word) => word !== '')
  return [...new Set(bare.length > 0 ? bare : words)]
}
